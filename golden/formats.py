# SPDX-License-Identifier: Apache-2.0
"""Fixed-point formats, and the only two places where bits can be lost: rounding and saturation.

Every other module calls `round_half_even`, `divide_half_even` and `saturate`; `rtl/formats.py` mirrors
them. Values are Python integers or int64 arrays, in units of the format's LSB.
"""
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Format:
    """A fixed-point number: `bits` wide, `frac` of them behind the binary point.

    `symmetric` formats leave out the most negative code, so that ±x are both codes or neither is.
    """

    bits: int
    frac: int = 0
    signed: bool = True
    symmetric: bool = False

    @property
    def max(self) -> int:
        """Largest code."""
        return (1 << (self.bits - self.signed)) - 1

    @property
    def min(self) -> int:
        """Smallest code."""
        if not self.signed:
            return 0
        return -self.max if self.symmetric else -self.max - 1

    @property
    def lsb(self) -> float:
        """Real value of one code step."""
        return 2.0 ** -self.frac

    def holds(self, codes) -> bool:
        """Whether every one of `codes` is a code of this format."""
        codes = np.asarray(codes)
        return codes.size == 0 or bool(codes.min() >= self.min and codes.max() <= self.max)

    def check(self, codes, name: str):
        """Return `codes` as int64; ValueError names the first one that is no code of this format."""
        array = np.asarray(codes)
        if array.dtype.kind not in "iu":
            raise TypeError(f"{name} must be integers, not {array.dtype}")
        wrong = (array < self.min) | (array > self.max)
        if wrong.any():
            raise ValueError(f"{name} must be in {self.min}..{self.max}, not {int(array[wrong].flat[0])}")
        return array.astype(np.int64)

    def quantize(self, real):
        """Nearest codes of real values, ties to even, saturated. ValueError on NaN."""
        real = np.asarray(real, dtype=np.float64)
        if np.isnan(real).any():
            raise ValueError("Values must be real numbers, not NaN")
        scaled = np.rint(real * 2.0 ** self.frac)
        return np.clip(scaled, self.min, self.max).astype(np.int64)

    def real(self, codes):
        """Real values of codes, float64."""
        return np.asarray(codes, dtype=np.float64) * self.lsb


def round_half_even(value, shift):
    """`value / 2**shift`, rounded to the nearest integer, ties to the even one; an array of shifts must be positive."""
    if isinstance(shift, int) and shift <= 0:
        return value << -shift
    half = (1 << (shift - 1)) - 1
    return (value + half + ((value >> shift) & 1)) >> shift


def divide_half_even(numerator, denominator):
    """`numerator / denominator` (denominator > 0), rounded to the nearest integer, ties to the even one."""
    quotient = numerator // denominator
    twice = 2 * (numerator - quotient * denominator)
    return quotient + ((twice > denominator) | ((twice == denominator) & (quotient % 2 == 1)))


def saturate(value, fmt: Format):
    """The code of `fmt` nearest to `value`."""
    return np.clip(value, fmt.min, fmt.max)


def clip(value, low: int, high: int):
    """The integer in low..high nearest to `value`."""
    return np.clip(value, low, high)
