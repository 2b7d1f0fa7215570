# SPDX-License-Identifier: Apache-2.0
"""The tile: devices, converters, registers and counters behind one set of operations, in integers."""
import numpy as np

from golden import accelerate, crossbar
from golden.config import LEVEL, MAX_BL, MAX_LEVEL, Plane, TileConfig
from golden.formats import Format
from golden.noise import Stream
from golden.pulses import train
from golden.registers import COUNTERS, Register, register_map

WORD = 1 << 32


class Tile:
    """Golden model of one tile: `rtl/tile.py` gives the same outputs, weights and counters.

    Every operation takes a batch and does its vectors in order, one event each; a batch equals the same vectors
    one at a time. A new tile has all planes zero, as the hardware after configuration, so that nothing moves
    before they are loaded. Errors: TypeError or ValueError with nothing changed.
    """

    def __init__(self, config: TileConfig):
        self.config = config
        self.registers = register_map(config)
        self.planes = {plane: np.zeros((shape.rows, shape.cols), dtype=np.int64)
                       for plane, shape in config.planes.items()}
        self.reset()

    def reset(self) -> None:
        """Registers to their reset values, counters to zero; the planes stay."""
        self._values = {name: register.reset for name, register in self.registers.items() if register.writable}
        self._counters = dict.fromkeys(COUNTERS, 0)

    def get(self, name: str) -> int:
        """The value of a register."""
        register = self._register(name)
        if register.writable:
            return self._values[name]
        counter, _, half = name.rpartition("_")
        if counter in self._counters:
            return self._counters[counter] >> (32 if half == "high" else 0) & (WORD - 1)
        return register.reset

    def set(self, name: str, value: int) -> None:
        """Write a register."""
        register = self._register(name)
        if not register.writable:
            raise ValueError(f"Register must be a writable one, not {name}")
        Format(register.bits, signed=False).check(value, f"Register {name}")
        if value < register.minimum:
            raise ValueError(f"Register {name} must be at least {register.minimum}, not {value}")
        self._values[name] = int(value)

    def counters(self) -> dict[str, int]:
        """All counters by name. Emulation cycles are the hardware's alone: 0 here."""
        return dict(self._counters)

    def write(self, plane: Plane, row: int, values) -> None:
        """Load one row of a plane."""
        shape = self._shape(plane, row)
        values = shape.format.check(values, f"Values of plane {Plane(plane).name}")
        if values.shape != (shape.cols,):
            raise ValueError(f"A row of plane {Plane(plane).name} must have shape ({shape.cols},), not {values.shape}")
        self.planes[plane][row] = values

    def read(self, plane: Plane, row: int) -> np.ndarray:
        """One row of a plane, int64."""
        self._shape(plane, row)
        return self.planes[plane][row].copy()

    def forward(self, codes) -> np.ndarray:
        """ADC codes (B, C) of input codes (B, R)."""
        codes = self._codes(codes, self.config.rows)
        outputs = self._multiply(codes, self.planes[Plane.WEIGHT])
        self._counters["forwards"] += len(codes)
        self._counters["row_pulses"] += int(np.abs(codes).sum())
        return outputs

    def backward(self, codes) -> np.ndarray:
        """ADC codes (B, R) of error codes (B, C)."""
        codes = self._codes(codes, self.config.cols)
        outputs = self._multiply(codes, self.planes[Plane.WEIGHT].T)
        self._counters["backwards"] += len(codes)
        self._counters["col_pulses"] += int(np.abs(codes).sum())
        return outputs

    def update(self, row_levels, col_levels, bl) -> None:
        """Rank-1 updates by stochastic trains: levels (B, R) and (B, C) in +-65536, slots `bl` (B,) in 1..63."""
        config = self.config
        row_levels = self._levels(row_levels, config.rows)
        col_levels = self._levels(col_levels, config.cols)
        bl = Format(6, signed=False).check(bl, "BL").reshape(-1)
        if (bl < 1).any():
            raise ValueError(f"BL must be in 1..{MAX_BL}, not {int(bl.min())}")
        if not len(row_levels) == len(col_levels) == len(bl):
            raise ValueError(f"Batch sizes of rows, columns and BL must agree, not be "
                             f"{len(row_levels)}, {len(col_levels)} and {len(bl)}")
        apply = accelerate.update or crossbar.update
        for x, d, slots in zip(row_levels, col_levels, bl.tolist(), strict=True):
            seed, event = self._values["seed"], self._values["event"]
            row_pulses = train(config, seed, Stream.ROW_TRAIN, event, x, slots)
            col_pulses = train(config, seed, Stream.COLUMN_TRAIN, event, d, slots)
            coincidences = apply(config, self.planes, seed, event, row_pulses, col_pulses, x < 0, d < 0)
            self._counters["coincidences"] += int(coincidences)
            self._counters["row_pulses"] += int(row_pulses.sum())
            self._counters["col_pulses"] += int(col_pulses.sum())
            self._counters["updates"] += 1
            self._counters["chip_cycles"] += self._values["t_settle"] + slots * self._values["t_slot"]
            self._values["event"] = (event + 1) % WORD

    def _multiply(self, codes, weights) -> np.ndarray:
        """Window, sample and convert a batch; takes one event a vector."""
        config, values, n = self.config, self._values, weights.shape[1]
        batch = len(codes)
        events = (values["event"] + np.arange(batch)) % WORD
        charge = crossbar.charges(codes, weights, config)
        noise = config.converter.noise(values["seed"], events, n, config.rounds)
        gain, offset = self.planes[Plane.ADC_GAIN][0, :n], self.planes[Plane.ADC_OFFSET][0, :n]
        outputs = config.converter.convert(config.converter.sample(charge, gain, offset, noise))
        values["event"] = (values["event"] + batch) % WORD
        self._counters["conversions"] += batch * n
        self._counters["saturations"] += int((np.abs(outputs) == config.adc.code.max).sum())
        self._counters["chip_cycles"] += batch * (values["t_settle"] + config.code.max * values["t_slot"]
                                                  + values["t_hold"] + config.adc.bits * values["t_convert"])
        return outputs

    def _register(self, name: str) -> Register:
        if name not in self.registers:
            raise ValueError(f"Register must be one of {', '.join(self.registers)}, not {name!r}")
        return self.registers[name]

    def _shape(self, plane, row: int):
        if plane not in self.config.planes:
            raise ValueError(f"Plane must be one of {[p.name for p in self.config.planes]}, not {plane!r}")
        shape = self.config.planes[Plane(plane)]
        if not 0 <= row < shape.rows:
            raise ValueError(f"Row of plane {Plane(plane).name} must be in 0..{shape.rows - 1}, not {row}")
        return shape

    def _codes(self, codes, n: int) -> np.ndarray:
        return _batch(self.config.code.check(codes, "Codes"), n, "Codes")

    @staticmethod
    def _levels(levels, n: int) -> np.ndarray:
        levels = _batch(LEVEL.check(levels, "Levels"), n, "Levels")
        if levels.size and np.abs(levels).max() > MAX_LEVEL:
            raise ValueError(f"Levels must be in +-{MAX_LEVEL}, not {int(levels.flat[np.abs(levels).argmax()])}")
        return levels


def _batch(values, n: int, name: str) -> np.ndarray:
    """`values` as (B, n)."""
    if values.ndim not in (1, 2) or values.shape[-1] != n:
        raise ValueError(f"{name} must have shape ({n},) or (batch, {n}), not {values.shape}")
    return values.reshape(-1, n)
