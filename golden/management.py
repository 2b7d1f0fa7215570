# SPDX-License-Identifier: Apache-2.0
"""Noise, bound, update and BL management (NM, BM, UM, UBLM) as the tile does it, in integers; see `rtl/manager.py`.

Vectors are VECTOR fixed point, and whatever is divided by a vector's largest magnitude is first made a `Gain`, so that
one multiplier serves codes, outputs and levels. Source of the equations: aihwkit `rpu_forward_backward_pass.cpp`
(NM, BM) and `rpu_pulsed_meta_parameter.cpp` (UM, UBLM).
"""
import math
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from golden.config import MAX_BL, MAX_LEVEL, VECTOR, TileConfig, check_int
from golden.gain import Gain, bits, gain, scaled

RATIO_FRAC = 16
"""Bits behind the point of the register `ratio`."""
MAX_PASSES = 8
"""Most passes of bound management."""
ONE = 1 << VECTOR.frac
MAX_EXCESS = 1 << 30
"""Largest probability of columns before their levels are cut off at 1, in levels."""
_K_FRAC = RATIO_FRAC + 2 * VECTOR.frac
_INVERSE_BITS = 24


class NoiseManagement(IntEnum):
    """What an input vector is scaled by before the DAC, so that it fills the code range: the register `nm`."""

    NONE = 0
    """One: values beyond +-1 clip."""
    ABS_MAX = 1
    """The vector's largest magnitude."""
    ABS_MAX_POW2 = 2
    """The power of two at or above it: its gain is exact, up to the largest code."""


class UpdateManagement(IntEnum):
    """How an update spends its slots: the register `um`."""

    OFF = 0
    """Rows and columns by the same gain."""
    UM = 1
    """Trains of rows and columns balanced: the largest of both are equally probable."""
    UBLM = 2
    """Balanced, and only as many slots as the largest expected step needs."""


@dataclass(frozen=True, kw_only=True)
class Management:
    """Settings of a tile's registers; defaults as aihwkit's.

    `bm_passes`: most passes of a forward, 1..8, while an ADC saturates, inputs halved each time; 1 is without BM, and
    `bm_backward` has it in backward too. `bl`: slots of an update train, 1..63; with UBLM their limit. TypeError for a
    wrong kind, ValueError for a wrong range.
    """

    nm: NoiseManagement = NoiseManagement.ABS_MAX
    bm_passes: int = 5
    bm_backward: bool = False
    um: UpdateManagement = UpdateManagement.UBLM
    bl: int = 31

    def __post_init__(self):
        for name, kind in (("nm", NoiseManagement), ("um", UpdateManagement), ("bm_backward", bool)):
            if not isinstance(getattr(self, name), kind):
                raise TypeError(f"Management {name} must be of type {kind.__name__}, not {getattr(self, name)!r}")
        check_int("Bound management passes", self.bm_passes, 1, MAX_PASSES)
        check_int("BL", self.bl, 1, MAX_BL)

    def registers(self) -> dict[str, int]:
        """Values of the registers of the same names."""
        return {name: int(getattr(self, name)) for name in ("nm", "bm_passes", "bm_backward", "um", "bl")}


def scales(vectors, nm: int):
    """What stands for the largest code in each vector (B, n): VECTOR codes (B, 1) in 1..2**23."""
    if nm == NoiseManagement.NONE:
        return np.full((len(vectors), 1), ONE, dtype=np.int64)
    largest = np.maximum(np.abs(vectors).max(axis=1, keepdims=True), 1)
    return largest if nm == NoiseManagement.ABS_MAX else np.int64(1) << bits(largest - 1)


def encode(config: TileConfig, vectors, scale):
    """Codes of VECTOR vectors (B, n) under `scale` (B, 1)."""
    return scaled(vectors, gain(config.code.max, scale), config.code.max)


def decode(config: TileConfig, outputs, scale):
    """VECTOR values, within +-(2**23 - 1), of ADC outputs (B, n) that were measured under `scale` (B, 1)."""
    inverse, shift = inverse_lsb(config)
    by = gain(scale, inverse)
    return scaled(outputs, Gain(by.mantissa, by.shift - shift), VECTOR.max)


def inverse_lsb(config: TileConfig) -> tuple[int, int]:
    """Output codes per unit of output as `inverse / 2**shift`, `inverse` in 2**23..2**24."""
    per_unit = config.adc.code.max / config.adc.bound
    shift = _INVERSE_BITS - math.frexp(per_unit)[1]
    return round(per_unit * 2.0 ** shift), shift


def learning_ratio(learning_rate: float, dw_min: float) -> int:
    """Learning rate over mean device step: the register `ratio`, in units of 2**-16."""
    if not (math.isfinite(learning_rate) and learning_rate >= 0):
        raise ValueError(f"Learning rate must be a finite number of at least 0, not {learning_rate}")
    ratio = round(learning_rate / dw_min * 2 ** RATIO_FRAC)
    if ratio >> 32:
        raise ValueError(f"Learning rate must be below {2 ** 16} steps of the device, not {learning_rate}")
    return ratio


def update_levels(x, d, ratio: int, um: int, bl: int):
    """Signed levels (B, R) and (B, C) and slots (B,) of rank-1 updates, from VECTOR vectors x (B, R) and d (B, C).

    With k = ratio * max|x| * max|d|, the most coincidences that a cross-point should see: BL = ceil(k) up to `bl`
    (UBLM), and the probabilities are |x| / max|x| and |d| / max|d|, each times sqrt(k / BL), so that
    p_x * p_d * BL * dw_min = learning rate * |x| * |d|. Beyond the limit the rows saturate and the columns take
    the excess, as in aihwkit. BL 0, with all levels 0, where k is 0: there is nothing to do.
    """
    largest = [np.abs(v).max(axis=1) for v in (x, d)]
    plans = [plan(x_max, d_max, ratio, um, bl) for x_max, d_max in zip(*(m.tolist() for m in largest), strict=True)]
    slots, *numerators = np.array(plans, dtype=np.int64).reshape(-1, 3).T
    levels = []
    for vectors, most, numerator in zip((x, d), largest, numerators, strict=True):
        unit = ONE if um == UpdateManagement.OFF else np.maximum(most, 1)
        by = gain(numerator, unit)
        levels.append(scaled(vectors, Gain(by.mantissa[:, None], by.shift[:, None]), MAX_LEVEL))
    return (*levels, slots)


def plan(x_max: int, d_max: int, ratio: int, um: int, bl: int) -> tuple[int, int, int]:
    """Slots, and the levels of rows and columns at max|x| and max|d| (with UM off: at one)."""
    k = ratio * x_max * d_max  # in units of 2**-48
    if k == 0:
        return 0, 0, 0
    if um == UpdateManagement.OFF:
        root = math.isqrt((ratio << RATIO_FRAC) // bl)
        return bl, root, root
    slots = min(-(-k >> _K_FRAC), bl) if um == UpdateManagement.UBLM else bl
    if k < slots << _K_FRAC:
        root = math.isqrt((k >> 16) // slots)
        return slots, root, root
    return slots, MAX_LEVEL, min((k >> 32) // slots, MAX_EXCESS)
