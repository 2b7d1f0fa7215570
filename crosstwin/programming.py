# SPDX-License-Identifier: Apache-2.0
"""Real weights through the array: reads of single cross-points, write-verify, calibration of the converters.

A read of row r with the largest code gives code = weight / LSB on every column, so weights and ADC codes differ by the
factor `lsb` alone; what is known of each converter's gain and offset is taken into account here, in real numbers,
while the tile works on raw codes.
"""
from dataclasses import dataclass

import numpy as np

from golden.adc import HELD_FRAC
from golden.config import MAX_BL, VECTOR, Plane, TileConfig
from golden.correction import CORRECTION_GAIN
from golden.formats import round_half_even, saturate
from golden.programmer import LEVELS, Outcome


@dataclass(frozen=True)
class Lines:
    """What calibration knows of the converters, real (N,): code = gain * ideal code + offset, in LSB."""

    gain: np.ndarray
    offset: np.ndarray

    @classmethod
    def ideal(cls, config: TileConfig):
        """Converters that are taken for perfect ones."""
        return cls(np.ones(config.n_converters), np.zeros(config.n_converters))

    @classmethod
    def of(cls, planes: dict[Plane, np.ndarray]):
        """Converters that these planes correct."""
        gain, offset = (planes[plane][0] for plane in (Plane.CORRECTION_GAIN, Plane.CORRECTION_OFFSET))
        return cls(1 / (np.maximum(gain, 1) * CORRECTION_GAIN.lsb), offset / (1 << HELD_FRAC))

    def planes(self, config: TileConfig) -> dict[Plane, np.ndarray]:
        """The planes that correct codes of these converters."""
        return {Plane.CORRECTION_OFFSET: config.adc.offset.quantize(self.offset)[None],
                Plane.CORRECTION_GAIN: CORRECTION_GAIN.quantize(1 / np.maximum(self.gain, CORRECTION_GAIN.lsb))[None]}


@dataclass(frozen=True)
class Calibration:
    """What a calibration found: `lines`, and the largest deviation of a converter from the ideal in LSB, over all three
    reference charges, before and after the correction.
    """

    lines: Lines
    residual_before: float
    residual_after: float


@dataclass(frozen=True)
class Verified:
    """What write-verify did: `outcome` (R, C) of `Outcome`, `windows` (R, C) in which pulses went to a cross-point, and
    `errors` (R, C), target minus weight as last read. A cross-point beyond +-128 LSB shows that much as its error.
    """

    outcome: np.ndarray
    windows: np.ndarray
    errors: np.ndarray

    def count(self, outcome: Outcome) -> int:
        """Cross-points with this outcome."""
        return int((self.outcome == outcome).sum())


def calibrate(tile, reads_log2: int) -> Calibration:
    """Measure all converters on three reference charges, load the planes that correct them, and measure again."""
    config = tile.config
    ideal = np.arange(-1, LEVELS - 1)[:, None] * (config.reference * config.converter.charge_lsb / config.adc.lsb)

    def measure():
        return np.stack([tile.calibrate(level, reads_log2) for level in range(LEVELS)]) / (1 << reads_log2)

    before = measure()
    gain = (before[-1] - before[0]) / (ideal[-1] - ideal[0])
    planes = Lines(gain, before.mean(axis=0)).planes(config)
    lines = Lines.of(planes)
    for plane, values in planes.items():
        tile.write_plane(plane, values)
    tile.set("correct", 1)
    after = (measure() - lines.offset) / lines.gain
    return Calibration(lines, float(np.abs(before - ideal).max()), float(np.abs(after - ideal).max()))


def sense(tile, lines: Lines, reads_log2: int) -> np.ndarray:
    """All weights, real (R, C), each the mean of 2**reads_log2 reads through the array."""
    config = tile.config
    sums = np.stack([tile.sense(row, reads_log2) for row in range(config.rows)])
    gain, offset = lines.gain[:config.cols], lines.offset[:config.cols]
    return (sums / (1 << reads_log2) - offset) / gain * config.adc.lsb


def verify(tile, lines: Lines, targets: np.ndarray, tolerance: float, reads_log2: int, limit: int,
           gain: float, patience: int) -> Verified:
    """Bring all weights to real targets (R, C) by pulses, to within a real tolerance of what reads say."""
    config = tile.config
    for name, value, most in (("Tolerance", tolerance, 1), ("Gain", gain, 10)):
        if not 0 < value <= most:
            raise ValueError(f"{name} must be above 0 and at most {most}, not {value}")
    unit = config.adc.lsb / (1 << HELD_FRAC)
    pulses_per_unit = gain * unit / config.device.dw_min
    settings = {"verify_tolerance": round(tolerance / unit), "verify_reads": reads_log2, "verify_limit": limit,
                "verify_pulses": MAX_BL, "verify_patience": patience,
                "verify_gain": min(round(pulses_per_unit * (1 << 16)), tile.registers["verify_gain"].maximum)}
    for name, value in settings.items():
        tile.set(name, value)
    line_gain, offset = lines.gain[:config.cols], lines.offset[:config.cols]
    codes = config.adc.held.quantize(targets / config.adc.lsb * line_gain + offset)
    words = np.stack([tile.verify(row, line) for row, line in enumerate(codes)])
    return Verified(words & 3, words >> 8 & 0xFF, (words >> 16) * unit / line_gain)


def subtract(config: TileConfig, outputs, vectors, reference):
    """VECTOR outputs (B, n) less what the reference weights (m, n), in weight codes, make of VECTOR vectors (B, m)."""
    if not reference.any():
        return outputs
    return saturate(outputs - round_half_even(vectors @ reference, config.weight.frac), VECTOR)
