# SPDX-License-Identifier: Apache-2.0
"""The tile: devices, converters, registers and counters behind one set of operations, in integers."""
import numpy as np

from golden import accelerate, crossbar, management, validate
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

    def last_counters(self) -> dict[str, int]:
        """The counters of the last operation alone."""
        return dict(self.ledger.last)

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
        outputs, costs = self._multiply(codes, self._take(len(codes)))
        self._count(len(codes), forwards=1, **costs)
        return outputs

    def backward(self, codes) -> np.ndarray:
        """ADC codes (B, R) of error codes (B, C)."""
        codes = validate.codes(self.config, codes, self.config.cols)
        outputs, costs = self._multiply(codes, self._take(len(codes)), is_backward=True)
        self._count(len(codes), backwards=1, **costs)
        return outputs

    def update(self, row_levels, col_levels, bl) -> None:
        """Rank-1 updates by trains: levels (B, R) and (B, C) in +-65536, slots `bl` (B,) in 1..63.

        The register `train` says how trains are made; with `Train.WORDS` the values are signed 32-bit words.
        """
        kind = Train(self._values["train"])
        self._play(*validate.update(self.config, row_levels, col_levels, bl, kind), kind)

    def forward_vector(self, vectors) -> np.ndarray:
        """VECTOR values (B, C) of VECTOR vectors (B, R), by noise and bound management."""
        vectors = validate.vectors(vectors, self.config.rows)
        outputs, costs = self._managed(vectors, self._values["bm_passes"])
        self._count(len(vectors), forwards=1, **costs)
        return outputs

    def backward_vector(self, vectors) -> np.ndarray:
        """VECTOR values (B, R) of VECTOR vectors (B, C), by noise management; by bound management if it is on."""
        vectors = validate.vectors(vectors, self.config.cols)
        passes = self._values["bm_passes"] if self._values["bm_backward"] else 1
        outputs, costs = self._managed(vectors, passes, is_backward=True)
        self._count(len(vectors), backwards=1, **costs)
        return outputs

    def update_vector(self, x, d) -> np.ndarray:
        """Slots (B,) that rank-1 updates by VECTOR vectors x (B, R) and d (B, C) took, by update management.

        An update of 0 slots, with nothing to do, takes its event and is counted like any other. Levels are no words:
        where the register `train` says so, trains are stochastic.
        """
        x, d = validate.vector_pairs(self.config, x, d)
        row_levels, col_levels, bl = management.update_levels(x, d, *(self._values[n] for n in ("ratio", "um", "bl")))
        kind = Train(self._values["train"])
        self._play(row_levels, col_levels, bl, Train.STOCHASTIC if kind is Train.WORDS else kind)
        return bl

    def _take(self, batch: int) -> np.ndarray:
        """The events (B,) of a batch of operations."""
        events = (self._values["event"] + np.arange(batch)) % WORD
        self._values["event"] = (self._values["event"] + batch) % WORD
        return events

    def _play(self, row_levels, col_levels, bl, kind: Train) -> None:
        """Trains of levels (B, R) and (B, C) in slots (B,), and what they do to the devices."""
        config, seed = self.config, self._values["seed"]
        apply = accelerate.update or crossbar.update
        counts = np.zeros((3, len(bl)), dtype=np.int64)
        for n, event in enumerate(self._take(len(bl)).tolist()):
            x, d, slots = row_levels[n], col_levels[n], int(bl[n])
            row_pulses = train(config, seed, Stream.ROW_TRAIN, event, x, slots, kind)
            col_pulses = train(config, seed, Stream.COLUMN_TRAIN, event, d, slots, kind)
            coincidences = apply(config, self.planes, seed, event, row_pulses, col_pulses,
                                 negative(x, kind), negative(d, kind))
            counts[:, n] = row_pulses.sum(), col_pulses.sum(), coincidences
        chip_cycles = np.where(bl > 0, self._values["t_settle"] + bl * self._values["t_slot"], 0)
        self._count(len(bl), updates=1, slots=bl, row_pulses=counts[0], col_pulses=counts[1], coincidences=counts[2],
                    update_row_pulses=counts[0], update_col_pulses=counts[1], chip_cycles=chip_cycles)

    def _managed(self, vectors, passes: int, is_backward: bool = False) -> tuple[np.ndarray, dict]:
        """Values of vectors, and what they cost: with saturated codes measured again, under twice the scale."""
        config, events = self.config, self._take(len(vectors))
        scale = management.scales(vectors, self._values["nm"])
        outputs, costs = self._multiply(management.encode(config, vectors, scale), events, is_backward)
        costs = {name: np.zeros(len(vectors), dtype=np.int64) + cost for name, cost in costs.items()}
        costs["retries"] = np.zeros(len(vectors), dtype=np.int64)
        again = np.nonzero(costs["saturations"])[0]
        for attempt in range(1, passes):
            if not len(again):
                break
            scale[again] *= 2
            codes = management.encode(config, vectors[again], scale[again])
            outputs[again], more = self._multiply(codes, events[again], is_backward, attempt)
            for name, cost in (more | {"retries": 1}).items():
                costs[name][again] += cost
            again = again[more["saturations"] > 0]
        return management.decode(config, outputs, scale), costs

    def _multiply(self, codes, events, is_backward: bool = False, attempt: int = 0) -> tuple[np.ndarray, dict]:
        """Window, sample and convert a batch of codes in their events. Outputs, and what they cost by counter."""
        config, values = self.config, self._values
        weights = self.planes[Plane.WEIGHT].T if is_backward else self.planes[Plane.WEIGHT]
        n = weights.shape[1]
        charge = crossbar.charges(codes, weights, config)
        noise = config.converter.noise(values["seed"], events, n, config.rounds, attempt)
        gain, offset = self.planes[Plane.ADC_GAIN][0, :n], self.planes[Plane.ADC_OFFSET][0, :n]
        held = config.converter.sample(charge, gain, offset, noise)
        comparator, dac = (self.planes[plane][:, :n] if plane in self.planes else 0
                           for plane in (Plane.COMPARATOR, Plane.ADC_DAC))
        draws = config.converter.draws(values["seed"], events, n, config.rounds, attempt)
        outputs = config.converter.convert(held, comparator, dac, draws)
        chip_cycles = (values["t_settle"] + config.code.max * values["t_slot"] + values["t_hold"]
                       + config.adc.cycles(values["t_convert"]))
        return outputs, {"slots": config.code.max, "conversions": n, "chip_cycles": chip_cycles,
                         "col_pulses" if is_backward else "row_pulses": np.abs(codes).sum(axis=1),
                         "saturations": (np.abs(outputs) == config.adc.code.max).sum(axis=1)}

    def _count(self, batch: int, saturations=0, **amounts) -> None:
        """Enter a batch of operations into the ledger and raise their interrupts."""
        self.ledger.add(batch, saturations=saturations, **amounts)
        if batch:
            self.interrupt(Interrupt.DONE)
        if np.any(saturations):
            self.interrupt(Interrupt.SATURATION)
