# SPDX-License-Identifier: Apache-2.0
"""Pulses on the lines, slot by slot: pulse width for forward and backward, trains for update."""
from enum import IntEnum

import numpy as np

from golden.config import MAX_BL, MAX_LEVEL, TileConfig
from golden.formats import Format, round_half_even
from golden.noise import Stream, uniform_lines

WORD_SLOTS = 31
"""Most slots of a train that is given as a word."""
LEVEL_FRAC = MAX_LEVEL.bit_length() - 1
TRAIN_WORD = Format(32)
"""What travels as a line's value: a level or a word."""


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

    @property
    def most_slots(self) -> int:
        """Longest train."""
        return WORD_SLOTS if self is Train.WORDS else MAX_BL


def pulse_width(codes, n_slots: int):
    """Pulses (n, n_slots) of a line's code: on for the first |code| slots, with the code's sign as polarity."""
    return np.arange(n_slots) < np.abs(np.asarray(codes))[:, None]


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
