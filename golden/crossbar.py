# SPDX-License-Identifier: Apache-2.0
"""The array: exact charges for forward and backward, coincidences for update.

`update` is the specification; where numba is installed, `golden/accelerate.py` computes the same bits faster.
"""
import numpy as np

from golden.config import Plane, TileConfig
from golden.noise import Stream, gaussian, uniform

_EXACT = 2 ** 53


def charges(codes, weights, config: TileConfig):
    """Charges of the output lines, int64 (B, n_out), from codes (B, n_in) and weights (n_in, n_out).

    Exact: float64 matrix products lose nothing below 2**53, and the charge format stays far below.
    """
    if config.charge.max >= _EXACT:
        raise ValueError(f"Charges must be below 2**53, not {config.charge.bits} bits")
    return np.rint(np.asarray(codes, dtype=np.float64) @ weights.astype(np.float64)).astype(np.int64)


def update(config: TileConfig, planes: dict, seed: int, event: int,
           row_pulses, col_pulses, row_negative, col_negative) -> int:
    """Apply the coincidences of one update to `planes[WEIGHT]` in place, and return their number.

    Pulses are boolean (lines, BL), polarities boolean (lines,). Each cross-point takes its coincidences in the
    order of their slots. Rows carry x and columns the error, so that like signs lower the weight. With write noise
    the pulses move HIDDEN, and every one draws WEIGHT anew.
    """
    weights = planes[Plane.WEIGHT]
    engine, planes = config.engine, planes | config.constants
    persistent = planes[Plane.HIDDEN] if engine.write_sigma else weights

    def xi_at(stream: Stream, rows, cols, slot: int):
        return gaussian(uniform(seed, stream, event, rows[:, None], cols[None, :], slot, config.rounds))

    up_all = row_negative[:, None] != col_negative[None, :]
    coincidences = 0
    for slot in range(row_pulses.shape[1]):
        rows, cols = np.nonzero(row_pulses[:, slot])[0], np.nonzero(col_pulses[:, slot])[0]
        if not len(rows) or not len(cols):
            continue
        coincidences += len(rows) * len(cols)
        at = np.ix_(rows, cols)
        up = up_all[at]
        xi = xi_at(Stream.UPDATE, rows, cols, slot) if engine.sigma else 0
        step = np.where(up, planes[Plane.STEP_UP][at], planes[Plane.STEP_DOWN][at])
        slope = 0
        if config.device.has_slope:
            slope = np.where(up, planes[Plane.SLOPE_UP][at], planes[Plane.SLOPE_DOWN][at])
        persistent[at] = engine.pulse(persistent[at], up, step, slope,
                                      planes[Plane.W_MAX][at], planes[Plane.W_MIN][at], xi)
        if engine.write_sigma:
            weights[at] = engine.apparent(persistent[at], xi_at(Stream.WRITE, rows, cols, slot))
    return coincidences
