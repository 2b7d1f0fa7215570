# SPDX-License-Identifier: Apache-2.0
"""The tile: devices, converters, registers and counters behind one set of operations, in integers."""
import numpy as np

from golden import accelerate, crossbar, validate
from golden.config import Plane, TileConfig
from golden.ledger import Ledger
from golden.noise import Stream
from golden.pulses import Train, negative, train
from golden.register_file import register_file
from golden.registers import Access, Interrupt, register_map

WORD = 1 << 32


class Tile:
    """Golden model of one tile: `rtl/tile.py` gives the same outputs, weights and counters.

    Every operation takes a batch and does its vectors in order, one event each; a batch equals the same vectors
    one at a time. A new tile has all planes zero, as the hardware after configuration, so that nothing moves
    before they are loaded. Errors: TypeError or ValueError with nothing changed.
    """

    def __init__(self, config: TileConfig):
        self.config = config
        self.registers = register_file(register_map(config), self)
        self.planes = {plane: np.zeros((shape.rows, shape.cols), dtype=np.int64)
                       for plane, shape in config.planes.items()}
        self.reset()

    def reset(self) -> None:
        """Registers to their reset values, counters to zero; the planes stay."""
        self._values = {name: register.reset for name, register in self.registers.items() if register.stored}
        self._interrupts = Interrupt(0)
        self.ledger = Ledger()

    def get(self, name: str) -> int:
        """The value of a register."""
        register = validate.register(self.registers, name)
        if register.stored:
            return self._values[name]
        if name == "irq_status":
            return int(self._interrupts)
        counted = self.ledger.register(name)
        return register.reset if counted is None else counted

    def set(self, name: str, value: int) -> None:
        """Write a register."""
        value = validate.register_value(self.registers, name, value)
        match self.registers[name].access:
            case Access.WRITE:
                self._values[name] = value
            case Access.CLEAR:
                self._interrupts &= ~Interrupt(value)

    def counters(self) -> dict[str, int]:
        """All counters by name. Emulation cycles are the hardware's alone: 0 here."""
        return dict(self.ledger.total)

    def interrupt(self, interrupts: Interrupt) -> None:
        """Make interrupts pending."""
        self._interrupts |= interrupts

    @property
    def irq(self) -> bool:
        """The interrupt line: whether a pending interrupt is enabled."""
        return bool(self._interrupts & Interrupt(self._values["irq_enable"]))

    def write(self, plane: Plane, row: int, values) -> None:
        """Load one row of a plane."""
        self.planes[plane][row] = validate.plane_values(self.config, plane, row, values)

    def read(self, plane: Plane, row: int) -> np.ndarray:
        """One row of a plane, int64."""
        validate.plane_row(self.config, plane, row)
        return self.planes[plane][row].copy()

    def write_plane(self, plane: Plane, values) -> None:
        """Load all rows of a plane."""
        self.planes[plane][:] = validate.plane(self.config, plane, values)

    def read_plane(self, plane: Plane) -> np.ndarray:
        """All rows of a plane, int64."""
        validate.plane_row(self.config, plane, 0)
        return self.planes[plane].copy()

    def forward(self, codes) -> np.ndarray:
        """ADC codes (B, C) of input codes (B, R)."""
        codes = validate.codes(self.config, codes, self.config.rows)
        outputs, costs = self._multiply(codes, self.planes[Plane.WEIGHT])
        self._count(len(codes), forwards=1, row_pulses=np.abs(codes).sum(axis=1), **costs)
        return outputs

    def backward(self, codes) -> np.ndarray:
        """ADC codes (B, R) of error codes (B, C)."""
        codes = validate.codes(self.config, codes, self.config.cols)
        outputs, costs = self._multiply(codes, self.planes[Plane.WEIGHT].T)
        self._count(len(codes), backwards=1, col_pulses=np.abs(codes).sum(axis=1), **costs)
        return outputs

    def update(self, row_levels, col_levels, bl) -> None:
        """Rank-1 updates by trains: levels (B, R) and (B, C) in +-65536, slots `bl` (B,) in 1..63.

        The register `train` says how trains are made; with `Train.WORDS` the values are signed 32-bit words.
        """
        config, kind = self.config, Train(self._values["train"])
        row_levels, col_levels, bl = validate.update(config, row_levels, col_levels, bl, kind)
        apply = accelerate.update or crossbar.update
        for x, d, slots in zip(row_levels, col_levels, bl.tolist(), strict=True):
            seed, event = self._values["seed"], self._values["event"]
            row_pulses = train(config, seed, Stream.ROW_TRAIN, event, x, slots, kind)
            col_pulses = train(config, seed, Stream.COLUMN_TRAIN, event, d, slots, kind)
            coincidences = apply(config, self.planes, seed, event, row_pulses, col_pulses,
                                 negative(x, kind), negative(d, kind))
            self._values["event"] = (event + 1) % WORD
            self._count(1, updates=1, slots=slots, row_pulses=row_pulses.sum(), col_pulses=col_pulses.sum(),
                        coincidences=coincidences,
                        chip_cycles=self._values["t_settle"] + slots * self._values["t_slot"])

    def _multiply(self, codes, weights) -> tuple[np.ndarray, dict]:
        """Window, sample and convert a batch; takes one event a vector. Outputs, and what they cost by counter."""
        config, values, n = self.config, self._values, weights.shape[1]
        batch = len(codes)
        events = (values["event"] + np.arange(batch)) % WORD
        charge = crossbar.charges(codes, weights, config)
        noise = config.converter.noise(values["seed"], events, n, config.rounds)
        gain, offset = self.planes[Plane.ADC_GAIN][0, :n], self.planes[Plane.ADC_OFFSET][0, :n]
        outputs = config.converter.convert(config.converter.sample(charge, gain, offset, noise))
        values["event"] = (values["event"] + batch) % WORD
        chip_cycles = (values["t_settle"] + config.code.max * values["t_slot"] + values["t_hold"]
                       + config.adc.bits * values["t_convert"])
        return outputs, {"slots": config.code.max, "conversions": n, "chip_cycles": chip_cycles,
                         "saturations": (np.abs(outputs) == config.adc.code.max).sum(axis=1)}

    def _count(self, batch: int, saturations=0, **amounts) -> None:
        """Enter a batch of operations into the ledger and raise their interrupts."""
        self.ledger.add(batch, saturations=saturations, **amounts)
        if batch:
            self.interrupt(Interrupt.DONE)
        if np.any(saturations):
            self.interrupt(Interrupt.SATURATION)
