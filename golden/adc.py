# SPDX-License-Identifier: Apache-2.0
"""The converters: exact charge in, signed symmetric code out.

    held = saturate(round(charge * gain) + offset + round(sigma * xi))     in 1/256 LSB
    code = saturate(round(held / 256))                                     in LSB

Every round is half to even. `gain` (nominally one LSB for `bound / max code` of normalized output) and
`offset` are per line; xi is drawn anew in every conversion. A code at either rail counts as saturated. The second
line is what an ideal successive-approximation, ramp or serial converter does; an oscillator cuts off the fraction.
What is not ideal about a kind is in `golden/conversion.py`.
"""
import math
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from golden import conversion
from golden.formats import Format, round_half_even, saturate
from golden.noise import GAUSSIAN_FRAC, Stream, gaussian, uniform_lines

HELD_FRAC = conversion.HELD_FRAC
"""Bits of the held charge behind the ADC's LSB."""
GAIN = Format(16, signed=False)
SIGMA = Format(12, frac=HELD_FRAC, signed=False)
"""Input-referred noise: standard deviation in 1/256 LSB, below 16 LSB."""
OFFSET_BITS = 16
SPI_TRACK, SPI_CONVERT, SPI_FRAME = 8, 16, 16
"""A serial conversion: steps of acquisition, steps with CNV high, and bits of the frame, two steps each."""


class AdcKind(StrEnum):
    """How the converters find their codes; `number` is what the register says."""

    SAR = "sar"
    """Successive approximation: a trial a bit."""
    RAMP = "ramp"
    """Single slope: a counter shared by all, a comparator each."""
    CCO = "cco"
    """Current-controlled oscillator: the cycles of a window are counted."""
    SPI = "spi"
    """An external 16-bit converter with a serial port (CNV, SCK, SDO)."""

    @property
    def number(self) -> int:
        return list(AdcKind).index(self)


_RANGES = {"bound": (2.0 ** -10, 2.0 ** 12), "noise": (0, 15.9), "gain_spread": (0, 0.2), "offset_spread": (0, 25),
           "comparator_offset": (0, 25), "comparator_noise": (0, 15.9), "capacitor_spread": (0, 0.2),
           "bow": (-25, 25), "phase_noise": (0, 1)}
_BITS = {AdcKind.SAR: (4, 14), AdcKind.RAMP: (4, 12), AdcKind.CCO: (4, 12), AdcKind.SPI: (4, 16)}
_OWNERS = {"comparator_offset": (AdcKind.SAR, AdcKind.RAMP), "comparator_noise": (AdcKind.SAR, AdcKind.RAMP),
           "capacitor_spread": (AdcKind.SAR,), "bow": (AdcKind.RAMP,), "phase_noise": (AdcKind.CCO,)}


@dataclass(frozen=True, kw_only=True)
class AdcConfig:
    """Converters of `bits` bits whose full scale is `bound` in units of the normalized output.

    Parameters: `kind`, an `AdcKind` or its value; `bits` in 4..14 (sar), 4..12 (ramp, cco), 4..16 (spi);
    `columns_per_adc`, lines that share a converter. `noise` is the input-referred standard deviation in LSB;
    `gain_spread` (relative) and `offset_spread` (LSB) are the standard deviations from converter to converter.
    Imperfections of some kinds alone: `comparator_offset` (LSB, standard deviation from converter to converter) and
    `comparator_noise` (LSB, anew in every trial of a sar, in every conversion of a ramp); `capacitor_spread` (sar:
    relative standard deviation of a unit capacitor); `bow` (ramp: integral nonlinearity at half scale, LSB, at most a
    quarter of the largest code); `phase_noise` (cco: 1 for a random phase at the window's start). TypeError for a
    wrong kind of value, ValueError for a wrong range.

    Defaults: aihwkit IOParameters (9 bits, bound 12, noise 1.275 LSB).
    """

    bits: int = 9
    bound: float = 12.0
    noise: float = 1.275
    gain_spread: float = 0.0
    offset_spread: float = 0.0
    kind: AdcKind = AdcKind.SAR
    columns_per_adc: int = 1
    comparator_offset: float = 0.0
    comparator_noise: float = 0.0
    capacitor_spread: float = 0.0
    bow: float = 0.0
    phase_noise: int = 0

    def __post_init__(self):
        if self.kind not in list(AdcKind):
            raise ValueError(f"ADC kind must be one of {', '.join(AdcKind)}, not {self.kind!r}")
        object.__setattr__(self, "kind", AdcKind(self.kind))
        for name in ("bits", "columns_per_adc", "phase_noise"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int):
                raise TypeError(f"ADC {name} must be an integer, not {value!r}")
        for name, (low, high) in (_RANGES | {"bits": _BITS[self.kind], "columns_per_adc": (1, 1024)}).items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"ADC {name} must be in {low}..{high}, not {getattr(self, name)}")
        for name, owners in _OWNERS.items():
            if getattr(self, name) and self.kind not in owners:
                raise ValueError(f"ADC {name} must be 0 for kind {self.kind}, not {getattr(self, name)}")
        if abs(self.bow) > self.code.max / 4:
            raise ValueError(f"ADC bow must be in +-{self.code.max / 4} for {self.bits} bits, not {self.bow}")

    @cached_property
    def code(self) -> Format:
        return Format(self.bits, symmetric=True)

    @cached_property
    def held(self) -> Format:
        """The sampled charge, in 1/256 LSB: holds any offset and noise, and twice the range."""
        return Format(max(self.bits, OFFSET_BITS - HELD_FRAC) + HELD_FRAC + 2, frac=HELD_FRAC)

    @cached_property
    def offset(self) -> Format:
        """Offsets of lines and comparators, and deviations of capacitors."""
        return Format(OFFSET_BITS, frac=HELD_FRAC)

    @cached_property
    def compared(self) -> Format:
        """What a comparator sees: holds the sampled charge with any offset, noise and deviations on top."""
        extras = bool(self.comparator_offset) + bool(self.comparator_sigma) + self.bits * bool(self.capacitor_spread)
        reach = -self.held.min + (extras << (OFFSET_BITS - 1))
        return Format((reach - 1).bit_length() + 1, frac=HELD_FRAC)

    @property
    def lsb(self) -> float:
        """Normalized output that one code stands for."""
        return self.bound / self.code.max

    @cached_property
    def sigma(self) -> int:
        """Noise as a code of SIGMA; 0 leaves it out."""
        return int(SIGMA.quantize(self.noise))

    @cached_property
    def comparator_sigma(self) -> int:
        """Noise of the comparators as a code of SIGMA; 0 leaves it out."""
        return int(SIGMA.quantize(self.comparator_noise))

    @cached_property
    def bow_factor(self) -> int:
        """The ramp's nonlinearity: level k is off by round(factor * (A**2 - k**2), BOW_SHIFT), A the largest code."""
        return round(self.bow * 2.0 ** (HELD_FRAC + conversion.BOW_SHIFT) / self.code.max ** 2)

    @property
    def is_ideal(self) -> bool:
        """Whether a code is the nearest one to the sampled charge."""
        imperfect = self.comparator_offset or self.comparator_sigma or self.capacitor_spread
        return self.kind in (AdcKind.SAR, AdcKind.SPI) and not imperfect

    @property
    def steps(self) -> int:
        """Steps of one conversion: trials, levels of the ramp, ticks of the window, or half periods of the frame."""
        match self.kind:
            case AdcKind.SAR:
                return self.bits
            case AdcKind.RAMP:
                return 2 * self.code.max
            case AdcKind.CCO:
                return self.code.max
            case AdcKind.SPI:
                return SPI_TRACK + SPI_CONVERT + 2 * SPI_FRAME

    def cycles(self, t_convert: int) -> int:
        """Chip time of the conversion of all lines: lines that share a converter take turns."""
        return self.columns_per_adc * self.steps * t_convert


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
        """Draw the converters of n lines; int64 planes by name, of n columns: lines that share one have its values."""
        config, share = self.config, self.config.columns_per_adc
        m = -(-n // share)

        def lines(values):
            return np.repeat(values, share, axis=1)[:, :n]

        def xi(stream: Stream, slots: int):
            return gaussian(uniform_lines(seed, stream, 0, 0, m, np.arange(slots), rounds)) / 2.0 ** GAUSSIAN_FRAC

        spread = xi(Stream.CONVERTER, 3)
        gain = self.nominal_gain * (1 + config.gain_spread * spread[:1])
        planes = {"adc_gain": lines(GAIN.quantize(gain)),
                  "adc_offset": lines(config.offset.quantize(config.offset_spread * spread[1:2]))}
        if config.comparator_offset:
            planes["comparator"] = lines(config.offset.quantize(config.comparator_offset * spread[2:]))
        if config.capacitor_spread:
            mismatch = config.capacitor_spread * xi(Stream.CAPACITOR, config.bits + 1)
            deviations = conversion.capacitors(config.bits, mismatch)
            planes["adc_dac"] = lines(config.offset.quantize(deviations))
        return planes

    def noise(self, seed: int, event, n: int, rounds: int, attempt=0):
        """Noise of lines 0..n-1 in conversions `event` (shape B), in 1/256 LSB, shape (B, n).

        `attempt` numbers the conversions of one event: pass of bound management | bit of a bit-serial input << 3.
        """
        if not self.config.sigma:
            return np.zeros((len(event), n), dtype=np.int64)
        xi = gaussian(uniform_lines(seed, Stream.ADC, event, attempt, n, 0, rounds))
        return round_half_even(self.config.sigma * xi, GAUSSIAN_FRAC)

    def draws(self, seed: int, event, n: int, rounds: int, attempt=0) -> np.ndarray | int:
        """What else a conversion draws, by stream COMPARATOR, or 0 where nothing is drawn.

        Noise of the comparators in 1/256 LSB: (B, bits, n), most significant trial first, in a sar, (B, n) in a ramp;
        phases of the oscillators in 0..255, (B, n), in a cco.
        """
        config, event = self.config, np.asarray(event)
        if not config.comparator_sigma and not config.phase_noise:
            return 0
        slot = 0
        if config.kind is AdcKind.SAR:
            event, slot = event[:, None], np.arange(config.bits)
            attempt = np.asarray(attempt)[..., None]
        draw = uniform_lines(seed, Stream.COMPARATOR, event, attempt, n, slot, rounds)
        if config.phase_noise:
            return draw >> 8
        return round_half_even(config.comparator_sigma * gaussian(draw), GAUSSIAN_FRAC)

    def sample(self, charge, gain, offset, noise):
        """The held charges, in 1/256 LSB."""
        return saturate(round_half_even(charge * gain, self.shift) + offset + noise, self.config.held)

    def convert(self, held, comparator: ArrayLike = 0, dac: ArrayLike = 0, draws: ArrayLike = 0) -> np.ndarray:
        """Codes (..., n) of held charges (..., n).

        `comparator` (n,) are offsets of the comparators, `dac` (bits, n) deviations of the capacitors, least
        significant bit first, both in 1/256 LSB; `draws` as `draws` gives them.
        """
        config = self.config
        comparator, dac, draws = map(np.asarray, (comparator, dac, draws))
        match config.kind:
            case AdcKind.SAR if config.capacitor_spread or config.comparator_sigma:
                return conversion.search(held + comparator, config.code, dac, draws)
            case AdcKind.RAMP:
                return conversion.ramp(held + comparator + draws, config.code, config.bow_factor)
            case AdcKind.CCO:
                return conversion.count(held, config.code, draws)
            case _:
                return saturate(round_half_even(held + comparator, HELD_FRAC), config.code)
