# SPDX-License-Identifier: Apache-2.0
"""How a converter finds its code, kind by kind, with what is not ideal about it. All charges in 1/256 LSB."""
import numpy as np

from golden.formats import Format, round_half_even, saturate

HELD_FRAC = 8
"""Bits of the held charge behind the ADC's LSB."""
LSB = 1 << HELD_FRAC
BOW_SHIFT = 24
"""Right shift of the ramp's nonlinearity."""


def level(code):
    """What a charge must reach for an ideal converter to give `code` or more: half an LSB below it.

    Ties go to the even code, so that the nearest code, rounded half to even, is the largest whose level is reached.
    """
    return LSB * code - LSB // 2 + (code & 1)


def capacitors(bits: int, xi) -> np.ndarray:
    """Deviations of a capacitive DAC's weights in LSB, (bits, n), least significant first.

    `xi` (bits + 1, n) are the deviations of the bits' capacitors and, last, of the terminating one, all in standard
    deviations of a capacitor times the relative spread of a unit: bit i has 2**i units, and their spreads add up as
    sigma * sqrt(2**i). All share one reference, so a capacitor counts relative to the sum of all.
    """
    units = np.append(2.0 ** np.arange(bits), 1.0)[:, None]
    values = units + np.sqrt(units) * xi
    total = sum(values[1:], values[0])  # in order, whatever the shape
    return values[:-1] * (2.0 ** bits / total) - units[:-1]


def search(held, code: Format, dac, noise):
    """Successive approximation, (..., n), most significant bit first, in offset binary.

    Each trial compares `held` plus the trial's noise (..., bits, n) with the level of the trial code plus the
    deviations (bits, n) of the capacitors that it switches; `dac` and `noise` may be 0 altogether. A code below the
    lower rail, which nothing compared above, is the lower rail.
    """
    half = 1 << (code.bits - 1)
    dac = np.broadcast_to(dac, (code.bits, held.shape[-1]))
    noise = np.broadcast_to(noise, (*held.shape[:-1], code.bits, held.shape[-1]))
    found, deviation = np.zeros_like(held), np.zeros_like(held)
    for trial, bit in enumerate(reversed(range(code.bits))):
        tried = found + (1 << bit)
        is_above = held + noise[..., trial, :] >= level(tried - half) + deviation + dac[bit]
        found = np.where(is_above, tried, found)
        deviation = np.where(is_above, deviation + dac[bit], deviation)
    return saturate(found - half, code)


def ramp_levels(code: Format, bow_factor: int) -> np.ndarray:
    """Levels of the shared ramp for the codes from the lowest but one up; they rise, whatever the bow."""
    codes = np.arange(code.min + 1, code.max + 1, dtype=np.int64)
    return level(codes) + round_half_even(bow_factor * (code.max ** 2 - codes ** 2), BOW_SHIFT)


def ramp(held, code: Format, bow_factor: int):
    """Single slope: the last code whose level the charge reaches before the ramp runs past it."""
    return code.min + np.searchsorted(ramp_levels(code, bow_factor), held, side="right")


def count(held, code: Format, phase):
    """Cycles of an oscillator in a window of A ticks, with the charge's sign.

    It runs at |held| / 256 cycles a window, at most A, and begins at `phase` / 256 of a cycle, so what is left over is
    cut off: floor instead of round.
    """
    return np.sign(held) * np.minimum(code.max, (np.abs(held) + phase) >> HELD_FRAC)
