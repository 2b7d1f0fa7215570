# SPDX-License-Identifier: Apache-2.0
"""Addressed randomness: every draw is a pure function of (seed, stream, event, row, column, slot).

There is no running state, so results cannot depend on schedule, lane count or order. One Threefry-2x32
call serves the four columns `4g..4g+3` of a row:

    key     = (seed, event)
    counter = (stream << 24 | slot, row << 16 | column >> 2)
    draw    = 16 bits: column & 3 selects low/high half of word 0, then low/high half of word 1

The Gaussian is the inverse normal distribution of one draw, by a table: the top bit is the sign, the other
15 bits `m` stand for the tail probability p = (2m + 1) / 2**17. Each octave of p has eight segments with
linear interpolation, so the tails are as finely resolved as the middle; the variance of xi is 1.0011 and |xi|
reaches 4.33.
"""
from enum import IntEnum
from functools import cache
from statistics import NormalDist

import numpy as np

from golden import compiled
from golden.formats import round_half_even
from golden.threefry import MIN_ROUNDS, threefry2x32

DRAW_BITS = 16
DRAWS_PER_CALL = 4
GAUSSIAN_FRAC = 10
"""xi is signed, in units of 2**-10 standard deviations, |xi| < 2**13."""

_SEGMENT_BITS, _FRACTION_BITS = 3, 6


class Stream(IntEnum):
    """What a draw is for; unused coordinates of an address are zero."""

    UPDATE = 1
    """Cycle-to-cycle noise of a device step: row, column, slot."""
    ROW_TRAIN = 2
    """Pulse train of row r: the line r is the *column* coordinate, so that four lines share a call; slot."""
    COLUMN_TRAIN = 3
    """Pulse train of column c: column, slot."""
    ADC = 4
    """Input-referred noise of a conversion of line n: the attempt, then n as the column coordinate."""
    DEVICE = 5
    """Device-to-device spread, at event 0: row, column; the slot numbers the parameter."""
    CONVERTER = 6
    """Spread of the converters, at event 0: n is the column coordinate; slot 0 gain, 1 offset, 2 comparator."""
    WRITE = 7
    """Write noise of a device's pulse: row, column, slot."""
    COMPARATOR = 8
    """Noise of a comparator, or an oscillator's phase, for line n: as ADC; the slot is the trial."""
    CAPACITOR = 9
    """Mismatch of the capacitors of converter n, at event 0: n is the column coordinate, the slot the bit."""


def uniform(seed, stream: Stream, event, row, column, slot, rounds: int = MIN_ROUNDS):
    """16-bit uniform draws at the addresses (integers or arrays that broadcast), as int64 in 0..65535."""
    row, column, slot, event = (np.asarray(c, dtype=np.int64) for c in (row, column, slot, event))
    row, column, slot, event = np.broadcast_arrays(row, column, slot, event)
    low, high = threefry2x32((int(stream) << 24) | slot, (row << 16) | (column >> 2), seed, event, rounds)
    word = np.where(column & 2, high, low).astype(np.int64)
    return np.where(column & 1, word >> 16, word & 0xFFFF)


def uniform_lines(seed, stream: Stream, event, row, n_columns: int, slot, rounds: int = MIN_ROUNDS):
    """As `uniform` for columns 0..n_columns-1 in a new last axis, with one Threefry call to four columns."""
    if compiled.lines is not None:
        return compiled.lines(seed, int(stream) << 24, event, row, n_columns, slot, rounds)
    row, slot, event = (np.asarray(c, dtype=np.int64)[..., None] for c in (row, slot, event))
    group = np.arange(-(-n_columns // DRAWS_PER_CALL), dtype=np.int64)
    low, high = threefry2x32((int(stream) << 24) | slot, (row << 16) | group, seed, event, rounds)
    low, high = np.broadcast_arrays(low, high)
    draws = np.stack([low & 0xFFFF, low >> 16, high & 0xFFFF, high >> 16], axis=-1)
    return draws.reshape(*draws.shape[:-2], DRAWS_PER_CALL * len(group))[..., :n_columns].astype(np.int64)


@cache
def gaussian_table() -> tuple[tuple[int, int], ...]:
    """(value at the segment's start, drop across it) of the 16 octaves x 8 segments, in 2**-10 sigma.

    Segment 8*o + s begins at the tail probability p = (8 + s) * 2**(12 - o) / 2**17 and ends where the
    next one of the same octave begins; p grows and the value falls along a segment.
    """
    def value(numerator: int, octave: int) -> int:
        p = numerator * 2.0 ** (12 - octave - 17)
        return round(-NormalDist().inv_cdf(p) * 2 ** GAUSSIAN_FRAC)

    table = []
    for octave in range(16):
        for segment in range(8, 16):
            start, end = value(segment, octave), value(segment + 1, octave)
            table.append((start, start - end))
    return tuple(table)


@cache
def gaussian_of_draw() -> np.ndarray:
    """xi of each of the 65,536 draws: the bits that `rtl/noise.py` computes, once for all."""
    table = np.array(gaussian_table(), dtype=np.int64)
    numerator = 2 * np.arange(1 << 15, dtype=np.int64) + 1
    octave = 16 - np.array([int(n).bit_length() for n in numerator])
    normalized = numerator << octave
    segment = (normalized >> (15 - _SEGMENT_BITS)) & 7
    fraction = (normalized >> (15 - _SEGMENT_BITS - _FRACTION_BITS)) & 63
    start, drop = table[8 * octave + segment].T
    magnitude = start - round_half_even(drop * fraction, _FRACTION_BITS)
    return np.concatenate([magnitude, -magnitude])


def gaussian(draw):
    """Standard normal xi of 16-bit draws, int64 in units of 2**-10."""
    return gaussian_of_draw()[draw]
