# SPDX-License-Identifier: Apache-2.0
"""The converters: exact charge in, signed symmetric code out.

    held = saturate(round(charge * gain) + offset + round(sigma * xi))     in 1/256 LSB
    code = saturate(round(held / 256))                                     in LSB

Every round is half to even. `gain` (nominally one LSB for `bound / max code` of normalized output) and
`offset` are per converter; xi is drawn anew in every conversion. A code at either rail counts as saturated.
"""
import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from golden.formats import Format, round_half_even, saturate
from golden.noise import GAUSSIAN_FRAC, Stream, gaussian, uniform_lines

HELD_FRAC = 8
"""Bits of the held charge behind the ADC's LSB."""
GAIN = Format(16, signed=False)
SIGMA = Format(12, frac=HELD_FRAC, signed=False)
"""Input-referred noise: standard deviation in 1/256 LSB, below 16 LSB."""
OFFSET_BITS = 16


@dataclass(frozen=True, kw_only=True)
class AdcConfig:
    """A converter of `bits` bits whose full scale is `bound` in units of the normalized output.

    `noise` is the input-referred standard deviation in LSB; `gain_spread` (relative) and `offset_spread` (LSB)
    are the standard deviations from converter to converter. Defaults: aihwkit IOParameters (9 bits, bound 12,
    noise 1.275 LSB).
    """

    bits: int = 9
    bound: float = 12.0
    noise: float = 1.275
    gain_spread: float = 0.0
    offset_spread: float = 0.0

    def __post_init__(self):
        if not isinstance(self.bits, int):
            raise TypeError(f"ADC bits must be an integer, not {self.bits!r}")
        if not 4 <= self.bits <= 14:
            raise ValueError(f"ADC bits must be in 4..14, not {self.bits}")
        for name, low, high in (("bound", 2.0 ** -10, 2.0 ** 12), ("noise", 0, 15.9), ("gain_spread", 0, 0.2),
                                ("offset_spread", 0, 25)):
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"ADC {name} must be in {low}..{high}, not {getattr(self, name)}")

    @cached_property
    def code(self) -> Format:
        return Format(self.bits, symmetric=True)

    @cached_property
    def held(self) -> Format:
        """The sampled charge, in 1/256 LSB: holds any offset and noise, and twice the range."""
        return Format(max(self.bits, OFFSET_BITS - HELD_FRAC) + HELD_FRAC + 2, frac=HELD_FRAC)

    @cached_property
    def offset(self) -> Format:
        return Format(OFFSET_BITS, frac=HELD_FRAC)

    @property
    def lsb(self) -> float:
        """Normalized output that one code stands for."""
        return self.bound / self.code.max

    @cached_property
    def sigma(self) -> int:
        """Noise as a code of SIGMA; 0 leaves it out."""
        return int(SIGMA.quantize(self.noise))


@dataclass(frozen=True)
class Adc:
    """The arithmetic of conversion, for charges in units of `charge_lsb` of normalized output."""

    config: AdcConfig
    charge_lsb: float

    def __post_init__(self):
        if not 0 <= self.shift <= 40:
            raise ValueError(f"ADC bound must put one LSB between 2**-7 and 2**34 charge units, not "
                             f"{self.config.lsb / self.charge_lsb:g} (bound {self.config.bound})")

    @property
    def _ratio(self) -> float:
        return self.charge_lsb / self.config.lsb * (1 << HELD_FRAC)

    @cached_property
    def shift(self) -> int:
        """Right shift of charge * gain to 1/256 LSB; leaves the nominal gain 15 bits wide."""
        return 15 - math.frexp(self._ratio)[1]

    @property
    def nominal_gain(self) -> int:
        return round(self._ratio * 2.0 ** self.shift)

    def populate(self, n: int, seed: int, rounds: int) -> dict[str, np.ndarray]:
        """Draw gain and offset of n converters; int64 planes by name, each of shape (1, n)."""
        spread = gaussian(uniform_lines(seed, Stream.CONVERTER, 0, 0, n, np.arange(2), rounds)) / 2.0 ** GAUSSIAN_FRAC
        gain = self.nominal_gain * (1 + self.config.gain_spread * spread[:1])
        return {"adc_gain": GAIN.quantize(gain),
                "adc_offset": self.config.offset.quantize(self.config.offset_spread * spread[1:])}

    def noise(self, seed: int, event, n: int, rounds: int, attempt: int = 0):
        """Noise of converters 0..n-1 in conversions `event` (shape B), in 1/256 LSB, shape (B, n).

        `attempt` tells the conversions of one event apart.
        """
        if not self.config.sigma:
            return np.zeros((len(event), n), dtype=np.int64)
        xi = gaussian(uniform_lines(seed, Stream.ADC, event, attempt, n, 0, rounds))
        return round_half_even(self.config.sigma * xi, GAUSSIAN_FRAC)

    def sample(self, charge, gain, offset, noise):
        """The held charges, in 1/256 LSB."""
        return saturate(round_half_even(charge * gain, self.shift) + offset + noise, self.config.held)

    def convert(self, held):
        """Codes of held charges."""
        return saturate(round_half_even(held, HELD_FRAC), self.config.code)
