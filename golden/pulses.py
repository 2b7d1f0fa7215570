# SPDX-License-Identifier: Apache-2.0
"""Pulses on the lines, slot by slot: pulse width for forward and backward, trains for update."""
from enum import IntEnum

import numpy as np

from golden.config import MAX_LEVEL, TileConfig
from golden.formats import Format, round_half_even
from golden.noise import Stream, uniform_lines

WORD_SLOTS = 31
"""Most slots of a train that is given as a word."""
LEVEL_FRAC = MAX_LEVEL.bit_length() - 1
TRAIN_WORD = Format(32)
"""What travels as a line's value: a level or a word."""


class Encoding(IntEnum):
    """How the pulses of forward and backward carry input codes."""

    WIDTH = 0
    """Pulse width: on for the first |code| of X slots."""
    SERIAL = 1
    """Bit-serial: a window of one slot and a conversion for each bit, shifted and added behind the ADC."""
    SERIAL_ANALOG = 2
    """Bit-serial in one window, which the array weighs: slot b carries bit b and counts 2**b times."""


class Train(IntEnum):
    """What an update's values mean, and how its trains are made from them: the register `train`.

    Source: pulse types of aihwkit, `rpu_weight_updater.cpp` and `cuda/pwu_kernel.h` (the word).
    """

    STOCHASTIC = 0
    """A slot is on where a 16-bit uniform is below the line's |level|."""
    MEAN_COUNT = 1
    """Each line has round(BL * level) pulses: rows in their first slots, columns spread evenly over the train, so
    that a cross-point sees the product of both counts over BL, rounded half up."""
    IMPLICIT = 2
    """Deterministic-implicit: rows as with mean count, columns spread evenly by their whole level, not by a count."""
    WORDS = 3
    """Values are the trains themselves: bit 0 is the sign, bits 1 to 31 the slots."""

    def most_slots(self, config: TileConfig) -> int:
        """Longest train of a tile."""
        return WORD_SLOTS if self is Train.WORDS else config.max_bl


def pulse_width(codes, n_slots: int):
    """Pulses (n, n_slots) of a line's code: on for the first |code| slots, with the code's sign as polarity."""
    return np.arange(n_slots) < np.abs(np.asarray(codes))[:, None]


def window_slots(config: TileConfig, encoding: Encoding) -> tuple[int, int]:
    """Windows of codes, and the slots of each."""
    bits = config.code_bits - 1
    match encoding:
        case Encoding.WIDTH:
            return 1, config.code.max
        case Encoding.SERIAL:
            return bits, 1
        case _:
            return 1, bits


def encoded_slots(config: TileConfig, encoding: Encoding) -> int:
    """Slots that codes take, over all windows."""
    windows, slots = window_slots(config, encoding)
    return windows * slots


def encoded_pulses(config: TileConfig, codes, encoding: Encoding, slots: int | None = None):
    """Pulses of each code, in all or in the first `slots` slots; of the shape of `codes`."""
    total = encoded_slots(config, encoding)
    slots, magnitudes = total if slots is None else slots, np.abs(codes)
    if encoding is Encoding.WIDTH:
        return np.minimum(magnitudes, slots)
    played = magnitudes >> (total - slots) if encoding is Encoding.SERIAL else magnitudes & ((1 << slots) - 1)
    return np.bitwise_count(played).astype(np.int64)


def half_selects(row_pulses, col_pulses, bias: int) -> int:
    """Cross-points that see a part of the programming voltage, over all slots of pulses (R, BL) and (C, BL).

    With r of R rows and c of C columns on: r (C - c) + c (R - r) with V/2, R C - r c with V/3, none without a bias.
    """
    (n_rows, rows), (n_cols, cols) = ((len(lines), lines.sum(axis=0, dtype=np.int64))
                                      for lines in (row_pulses, col_pulses))
    if bias == 1:
        return int((rows * (n_cols - cols) + cols * (n_rows - rows)).sum())
    return int((n_rows * n_cols - rows * cols).sum()) if bias == 2 else 0


def train(config: TileConfig, seed: int, stream: Stream, event: int, values, bl: int, kind: Train = Train.STOCHASTIC):
    """Pulses, boolean (n, bl), of the rows' or columns' (by `stream`) trains of `bl` slots from their `values` (n,).

    Values are levels in units of 2**-16, so that 65536 is always on, or the words of `Train.WORDS`.
    """
    slots, values = np.arange(bl), np.asarray(values, dtype=np.int64)
    if kind is Train.WORDS:
        return (values[:, None] >> (slots + 1) & 1).astype(bool)
    magnitudes = np.abs(values)
    if kind is Train.STOCHASTIC:
        return (uniform_lines(seed, stream, event, 0, len(values), slots, config.rounds) < magnitudes).T
    counts = round_half_even(bl * magnitudes, LEVEL_FRAC)
    if stream is Stream.ROW_TRAIN:
        return slots < counts[:, None]
    if kind is Train.MEAN_COUNT:
        return _spread(counts, bl, slots)
    return _spread(magnitudes, MAX_LEVEL, slots)


def negative(values, kind: Train = Train.STOCHASTIC):
    """Polarities, boolean (n,), of lines with these values."""
    values = np.asarray(values)
    return (values & 1).astype(bool) if kind is Train.WORDS else values < 0


def _spread(amounts, modulus: int, slots):
    """On in the slots in which a sum that grows by `amounts` from half of `modulus` passes a multiple of it."""
    sums = (slots + 1) * amounts[:, None] + modulus // 2
    return sums // modulus > (sums - amounts[:, None]) // modulus
