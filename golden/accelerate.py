# SPDX-License-Identifier: Apache-2.0
"""The update in compiled loops where numba is installed: the same bits as `crossbar.update`, only faster.

`update` is None without numba; tests compare the two exactly.
"""
import numpy as np

from golden import compiled, device, noise
from golden.config import Plane, TileConfig

_CONSTANTS = (device.MEAN.min, device.MEAN.max, device.TABLE.frac, device.GAIN.frac, noise.GAUSSIAN_FRAC,
              int(noise.Stream.UPDATE) << 24, int(noise.Stream.WRITE) << 24, device.WRITE_SIGMA.frac)


def _compiled_update(config: TileConfig, planes: dict, seed: int, event: int,
                     row_pulses, col_pulses, row_negative, col_negative) -> int:
    engine, planes = config.engine, planes | config.constants
    has_table = engine.table is not None
    nodes = np.array(engine.table if has_table else ((0,), (0,)), dtype=np.int64)
    none = np.zeros((0, 0), dtype=np.int64)
    return compiled.pulse_loops(
        planes[Plane.WEIGHT], planes.get(Plane.HIDDEN, planes[Plane.WEIGHT]),
        planes[Plane.STEP_UP], planes[Plane.STEP_DOWN],
        planes.get(Plane.SLOPE_UP, none), planes.get(Plane.SLOPE_DOWN, none),
        planes[Plane.W_MAX], planes[Plane.W_MIN], nodes, noise.gaussian_of_draw(),
        row_pulses, col_pulses, row_negative, col_negative,
        compiled.keys(np.uint32(seed), np.uint32(event)), config.rounds, engine.sigma, engine.write_sigma,
        config.device.has_slope, has_table, engine.step_frac, engine.slope_shift,
        config.weight.bits - device.TABLE_SEGMENTS_LOG2, config.weight.min, config.weight.max,
        engine.bound_shift, _CONSTANTS)


update = _compiled_update if compiled.njit is not None else None
