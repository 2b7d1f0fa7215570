# SPDX-License-Identifier: Apache-2.0
"""What a tile accepts: one set of checks for the model and for the driver of a linked tile.

Each returns its values as int64, or raises TypeError (kind) or ValueError (range) before anything has happened.
"""
from collections.abc import Mapping

import numpy as np

from golden.config import (
    ALL,
    LEVEL,
    MAX_LEVEL,
    MAX_READS_LOG2,
    SETTINGS,
    VECTOR,
    Plane,
    PlaneShape,
    TileConfig,
    check_int,
)
from golden.formats import Format
from golden.protocol import Opcode, served
from golden.pulses import TRAIN_WORD, Train
from golden.registers import Register

_BL = Format(6, signed=False)


def command(config: TileConfig, opcode: Opcode) -> None:
    """A command that the tile does not leave out."""
    if opcode not in served(config):
        raise ValueError(f"Command must be one that the tile has, not {opcode.name}, whose engine it leaves out")


def codes(config: TileConfig, values, n: int) -> np.ndarray:
    """Input or error codes (B, n), from (n,) or (B, n)."""
    return batch(config.code.check(values, "Codes"), n, "Codes")


def vectors(values, n: int, name: str = "Vectors") -> np.ndarray:
    """VECTOR codes (B, n), from (n,) or (B, n)."""
    return batch(VECTOR.check(values, name), n, name)


def vector_pairs(config: TileConfig, x, d) -> tuple[np.ndarray, np.ndarray]:
    """VECTOR codes x (B, R) and d (B, C) of a batch of updates."""
    x, d = vectors(x, config.rows, "x"), vectors(d, config.cols, "d")
    if len(x) != len(d):
        raise ValueError(f"Batch sizes of x and d must agree, not be {len(x)} and {len(d)}")
    return x, d


def update(config: TileConfig, row_levels, col_levels, bl,
           kind: Train = Train.STOCHASTIC) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Levels (B, R) and (B, C) in +-65536, or words of 32 bits, and slots (B,) of a batch of updates."""
    command(config, Opcode.UPDATE)
    values = _words if kind is Train.WORDS else _levels
    row_levels, col_levels = values(row_levels, config.rows), values(col_levels, config.cols)
    bl = _BL.check(bl, "BL").reshape(-1)
    most = kind.most_slots(config)
    wrong = (bl < 1) | (bl > most)
    if wrong.any():
        raise ValueError(f"BL must be in 1..{most}, not {int(bl[wrong][0])}")
    if not len(row_levels) == len(col_levels) == len(bl):
        raise ValueError(f"Batch sizes of rows, columns and BL must agree, not be "
                         f"{len(row_levels)}, {len(col_levels)} and {len(bl)}")
    return row_levels, col_levels, bl


def plane_row(config: TileConfig, plane, row: int) -> PlaneShape:
    """Shape and format of a plane that has this row."""
    if plane not in config.loadable:
        if config.pins:
            raise ValueError("Planes must belong to an emulated array, not to a real one behind pins")
        raise ValueError(f"Plane must be one of {[p.name for p in config.planes]}, not {plane!r}")
    shape = config.loadable[Plane(plane)]
    if not 0 <= row < shape.rows:
        raise ValueError(f"Row of plane {Plane(plane).name} must be in 0..{shape.rows - 1}, not {row}")
    return shape


def plane_values(config: TileConfig, plane, row: int, values) -> np.ndarray:
    """Values of one row of a plane."""
    shape = plane_row(config, plane, row)
    values = shape.format.check(values, f"Values of plane {Plane(plane).name}")
    if values.shape != (shape.cols,):
        raise ValueError(f"A row of plane {Plane(plane).name} must have shape ({shape.cols},), not {values.shape}")
    return values


def plane(config: TileConfig, plane, values) -> np.ndarray:
    """Values of a whole plane, (rows, cols) of its shape."""
    shape = plane_row(config, plane, 0)
    values = shape.format.check(values, f"Values of plane {Plane(plane).name}")
    if values.shape != (shape.rows, shape.cols):
        raise ValueError(f"Plane {Plane(plane).name} must have shape ({shape.rows}, {shape.cols}), not {values.shape}")
    return values


def register(registers: Mapping[str, Register], name: str) -> Register:
    """The register of that name."""
    if name not in registers:
        raise ValueError(f"Register must be one of {', '.join(registers)}, not {name!r}")
    return registers[name]


def register_value(registers: Mapping[str, Register], name: str, value: int) -> int:
    """A value that may be written to a register."""
    found = register(registers, name)
    if not found.writable:
        is_fixed = name in SETTINGS
        raise ValueError(f"Register must be a writable one, not {name}"
                         + f", which this tile has fixed at {found.reset}" * is_fixed)
    Format(32, signed=False).check(value, f"Register {name}")
    if not found.minimum <= value <= found.maximum:
        raise ValueError(f"Register {name} must be in {found.minimum}..{found.maximum}, not {value}")
    return int(value)


def _levels(levels, n: int) -> np.ndarray:
    levels = batch(LEVEL.check(levels, "Levels"), n, "Levels")
    if levels.size and np.abs(levels).max() > MAX_LEVEL:
        raise ValueError(f"Levels must be in +-{MAX_LEVEL}, not {int(levels.flat[np.abs(levels).argmax()])}")
    return levels


def _words(words, n: int) -> np.ndarray:
    return batch(TRAIN_WORD.check(words, "Words"), n, "Words")


def batch(values, n: int, name: str) -> np.ndarray:
    """`values` as (B, n), from (n,) or (B, n)."""
    if values.ndim not in (1, 2) or values.shape[-1] != n:
        raise ValueError(f"{name} must have shape ({n},) or (batch, {n}), not {values.shape}")
    return values.reshape(-1, n)


def within(value, low: int, high: int, name: str) -> int:
    """An integer in low..high."""
    check_int(name, int(value) if isinstance(value, np.integer) else value, low, high)
    return int(value)


def cross_points(config: TileConfig, row, col) -> tuple[int, np.ndarray]:
    """Row (or ALL) and columns, as int64 (C,) of 0 and 1, of a programming command."""
    for name, value, n in (("Row", row, config.rows), ("Column", col, config.cols)):
        if value != ALL:
            within(value, 0, n - 1, name)
    return int(row), ((np.arange(config.cols) == col) | (col == ALL)).astype(np.int64)


def reads_log2(value) -> int:
    """The number of reads that are averaged, as a power of two."""
    return within(value, 0, MAX_READS_LOG2, "Reads, as a power of two,")


def targets(config: TileConfig, values) -> np.ndarray:
    """Targets (C,) of write-verify, in 1/256 ADC LSB."""
    return vector(config.adc.held.check(values, "Targets"), config.cols, "Targets")


def vector(values: np.ndarray, n: int, name: str) -> np.ndarray:
    """`values` of shape (n,)."""
    if values.shape != (n,):
        raise ValueError(f"{name} must have shape ({n},), not {values.shape}")
    return values
