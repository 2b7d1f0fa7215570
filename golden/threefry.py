# SPDX-License-Identifier: Apache-2.0
"""Threefry-2x32, the counter-based generator behind every random number of the twin.

Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11 (Random123).
"""
import numpy as np

ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
PARITY = 0x1BD11BDA
MIN_ROUNDS, MAX_ROUNDS = 13, 32


def key_schedule(key0, key1):
    """The three key words that are injected in turn."""
    return key0, key1, key0 ^ key1 ^ np.uint32(PARITY)


def threefry2x32(counter0, counter1, key0, key1, rounds: int = MIN_ROUNDS):
    """Encrypt counters under keys: four uint32 arrays that broadcast, to a pair of uint32 arrays."""
    counter0, counter1, key0, key1 = (np.asarray(word, dtype=np.uint32)
                                      for word in (counter0, counter1, key0, key1))
    keys = key_schedule(key0, key1)
    with np.errstate(over="ignore"):
        x0 = counter0 + keys[0]
        x1 = counter1 + keys[1]
        for r in range(rounds):
            rotation = np.uint32(ROTATIONS[r % 8])
            x0 = x0 + x1
            x1 = ((x1 << rotation) | (x1 >> (np.uint32(32) - rotation))) ^ x0
            if r % 4 == 3:
                injection = r // 4 + 1
                x0 = x0 + keys[injection % 3]
                x1 = x1 + keys[(injection + 1) % 3] + np.uint32(injection)
    return x0, x1
