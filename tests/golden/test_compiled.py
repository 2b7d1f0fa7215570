# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden import compiled
from golden.noise import Stream, uniform, uniform_lines
from tests.golden import reference

pytestmark = pytest.mark.skipif(compiled.lines is None, reason="numba is not installed")
words = st.integers(0, 2 ** 32 - 1)


@given(counter=st.tuples(words, words), key=st.tuples(words, words), rounds=st.integers(13, 32))
def test_threefry_equals_the_reference(counter, key, rounds):
    x0, x1 = compiled.threefry(np.uint32(counter[0]), np.uint32(counter[1]), compiled.keys(*key), rounds)
    assert (int(x0), int(x1)) == reference.threefry(counter, key, rounds)


SHAPES = {
    "one address": (7, 3, 5),
    "trains": (7, 0, np.arange(31)),
    "conversions": (np.arange(2 ** 32 - 4, 2 ** 32), 0, 0),
    "devices": (0, np.arange(9), 2),
    "all": (np.arange(2)[:, None, None], np.arange(3)[:, None], np.arange(4)),
    "nothing": (np.zeros(0, dtype=np.int64), 0, 0),
}


@pytest.mark.parametrize("seed", [0, 2 ** 32 - 1])
@pytest.mark.parametrize("n", [1, 4, 5, 70])
@pytest.mark.parametrize("shape", SHAPES)
def test_lines_equal_numpy(monkeypatch, shape, n, seed):
    event, row, slot = SHAPES[shape]
    fast = uniform_lines(seed, Stream.UPDATE, event, row, n, slot, 20)
    monkeypatch.setattr(compiled, "lines", None)
    slow = uniform_lines(seed, Stream.UPDATE, event, row, n, slot, 20)
    assert fast.dtype == slow.dtype
    assert fast.shape == slow.shape
    assert (fast == slow).all()
    one_by_one = uniform(seed, Stream.UPDATE, *(np.asarray(c)[..., None] for c in (event, row)), np.arange(n),
                         np.asarray(slot)[..., None], 20)
    assert (slow == one_by_one).all()
