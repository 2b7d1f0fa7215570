# SPDX-License-Identifier: Apache-2.0
"""What operations will cost, from their inputs and the registers alone: a second opinion on the counters.

No weight is read, nothing is multiplied and no counter is asked: counts follow from the contract's tables. What only
the array knows stays open: `saturations`, and how many passes bound management takes, which is an argument here.
"""
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from golden import management
from golden.config import COUNTERS, TileConfig
from golden.noise import Stream
from golden.pulses import Train, train

Counts = dict[str, np.ndarray]
"""Counts (B,) of a batch of operations, int64, by counter."""
PREDICTED = tuple(name for name in COUNTERS if name not in ("emulation_cycles", "saturations"))
"""Counters that inputs determine: not the emulator's own, and not what the array's outputs decide."""


class Windows(NamedTuple):
    """How codes are carried: in so many windows with a conversion each, of so many slots each."""

    windows: int
    slots: int


def windows(config: TileConfig, registers: Mapping[str, int]) -> Windows:
    """Windows and slots of a multiplication in the encoding of the registers."""
    bits = config.code_bits - 1
    match registers["encoding"]:
        case 1:
            return Windows(bits, 1)
        case 2:
            return Windows(1, bits)
        case _:
            return Windows(1, (1 << bits) - 1)


def multiply_cycles(config: TileConfig, registers: Mapping[str, int]) -> int:
    """Chip cycles of a forward or backward, without repeats."""
    n_windows, slots = windows(config, registers)
    conversion = config.adc.columns_per_adc * config.adc.steps * registers["t_convert"]
    return n_windows * (_rest(registers) + slots * registers["t_slot"] + registers["t_hold"] + conversion)


def forward(config: TileConfig, registers: Mapping[str, int], codes) -> Counts:
    """Counts of forwards of input codes (B, R)."""
    return _multiply(config, registers, codes, "row", config.cols) | {"forwards": _ones(codes)}


def backward(config: TileConfig, registers: Mapping[str, int], codes) -> Counts:
    """Counts of backwards of error codes (B, C)."""
    return _multiply(config, registers, codes, "col", config.rows) | {"backwards": _ones(codes)}


def update(config: TileConfig, registers: Mapping[str, int], row_levels, col_levels, bl) -> Counts:
    """Counts of updates with levels, or words, (B, R) and (B, C) and slots `bl` (B,), from the event in `registers` on.

    Coincidences are counted a slot at a time: rows that are on times columns that are on.
    """
    bl, kind = np.asarray(bl, dtype=np.int64), Train(registers["train"])
    found = np.zeros((3, len(bl)), dtype=np.int64)
    for n, (x, d, slots) in enumerate(zip(row_levels, col_levels, bl.tolist(), strict=True)):
        event = (registers["event"] + n) % 2 ** 32
        rows, cols = (train(config, registers["seed"], stream, event, values, slots, kind).sum(axis=0, dtype=np.int64)
                      for stream, values in ((Stream.ROW_TRAIN, x), (Stream.COLUMN_TRAIN, d)))
        found[:, n] = rows.sum(), cols.sum(), (rows * cols).sum()
    return _none(len(bl)) | {
        "updates": _ones(bl), "slots": bl, "row_pulses": found[0], "col_pulses": found[1],
        "update_row_pulses": found[0], "update_col_pulses": found[1], "coincidences": found[2],
        "chip_cycles": np.where(bl > 0, _rest(registers) + bl * registers["t_slot"], 0),
    }


def forward_vector(config: TileConfig, registers: Mapping[str, int], vectors, passes) -> Counts:
    """Counts of managed forwards of VECTOR vectors (B, R) that took `passes` (B,)."""
    return _managed(forward, config, registers, vectors, passes) | {"forwards": _ones(vectors)}


def backward_vector(config: TileConfig, registers: Mapping[str, int], vectors, passes) -> Counts:
    """Counts of managed backwards of VECTOR vectors (B, C) that took `passes` (B,)."""
    return _managed(backward, config, registers, vectors, passes) | {"backwards": _ones(vectors)}


def update_vector(config: TileConfig, registers: Mapping[str, int], x, d) -> Counts:
    """Counts of managed updates of VECTOR vectors x (B, R) and d (B, C), from the event in `registers` on."""
    rows, cols, bl = management.update_levels(x, d, registers["ratio"], registers["um"], registers["bl"])
    is_words = registers["train"] == Train.WORDS
    return update(config, {**registers, "train": Train.STOCHASTIC} if is_words else registers, rows, cols, bl)


def saturations(config: TileConfig, outputs) -> np.ndarray:
    """Saturated ADC codes (B,) of outputs (B, n) that are ADC codes: those of one conversion."""
    return (np.abs(outputs) == config.adc.code.max).sum(axis=1)


def total(*counts: Counts) -> dict[str, int]:
    """Counters after all these batches."""
    return {name: sum(int(each[name].sum()) for each in counts) for name in PREDICTED}


def last(counts: Counts) -> dict[str, int]:
    """Counters of the last operation, when it is the last of this batch."""
    return {name: int(counts[name][-1]) % 2 ** 32 for name in PREDICTED}


def _none(batch: int) -> Counts:
    return {name: np.zeros(batch, dtype=np.int64) for name in PREDICTED}


def _ones(batch) -> np.ndarray:
    return np.ones(len(batch), dtype=np.int64)


def _rest(registers: Mapping[str, int]) -> int:
    """Chip cycles of a window in which no line is on."""
    return sum(registers[name] for name in ("t_precharge", "t_settle", "t_guard", "t_recover"))


def _multiply(config: TileConfig, registers: Mapping[str, int], codes, side: str, n_outputs: int) -> Counts:
    n_windows, slots = windows(config, registers)
    magnitudes = np.abs(np.asarray(codes, dtype=np.int64))
    pulses = magnitudes if registers["encoding"] == 0 else np.bitwise_count(magnitudes).astype(np.int64)
    one = _ones(codes)
    return _none(len(one)) | {
        "slots": n_windows * slots * one, "conversions": n_windows * n_outputs * one,
        f"{side}_pulses": pulses.sum(axis=1), "chip_cycles": multiply_cycles(config, registers) * one,
    }


def _managed(multiply, config: TileConfig, registers: Mapping[str, int], vectors, passes) -> Counts:
    """All passes of each vector, each under twice the scale of the one before."""
    passes = np.asarray(passes, dtype=np.int64)
    scale, found = management.scales(vectors, registers["nm"]), _none(len(passes))
    for attempt in range(passes.max(initial=0)):
        again = multiply(config, registers, management.encode(config, vectors, scale << attempt))
        found = {name: found[name] + np.where(attempt < passes, again[name], 0) for name in PREDICTED}
    return found | {"retries": passes - 1}
