# SPDX-License-Identifier: Apache-2.0
"""Noise, bound, update and BL management (NM, BM, UM, UBLM), in integers.

The driver uses these around a tile; they work on real vectors in `VECTOR` fixed point, so that a later
hardware version can give the same bits. Source of the equations: aihwkit
`rpu_forward_backward_pass.cpp` (NM, BM) and `rpu_pulsed_meta_parameter.cpp` (UM, UBLM).
"""
import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from golden.config import MAX_BL, MAX_LEVEL, VECTOR, TileConfig, check_int
from golden.formats import divide_half_even, round_half_even, saturate


class NoiseManagement(Enum):
    """What an input vector is scaled by before the DAC, so that it fills the code range."""

    NONE = "none"
    """One: values beyond +-1 clip."""
    ABS_MAX = "abs-max"
    """The vector's largest magnitude."""
    ABS_MAX_POW2 = "abs-max-pow2"
    """The power of two at or above it: a shift in hardware."""


@dataclass(frozen=True, kw_only=True)
class Management:
    """Settings of all four; defaults as aihwkit's.

    `bm_passes`: most passes of a forward while an ADC saturates, inputs halved each time; 1 is without BM.
    `bl`: slots of an update train with UBLM off, their limit with UBLM on. `um`: balance the trains of rows
    and columns. `ublm`: as few slots as the largest expected step needs.
    """

    nm: NoiseManagement = NoiseManagement.ABS_MAX
    bm_passes: int = 5
    um: bool = True
    ublm: bool = True
    bl: int = 31

    def __post_init__(self):
        if not isinstance(self.nm, NoiseManagement):
            raise TypeError(f"Noise management must be a NoiseManagement, not {self.nm!r}")
        check_int("Bound management passes", self.bm_passes, 1, 8)
        check_int("BL", self.bl, 1, MAX_BL)
        if self.ublm and not self.um:
            raise ValueError("UBLM needs UM, which is off")


def alpha(vectors, nm: NoiseManagement):
    """Scale of each vector (B, n) as VECTOR codes (B, 1), at least one LSB."""
    if nm is NoiseManagement.NONE:
        return np.full((len(vectors), 1), 1 << VECTOR.frac, dtype=np.int64)
    largest = np.maximum(np.abs(vectors).max(axis=1, keepdims=True), 1)
    if nm is NoiseManagement.ABS_MAX:
        return largest
    return np.array([[1 << (int(a) - 1).bit_length()] for a in largest[:, 0]], dtype=np.int64).reshape(-1, 1)


def encode(config: TileConfig, vectors, scale):
    """Input codes of VECTOR vectors (B, n), where `scale` (B, 1) stands for the largest code."""
    return saturate(divide_half_even(vectors * config.code.max, scale), config.code)


def decode(config: TileConfig, codes, scale):
    """VECTOR values of ADC codes (B, n) that were measured under `scale` (B, 1)."""
    shift = 16 - math.frexp(config.adc.lsb)[1]  # leaves the LSB 16 bits wide
    lsb = round(config.adc.lsb * 2.0 ** shift)
    return saturate(round_half_even(codes * lsb * scale, shift), VECTOR)


def managed_multiply(config: TileConfig, vectors, management: Management, bound_management: bool,
                     multiply: Callable[[np.ndarray], np.ndarray]):
    """VECTOR outputs (B, m) of VECTOR inputs (B, n) through `multiply`, which maps codes to ADC codes.

    With bound management, vectors whose outputs saturate are measured again with twice the scale: all of the
    batch in the first pass, then those that saturated, in order. Backward has none, as in aihwkit.
    """
    scale = alpha(vectors, management.nm)
    outputs = multiply(encode(config, vectors, scale))
    for _ in range(management.bm_passes - 1 if bound_management else 0):
        again = np.nonzero((np.abs(outputs) == config.adc.code.max).any(axis=1))[0]
        if not len(again):
            break
        scale[again] *= 2
        outputs[again] = multiply(encode(config, vectors[again], scale[again]))
    return decode(config, outputs, scale)


def learning_ratio(learning_rate: float, dw_min: float) -> int:
    """Learning rate over mean device step, in units of 2**-16."""
    if not (math.isfinite(learning_rate) and learning_rate >= 0):
        raise ValueError(f"Learning rate must be a finite number of at least 0, not {learning_rate}")
    ratio = round(learning_rate / dw_min * 2 ** 16)
    if ratio >> 40:
        raise ValueError(f"Learning rate must be below {2 ** 24} steps of the device, not {learning_rate}")
    return ratio


def update_levels(x, d, ratio: int, management: Management):
    """Signed levels of rows and columns and BL for one rank-1 update, from VECTOR vectors x (R,) and d (C,).

    With k = ratio * max|x| * max|d|, the most coincidences that a cross-point should see: BL = ceil(k) up to
    the limit (UBLM), and the probabilities are |x| / max|x| and |d| / max|d|, each times sqrt(k / BL), so that
    p_x * p_d * BL * dw_min = learning rate * |x| * |d|. Beyond the limit the rows saturate and the columns take
    the excess, as in aihwkit. BL 0 means that there is nothing to do.
    """
    x_max, d_max = int(np.abs(x).max()), int(np.abs(d).max())
    k = ratio * x_max * d_max  # in units of 2**-(16 + 2 * VECTOR.frac)
    k_one = 16 + 2 * VECTOR.frac
    if k == 0:
        return np.zeros_like(x), np.zeros_like(d), 0
    bl = min(-(-k >> k_one), management.bl) if management.ublm else management.bl
    if not management.um:
        root = math.isqrt((ratio << 16) // bl)
        row, col = (round_half_even(np.abs(v) * root, VECTOR.frac) for v in (x, d))
    elif k <= bl << k_one:
        root = math.isqrt((k >> (k_one - 32)) // bl)
        row, col = divide_half_even(np.abs(x) * root, x_max), divide_half_even(np.abs(d) * root, d_max)
    else:
        excess = min((k >> (k_one - 16)) // bl, 1 << 30)
        row, col = divide_half_even(np.abs(x) << 16, x_max), divide_half_even(np.abs(d) * excess, d_max)
    return np.sign(x) * np.minimum(row, MAX_LEVEL), np.sign(d) * np.minimum(col, MAX_LEVEL), bl
