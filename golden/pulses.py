# SPDX-License-Identifier: Apache-2.0
"""Pulses on the lines, slot by slot: pulse width for forward and backward, stochastic trains for update."""
import numpy as np

from golden.config import TileConfig
from golden.noise import Stream, uniform_lines


def pulse_width(codes, n_slots: int):
    """Pulses (n, n_slots) of a line's code: on for the first |code| slots, with the code's sign as polarity."""
    return np.arange(n_slots) < np.abs(np.asarray(codes))[:, None]


def train(config: TileConfig, seed: int, stream: Stream, event: int, levels, bl: int):
    """Pulses (n, bl) of a stochastic train: a slot is on where a 16-bit uniform is below the line's |level|.

    Levels are in units of 2**-16, so that 65536 is always on.
    """
    draws = uniform_lines(seed, stream, event, 0, len(levels), np.arange(bl), config.rounds)
    magnitudes = np.abs(np.asarray(levels))
    return (draws < magnitudes).T
