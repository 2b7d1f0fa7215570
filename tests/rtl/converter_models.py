# SPDX-License-Identifier: Apache-2.0
"""Ideal converters outside a tile's pins, kind by kind: what they answer, cycle by cycle, to what they are told.

`answer(pins, held)` takes the pins of a cycle by name and the charges that the converters see, in 1/256 LSB, and gives
what the lines towards the tile have become.
"""
from collections.abc import Mapping

from golden.adc import AdcConfig, AdcKind
from golden.formats import round_half_even, saturate

Pins = Mapping[str, int | list[int]]


def _word(bits) -> int:
    return sum(int(bit) << n for n, bit in enumerate(bits))


class Sar:
    """Comparators against each converter's own trial: 1 from the middle below it on, ties to the even code."""

    outputs = ("adc_trial",)

    def __init__(self, adc: AdcConfig):
        del adc

    def answer(self, pins: Pins, held: list[int]) -> dict[str, int]:
        return {"adc_compare": _word(round_half_even(charge, 8) >= trial
                                     for charge, trial in zip(held, pins["adc_trial"], strict=True))}


class Ramp:
    """Comparators against one ramp."""

    outputs = ("adc_count",)

    def __init__(self, adc: AdcConfig):
        del adc

    def answer(self, pins: Pins, held: list[int]) -> dict[str, int]:
        return {"adc_compare": _word(round_half_even(charge, 8) >= pins["adc_count"] for charge in held)}


class Cco:
    """Oscillators that run while they are converted, a step a tick, each with a line that changes once a cycle."""

    outputs = ("adc_start", "adc_step")

    def __init__(self, adc: AdcConfig):
        self.window = 256 * adc.code.max
        self.phases: list[int] = []
        self.lines: list[int] = []

    def answer(self, pins: Pins, held: list[int]) -> dict[str, int]:
        self.lines = self.lines or [0] * len(held)
        if pins["adc_start"]:
            self.phases = [0] * len(held)
        if pins["adc_step"]:
            for n, charge in enumerate(held):
                self.phases[n] += min(abs(charge), self.window)
                self.lines[n] ^= self.phases[n] >= self.window
                self.phases[n] %= self.window
        return {"adc_cycle": _word(self.lines), "adc_negative": _word(charge < 0 for charge in held)}


class Spi:
    """Codes in frames of 16 bits, left-justified: converted as CNV rises, a bit at its fall and at each fall of SCK."""

    outputs = ("adc_cnv", "adc_sck")

    def __init__(self, adc: AdcConfig):
        self.code, self.shift = adc.code, 16 - adc.bits
        self.frames: list[int] = []
        self.cnv = self.sck = 0

    def answer(self, pins: Pins, held: list[int]) -> dict[str, int]:
        if pins["adc_cnv"] and not self.cnv:
            self.frames = [int(saturate(round_half_even(charge, 8), self.code)) << self.shift & 0xFFFF
                           for charge in held]
        if self.sck and not pins["adc_sck"]:
            self.frames = [frame << 1 & 0xFFFF for frame in self.frames]
        self.cnv, self.sck = pins["adc_cnv"], pins["adc_sck"]
        return {"adc_sdo": _word(frame >> 15 for frame in self.frames)}


CONVERTERS = {AdcKind.SAR: Sar, AdcKind.RAMP: Ramp, AdcKind.CCO: Cco, AdcKind.SPI: Spi}
