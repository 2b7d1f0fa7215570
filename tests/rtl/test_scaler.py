# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from golden.gain import MOST_LEFT, Gain, gain, scaled
from rtl.scaler import Scaler
from tests.rtl.simulation import check_pipeline
from tests.support import managed_vectors

LIMITS = (1, 63, 255, 65536, 2 ** 23 - 1)


def check(value_bits: int, values, by: Gain, limit: int) -> None:
    """One gain and limit, a value a cycle."""
    expected = scaled(np.asarray(values), by, limit)
    check_pipeline(Scaler(value_bits), Scaler.latency,
                   {"value": values, "mantissa": by.mantissa, "shift": by.shift, "limit": limit}, {"result": expected})


@pytest.mark.parametrize("seed", range(24))
@pytest.mark.parametrize("value_bits", [24, 32])
def test_scaled(value_bits, seed):
    """Sizes at which a result can be anything from nothing to the limit."""
    rng = np.random.default_rng(seed)
    values = managed_vectors(20, 8, seed).reshape(-1) << (value_bits - 24)
    numerator, denominator = (int(2 ** rng.uniform(0, 31)) for _ in range(2))
    by = gain(numerator, denominator)
    check(value_bits, values, Gain(by.mantissa, by.shift + rng.integers(-3, 8)), LIMITS[seed % len(LIMITS)])


@pytest.mark.parametrize("shift", [-64, -22, -MOST_LEFT - 1, -MOST_LEFT, 1 - MOST_LEFT, 2 - MOST_LEFT, -1, 0, 1, 2, 17,
                                   18, 43, 44, 45, 55])
@pytest.mark.parametrize("mantissa", [0, 1 << 17, (1 << 17) + 1, 0x2AAAA, (1 << 19) - 1, 1 << 19])
def test_ends(mantissa, shift):
    check(24, [0, 1, -1, 2, 3, -3, 2 ** 23 - 1, -2 ** 23, 1 << 22, 65536, -65535],
          Gain(np.int64(mantissa), np.int64(shift)), 2 ** 23 - 1)


@pytest.mark.parametrize("shift", [18, 19, 20, 24])
def test_ties(shift):
    """Mantissa 2**18: every value on either side of, and at, the half."""
    check(24, np.arange(-300, 300), Gain(np.int64(1 << 18), np.int64(shift)), 255)
