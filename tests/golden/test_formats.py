# SPDX-License-Identifier: Apache-2.0
from fractions import Fraction

import numpy as np
import pytest
from fixedpoint import FixedPoint
from hypothesis import given
from hypothesis import strategies as st

from golden.formats import Format, divide_half_even, round_half_even, saturate

FORMATS = [Format(1), Format(2), Format(7, symmetric=True), Format(8, signed=False), Format(18, frac=16)]
small = np.arange(-2048, 2049)


@pytest.mark.parametrize("shift", range(13))
def test_rounding_equals_fractions_on_every_small_value(shift):
    expected = [round(Fraction(int(v), 2 ** shift)) for v in small]
    assert round_half_even(small, shift).tolist() == expected
    assert [round_half_even(int(v), shift) for v in small] == expected


@given(value=st.integers(-2 ** 51, 2 ** 51), shift=st.integers(1, 30))
def test_rounding_equals_the_fixedpoint_package(value, shift):
    oracle = FixedPoint(value * 2.0 ** -shift, signed=True, m=60, n=shift, rounding="convergent")
    oracle.convergent(0)
    assert round_half_even(value, shift) == int(float(oracle))
    assert int(round_half_even(np.int64(value), shift)) == int(float(oracle))


@given(value=st.integers(-2 ** 80, 2 ** 80), shift=st.integers(1, 90))
def test_rounding_of_long_integers(value, shift):
    assert round_half_even(value, shift) == round(Fraction(value, 2 ** shift))


@given(value=st.integers(-2 ** 40, 2 ** 40), shift=st.integers(0, 20))
def test_negative_shift_is_exact(value, shift):
    assert round_half_even(value, -shift) == value * 2 ** shift


@given(value=st.integers(-2 ** 50, 2 ** 50), shift=st.integers(1, 40))
def test_rounding_is_odd_and_monotone(value, shift):
    assert round_half_even(-value, shift) == -round_half_even(value, shift)
    assert round_half_even(value, shift) <= round_half_even(value + 1, shift)


@pytest.mark.parametrize("denominator", [1, 2, 3, 4, 5, 6, 7, 63, 64, 100])
def test_division_equals_fractions_on_every_small_value(denominator):
    expected = [round(Fraction(int(v), denominator)) for v in small]
    assert divide_half_even(small, denominator).tolist() == expected
    assert [int(divide_half_even(int(v), denominator)) for v in small] == expected


@given(numerator=st.integers(-2 ** 61, 2 ** 61), denominator=st.integers(1, 2 ** 40))
def test_division_equals_fractions(numerator, denominator):
    expected = round(Fraction(numerator, denominator))
    assert divide_half_even(np.int64(numerator), np.int64(denominator)) == expected


@given(value=st.integers(-2 ** 51, 2 ** 51), shift=st.integers(0, 30))
def test_division_by_a_power_of_two_is_rounding(value, shift):
    assert divide_half_even(value, 1 << shift) == round_half_even(value, shift)


@given(value=st.integers(-2 ** 40, 2 ** 40), bits=st.integers(2, 30))
def test_saturation_equals_the_fixedpoint_package(value, bits):
    oracle = FixedPoint(value, signed=True, m=bits, n=0, overflow="clamp", overflow_alert="ignore")
    assert int(saturate(value, Format(bits))) == int(float(oracle))


@given(value=st.integers(-2 ** 40, 2 ** 40), fmt=st.sampled_from(FORMATS))
def test_saturation_is_idempotent_and_holds(value, fmt):
    once = saturate(value, fmt)
    assert saturate(once, fmt) == once
    assert fmt.holds(once)
    assert fmt.holds(value) == (once == value)


@pytest.mark.parametrize(("fmt", "low", "high"), [
    (Format(8), -128, 127), (Format(8, symmetric=True), -127, 127), (Format(8, signed=False), 0, 255),
    (Format(18, frac=16), -131072, 131071), (Format(2, symmetric=True), -1, 1)])
def test_range(fmt, low, high):
    assert (fmt.min, fmt.max) == (low, high)
    assert fmt.holds([low, high])
    assert not fmt.holds(low - 1)
    assert not fmt.holds(high + 1)
    assert fmt.holds([])


@given(code=st.integers(-131072, 131071))
def test_quantize_inverts_real(code):
    fmt = Format(18, frac=16)
    assert fmt.quantize(fmt.real(code)) == code


@pytest.mark.parametrize(("real", "code"), [
    (0.5 * 2 ** -4, 0), (1.5 * 2 ** -4, 2), (-0.5 * 2 ** -4, 0), (-1.5 * 2 ** -4, -2), (2.5 * 2 ** -4, 2),
    (1e9, 127), (-1e9, -128), (float("inf"), 127), (float("-inf"), -128)])
def test_quantize_ties_to_even_and_saturates(real, code):
    assert Format(8, frac=4).quantize(real) == code


def test_quantize_refuses_nan():
    with pytest.raises(ValueError, match="Values must be real numbers, not NaN"):
        Format(8).quantize([0.0, float("nan")])


def test_check_returns_a_copy_of_the_codes():
    codes = np.array([1, -2], dtype=np.int8)
    checked = Format(8).check(codes, "Codes")
    assert checked.dtype == np.int64
    assert checked is not codes
    same = np.array([1, -2])
    assert Format(8).check(same, "Codes") is not same


@pytest.mark.parametrize(("codes", "error", "message"), [
    ([0, 128], ValueError, "Codes must be in -128..127, not 128"),
    ([[0, 1], [-129, 300]], ValueError, "Codes must be in -128..127, not -129"),
    ([0.0], TypeError, "Codes must be integers, not float64"),
    ([float("nan")], TypeError, "Codes must be integers, not float64"),
    (["1"], TypeError, "Codes must be integers, not <U1"),
    ([True], TypeError, "Codes must be integers, not bool")])
def test_check_names_the_wrong_code(codes, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        Format(8).check(codes, "Codes")
