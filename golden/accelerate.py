# SPDX-License-Identifier: Apache-2.0
"""The update in compiled loops where numba is installed: the same bits as `crossbar.update`, only faster.

`update` is None without numba; tests compare the two exactly.
"""
import numpy as np

from golden import device, noise
from golden.config import Plane, TileConfig
from golden.threefry import PARITY, ROTATIONS

try:
    import numba
except ImportError:
    numba = None

# numba sees module-level numbers, not attributes of objects
_ROTATIONS = np.array(ROTATIONS, dtype=np.uint32)
_MEAN_MIN, _MEAN_MAX = device.MEAN.min, device.MEAN.max
_TABLE_FRAC, _GAIN_FRAC, _XI_FRAC = device.TABLE.frac, device.GAIN.frac, noise.GAUSSIAN_FRAC
_UPDATE_STREAM = int(noise.Stream.UPDATE) << 24


def _pulse_loops(weights, step_up, step_down, slope_up, slope_down, w_max, w_min, nodes, gaussians,
                 row_pulses, col_pulses, row_negative, col_negative, keys, rounds, sigma,
                 has_slope, has_table, step_frac, slope_shift, segment_bits, w_offset):
    """`crossbar.update` cross-point by cross-point, in the order slot, row, column."""
    coincidences = 0
    n_rows, bl = row_pulses.shape
    n_cols = col_pulses.shape[0]
    for slot in range(bl):
        for r in range(n_rows):
            if not row_pulses[r, slot]:
                continue
            group, x0, x1 = -1, np.uint32(0), np.uint32(0)
            for c in range(n_cols):
                if not col_pulses[c, slot]:
                    continue
                coincidences += 1
                up = row_negative[r] != col_negative[c]
                w = weights[r, c]
                mean = step_up[r, c] if up else step_down[r, c]
                if has_table:
                    position = w + w_offset
                    segment, fraction = position >> segment_bits, position & ((1 << segment_bits) - 1)
                    start, end = nodes[1 - up, segment], nodes[1 - up, segment + 1]
                    factor = start + _round((end - start) * fraction, segment_bits)
                    mean = _round(mean * factor, _TABLE_FRAC)
                if has_slope:
                    slope = slope_up[r, c] if up else slope_down[r, c]
                    mean += _round(slope * w, slope_shift)
                mean = min(max(mean, _MEAN_MIN), _MEAN_MAX)
                if sigma:
                    if c >> 2 != group:
                        group = c >> 2
                        x0, x1 = _threefry(np.uint32(_UPDATE_STREAM | slot),
                                           np.uint32((r << 16) | group), keys, rounds)
                    word = np.int64(x1 if c & 2 else x0)
                    xi = gaussians[word >> 16 if c & 1 else word & 0xFFFF]
                    gain = (1 << _GAIN_FRAC) + _round(sigma * xi, _XI_FRAC)
                    delta = _round(mean * gain, _GAIN_FRAC + step_frac)
                else:
                    delta = _round(mean, step_frac)
                w = w + delta if up else w - delta
                weights[r, c] = min(max(w, w_min[r, c]), w_max[r, c])
    return coincidences


def _round(value, shift):
    if shift <= 0:
        return value << -shift
    return (value + (1 << (shift - 1)) - 1 + ((value >> shift) & 1)) >> shift


def _threefry(x0, x1, keys, rounds):
    x0 = np.uint32(x0 + keys[0])
    x1 = np.uint32(x1 + keys[1])
    for r in range(rounds):
        rotation = _ROTATIONS[r % 8]
        x0 = np.uint32(x0 + x1)
        x1 = np.uint32((x1 << rotation) | (x1 >> np.uint32(32 - rotation))) ^ x0
        if r % 4 == 3:
            i = r // 4 + 1
            x0 = np.uint32(x0 + keys[i % 3])
            x1 = np.uint32(x1 + keys[(i + 1) % 3] + np.uint32(i))
    return x0, x1


def _compiled_update(config: TileConfig, planes: dict, seed: int, event: int,
                     row_pulses, col_pulses, row_negative, col_negative) -> int:
    engine = config.engine
    has_table = engine.table is not None
    nodes = np.array(engine.table if has_table else ((0,), (0,)), dtype=np.int64)
    none = np.zeros((0, 0), dtype=np.int64)
    return _pulse_loops(
        planes[Plane.WEIGHT], planes[Plane.STEP_UP], planes[Plane.STEP_DOWN],
        planes.get(Plane.SLOPE_UP, none), planes.get(Plane.SLOPE_DOWN, none),
        planes[Plane.W_MAX], planes[Plane.W_MIN], nodes, noise.gaussian(np.arange(1 << 16)),
        row_pulses, col_pulses, row_negative, col_negative,
        np.array([seed, event, seed ^ event ^ PARITY], dtype=np.uint32), config.rounds, engine.sigma,
        config.device.has_slope, has_table, engine.step_frac, engine.slope_shift,
        config.weight.bits - device.TABLE_SEGMENTS_LOG2, -config.weight.min)


if numba is not None:
    _compile = numba.njit(cache=True)
    _round = _compile(_round)
    _threefry = _compile(_threefry)
    _pulse_loops = _compile(_pulse_loops)
    update = _compiled_update
else:
    update = None
