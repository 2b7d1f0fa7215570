# SPDX-License-Identifier: Apache-2.0
"""Loops that numba compiles where it is installed: the same bits as the numpy code, without its overhead on the
few dozen draws and pulses that one operation of a tile takes.

`njit` and `lines` are None without numba; tests compare the two paths exactly. numba keeps what it compiled by
this file's text alone, so every loop is here, and constants of the contract that other files own come as
arguments.
"""
from functools import partial

import numpy as np

from golden.threefry import MAX_ROUNDS, PARITY, ROTATIONS

try:
    import numba
except ImportError:
    numba = None

# numba sees module-level numbers and arrays, not attributes of objects
_ROTATIONS = np.array(ROTATIONS * (MAX_ROUNDS // 8), dtype=np.uint32)
_N_KEYS = MAX_ROUNDS // 4 + 2
_PARITY = np.uint32(PARITY)


def keys(seed, event):
    """The three key words of an address (two uint32), over and over: as they are injected, without a division."""
    key_words = np.empty(_N_KEYS, dtype=np.uint32)
    for n in range(0, _N_KEYS, 3):
        key_words[n] = seed
    for n in range(1, _N_KEYS, 3):
        key_words[n] = event
    for n in range(2, _N_KEYS, 3):
        key_words[n] = seed ^ event ^ _PARITY
    return key_words


def threefry(x0, x1, key_words, rounds):
    """`threefry.threefry2x32` of one counter (two uint32)."""
    x0 = np.uint32(x0 + key_words[0])
    x1 = np.uint32(x1 + key_words[1])
    for r in range(rounds):
        rotation = _ROTATIONS[r]
        x0 = np.uint32(x0 + x1)
        x1 = np.uint32((x1 << rotation) | (x1 >> np.uint32(32 - rotation))) ^ x0
        if r & 3 == 3:
            i = (r >> 2) + 1
            x0 = np.uint32(x0 + key_words[i])
            x1 = np.uint32(x1 + key_words[i + 1] + np.uint32(i))
    return x0, x1


def _fill(draws, seed, stream, events, rows, slots, rounds):
    """Draws (N, n) of N addresses, four columns to a call."""
    for i in range(draws.shape[0]):
        key_words = keys(seed, np.uint32(events[i]))
        for column in range(0, draws.shape[1], 4):
            low, high = threefry(np.uint32(stream | slots[i]), np.uint32((rows[i] << 16) | (column >> 2)),
                                 key_words, rounds)
            for k in range(min(4, draws.shape[1] - column)):
                word = np.int64(high if k & 2 else low)
                draws[i, column + k] = word >> 16 if k & 1 else word & 0xFFFF


def _lines(seed, stream, event, row, n_columns, slot, rounds):
    """`noise.uniform_lines`, with the number of the stream in place."""
    shape = np.broadcast(event, row, slot).shape
    address = np.empty((3, *shape), dtype=np.int64)
    address[0], address[1], address[2] = event, row, slot
    events, rows, slots = address.reshape(3, -1)
    draws = np.empty((*shape, n_columns), dtype=np.int64)
    _fill(draws.reshape(-1, n_columns), np.uint32(seed), stream, events, rows, slots, rounds)
    return draws


def pulse_loops(weights, persistent, step_up, step_down, slope_up, slope_down, w_max, w_min, nodes, gaussians,
                 row_pulses, col_pulses, row_negative, col_negative, key_words, rounds, sigma, write_sigma,
                 has_slope, has_table, step_frac, slope_shift, segment_bits, least, largest, bound_shift, constants):
    """`crossbar.update` cross-point by cross-point, in the order slot, row, column."""
    mean_min, mean_max, table_frac, gain_frac, xi_frac, stream, write_stream, write_frac = constants
    coincidences = 0
    n_rows, bl = row_pulses.shape
    n_cols = col_pulses.shape[0]
    for slot in range(bl):
        for r in range(n_rows):
            if not row_pulses[r, slot]:
                continue
            group, x0, x1 = -1, np.uint32(0), np.uint32(0)
            write_group, write_x0, write_x1 = -1, np.uint32(0), np.uint32(0)
            for c in range(n_cols):
                if not col_pulses[c, slot]:
                    continue
                coincidences += 1
                up = row_negative[r] != col_negative[c]
                w = persistent[r, c]
                mean = step_up[r, c] if up else step_down[r, c]
                if has_table:
                    position = w - least
                    segment, fraction = position >> segment_bits, position & ((1 << segment_bits) - 1)
                    start, end = nodes[1 - up, segment], nodes[1 - up, segment + 1]
                    factor = start + _round((end - start) * fraction, segment_bits)
                    mean = _round(mean * factor, table_frac)
                if has_slope:
                    slope = slope_up[r, c] if up else slope_down[r, c]
                    mean += _round(slope * w, slope_shift)
                mean = min(max(mean, mean_min), mean_max)
                if sigma:
                    if c >> 2 != group:
                        group = c >> 2
                        x0, x1 = threefry(np.uint32(stream | slot),
                                          np.uint32((r << 16) | group), key_words, rounds)
                    word = np.int64(x1 if c & 2 else x0)
                    xi = gaussians[word >> 16 if c & 1 else word & 0xFFFF]
                    gain = (1 << gain_frac) + _round(sigma * xi, xi_frac)
                    delta = _round(mean * gain, gain_frac + step_frac)
                else:
                    delta = _round(mean, step_frac)
                w = w + delta if up else w - delta
                w = min(max(w, w_min[r, c] << bound_shift), w_max[r, c] << bound_shift)
                persistent[r, c] = w
                if write_sigma:
                    if c >> 2 != write_group:
                        write_group = c >> 2
                        write_x0, write_x1 = threefry(np.uint32(write_stream | slot),
                                                      np.uint32((r << 16) | write_group), key_words, rounds)
                    word = np.int64(write_x1 if c & 2 else write_x0)
                    xi = gaussians[word >> 16 if c & 1 else word & 0xFFFF]
                    w += _round(write_sigma * xi, xi_frac + write_frac)
                    weights[r, c] = min(max(w, least), largest)
    return coincidences


def _round(value, shift):
    if shift <= 0:
        return value << -shift
    return (value + (1 << (shift - 1)) - 1 + ((value >> shift) & 1)) >> shift


if numba is not None:
    njit = partial(numba.njit, cache=True)
    keys = njit(keys)
    threefry = njit(threefry)
    _fill = njit(_fill)
    _round = njit(_round)
    pulse_loops = njit(pulse_loops)
    lines = _lines
else:
    njit = lines = None
