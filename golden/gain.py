# SPDX-License-Identifier: Apache-2.0
"""Ratios of integers as a mantissa of 20 bits and a shift: one multiplier scales by any of them; mirrors `rtl/gain.py`.

    mantissa = divide(numerator << s, denominator)        s = 18 - bits(numerator) + bits(denominator)
    scaled(value) = clip(round(value * mantissa, s))      both half to even

The mantissa lies in 2**17..2**19, so that a gain is exact to 2**-18 of itself, and a power of two over a power of two
is exact: `scaled` maps the denominator onto the numerator up to 2**17, whatever they are.
"""
from typing import NamedTuple

import numpy as np

from golden.formats import clip, divide_half_even, round_half_even

OPERAND_BITS = 31
"""Width of numerators and denominators."""
MANTISSA_BITS = 20
ALIGN = MANTISSA_BITS - 2
MOST_LEFT = 8
"""Left shift by which a mantissa is beyond every limit of `scaled`, whatever comes on top."""


class Gain(NamedTuple):
    """`mantissa / 2**shift`: integers, or int64 arrays of one shape."""

    mantissa: np.ndarray
    shift: np.ndarray


def gain(numerator, denominator) -> Gain:
    """`numerator / denominator` of integers in 0..2**31 - 1 and 1..2**31 - 1, or of arrays of them that broadcast."""
    numerator, denominator = np.asarray(numerator, dtype=np.int64), np.asarray(denominator, dtype=np.int64)
    shift = ALIGN - bits(numerator) + bits(denominator)
    left, right = np.maximum(shift, 0), np.maximum(-shift, 0)
    return Gain(divide_half_even(numerator << left, denominator << right), shift)


def scaled(values, by: Gain, limit: int):
    """Integers (|v| < 2**31) times a gain that broadcasts with them, limited to +-`limit`, below 2**24."""
    shift = np.maximum(by.shift, 1 - MOST_LEFT)
    product = values * by.mantissa << MOST_LEFT
    return clip(round_half_even(product, shift + MOST_LEFT), -limit, limit)


def bits(values):
    """Number of bits of non-negative integers below 2**53; 0 has none."""
    return np.frexp(np.asarray(values, dtype=np.float64))[1].astype(np.int64)
