# SPDX-License-Identifier: Apache-2.0
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden.gain import Gain, bits, gain, scaled
from tests.golden import reference

operands = st.integers(1, 31).flatmap(lambda n: st.integers(2 ** (n - 1), 2 ** n - 1))
limits = st.sampled_from([1, 63, 255, 65536, 2 ** 23 - 1])


@given(numerator=operands, denominator=operands)
def test_gain_is_the_ratio_to_a_part_in_2_to_the_18(numerator, denominator):
    mantissa, shift = (int(part) for part in gain(numerator, denominator))
    assert (mantissa, shift) == reference.gain(numerator, denominator)
    assert 2 ** 17 <= mantissa <= 2 ** 19
    exact = Fraction(numerator, denominator)
    assert abs(Fraction(mantissa) / Fraction(2) ** shift - exact) <= exact / 2 ** 18


@given(numerator=st.integers(0, 30), denominator=st.integers(0, 30))
def test_powers_of_two_are_exact(numerator, denominator):
    mantissa, shift = gain(1 << numerator, 1 << denominator)
    assert Fraction(int(mantissa)) / Fraction(2) ** int(shift) == Fraction(1 << numerator, 1 << denominator)


@given(numerator=st.integers(1, 2 ** 17 - 1), denominator=operands)
def test_the_denominator_becomes_the_numerator(numerator, denominator):
    assert scaled(denominator, gain(numerator, denominator), 2 ** 23 - 1) == numerator


@given(denominator=operands)
def test_nothing_of_anything_is_nothing(denominator):
    assert gain(0, denominator).mantissa == 0
    assert scaled(2 ** 31 - 1, gain(0, denominator), 5) == 0


@given(value=st.integers(-2 ** 31 + 1, 2 ** 31 - 1), numerator=operands, denominator=operands, limit=limits,
       doublings=st.integers(0, 7))
def test_scaled_rounds_once_and_is_limited(value, numerator, denominator, limit, doublings):
    by = gain(numerator, denominator)
    by = Gain(by.mantissa, by.shift + doublings)
    exact = Fraction(value * int(by.mantissa)) / Fraction(2) ** int(by.shift)
    assert scaled(np.array([value]), by, limit).tolist() == [max(-limit, min(limit, round(exact)))]


@given(numerator=operands, denominator=st.integers(1, 2 ** 29))
def test_doubling_the_denominator_adds_one_to_the_shift(numerator, denominator):
    mantissa, shift = gain(numerator, denominator)
    assert gain(numerator, 2 * denominator) == (mantissa, shift + 1)


@pytest.mark.parametrize("shift", range(-70, 50))
@pytest.mark.parametrize("mantissa", [0, 1 << 17, 1 << 19])
def test_every_shift(mantissa, shift):
    limit, values = 2 ** 23 - 1, [1, -1, 0, 2, 2 ** 23 - 1]
    assert scaled(np.array(values), Gain(np.int64(mantissa), np.int64(shift)), limit).tolist() == \
        [reference.scaled(value, (mantissa, shift), limit) for value in values]


def test_ties_go_to_even():
    assert scaled(np.array([1, 3, 5, 7, -1, -3]), gain(1, 2), 100).tolist() == [0, 2, 2, 4, 0, -2]


def test_gains_broadcast():
    by = gain(np.array([[1], [3]]), np.array([[4], [2]]))
    assert by.mantissa.shape == by.shift.shape == (2, 1)
    assert scaled(np.array([[8, 12], [8, 12]]), by, 100).tolist() == [[2, 3], [12, 18]]


@pytest.mark.parametrize(("value", "expected"), [(0, 0), (1, 1), (2, 2), (3, 2), (2 ** 48, 49), (2 ** 48 - 1, 48)])
def test_bits(value, expected):
    assert bits(value) == expected
