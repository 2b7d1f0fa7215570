# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden.threefry import MAX_ROUNDS, MIN_ROUNDS, threefry2x32
from tests.golden import reference

# Random123, tests/kat_vectors: rounds, counter, key, expected
KNOWN_ANSWERS = [
    "13 00000000 00000000 00000000 00000000 9d1c5ec6 8bd50731",
    "13 ffffffff ffffffff ffffffff ffffffff fd36d048 2d17272c",
    "13 243f6a88 85a308d3 13198a2e 03707344 ba3e4725 f27d669e",
    "20 00000000 00000000 00000000 00000000 6b200159 99ba4efe",
    "20 ffffffff ffffffff ffffffff ffffffff 1cb996fc bb002be7",
    "20 243f6a88 85a308d3 13198a2e 03707344 c4923a9c 483df7a0",
    "32 00000000 00000000 00000000 00000000 cee3d47e a23dfd5c",
    "32 ffffffff ffffffff ffffffff ffffffff 6e2fe0d0 b1b76f82",
    "32 243f6a88 85a308d3 13198a2e 03707344 e2827716 c3c05cdf",
]

words = st.integers(0, 2 ** 32 - 1)


@pytest.mark.parametrize("line", KNOWN_ANSWERS)
def test_known_answers_of_random123(line):
    rounds, *values = line.split()
    c0, c1, k0, k1, *expected = (int(v, 16) for v in values)
    assert [int(x) for x in threefry2x32(c0, c1, k0, k1, int(rounds))] == expected
    assert reference.threefry((c0, c1), (k0, k1), int(rounds)) == tuple(expected)


@given(counter=st.tuples(words, words), key=st.tuples(words, words),
       rounds=st.integers(MIN_ROUNDS, MAX_ROUNDS))
def test_every_number_of_rounds_equals_the_reference(counter, key, rounds):
    expected = reference.threefry(counter, key, rounds)
    assert tuple(int(x) for x in threefry2x32(*counter, *key, rounds)) == expected


def test_arrays_broadcast():
    low, high = threefry2x32(np.arange(3)[:, None], np.arange(4), 7, np.arange(3)[:, None])
    assert low.shape == high.shape == (3, 4)
    assert low.dtype == high.dtype == np.uint32
    assert (low[2, 3], high[2, 3]) == threefry2x32(2, 3, 7, 2)


def test_rounds_default_to_the_least_crush_resistant():
    assert threefry2x32(1, 2, 3, 4) == threefry2x32(1, 2, 3, 4, 13)
