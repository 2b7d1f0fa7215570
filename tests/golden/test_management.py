# SPDX-License-Identifier: Apache-2.0
import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden.adc import AdcConfig
from golden.config import MAX_LEVEL, VECTOR, TileConfig
from golden.management import (
    Management,
    NoiseManagement,
    alpha,
    decode,
    encode,
    learning_ratio,
    managed_multiply,
    update_levels,
)
from tests.support import CONFIGS, loaded_tile

ONE = 1 << VECTOR.frac
CONFIG = TileConfig(rows=5, cols=6, lanes=2, adc=AdcConfig(bound=2.0, noise=0.0))
seeds = pytest.mark.parametrize("seed", range(8))


def vectors(n: int, width: int, seed: int, scale=1.0):
    rng = np.random.default_rng(seed)
    return VECTOR.quantize(rng.normal(0, scale, (n, width)))


@seeds
def test_abs_max_is_the_largest_magnitude(seed):
    x = vectors(5, 9, seed)
    expected = [[max(abs(v) for v in row)] for row in x.tolist()]
    assert alpha(x, NoiseManagement.ABS_MAX).tolist() == expected


@given(largest=st.integers(1, 2 ** 23))
def test_abs_max_pow2_is_the_next_power_of_two(largest):
    scale = int(alpha(np.array([[0, -largest]]), NoiseManagement.ABS_MAX_POW2)[0, 0])
    assert scale == 2 ** math.ceil(math.log2(largest))


@pytest.mark.parametrize("nm", NoiseManagement)
def test_alpha_of_nothing(nm):
    expected = ONE if nm is NoiseManagement.NONE else 1
    assert alpha(np.zeros((2, 4), dtype=int), nm).tolist() == [[expected]] * 2
    assert alpha(np.zeros((0, 4), dtype=int), nm).shape == (0, 1)


@seeds
@pytest.mark.parametrize("nm", NoiseManagement)
@pytest.mark.parametrize("code_bits", [2, 7, 9])
def test_codes_are_those_of_aihwkit(code_bits, nm, seed):
    """rint(x / alpha / LSB) * LSB, then clip, in float64."""
    config = replace(CONFIG, code_bits=code_bits)
    x = vectors(20, 11, seed)
    scale = alpha(x, nm)
    lsb = 2 * Fraction(1, 2 ** code_bits - 2)
    expected = [[max(-config.code.max, min(config.code.max, round(Fraction(v, s) / lsb))) for v in row]
                for row, (s,) in zip(x.tolist(), scale.tolist(), strict=True)]
    assert encode(config, x, scale).tolist() == expected
    if nm is NoiseManagement.ABS_MAX:
        assert (np.abs(encode(config, x, scale)).max(axis=1) == config.code.max).all()


def test_zero_vectors_make_no_pulses():
    x = np.zeros((3, 5), dtype=int)
    assert not encode(CONFIG, x, alpha(x, NoiseManagement.ABS_MAX)).any()


@pytest.mark.parametrize(("bits", "bound"),
                         [(4, 1.0), (9, 12.0), (9, 20.0), (14, 12.0), (14, 0.3), (9, 0.02)])
def test_decoded_values_are_within_rounding(bits, bound):
    """Output = code * LSB * alpha, to half an LSB of the vector and 2**-14 of the value."""
    config = TileConfig(adc=AdcConfig(bits=bits, bound=bound))
    codes = np.linspace(config.adc.code.min, config.adc.code.max, 101).astype(int)[None]
    for scale in (1, 1000, ONE, 3 * ONE):
        exact = codes * config.adc.lsb * scale
        values = decode(config, codes, np.array([[scale]]))
        inside = np.abs(exact) < VECTOR.max
        assert (np.abs(values - exact) <= 0.5 + np.abs(exact) * 2.0 ** -14)[inside].all()
        assert (np.abs(values) >= VECTOR.max - 1)[~inside].all()


def test_decoded_values_saturate_under_the_widest_scale():
    config = TileConfig(adc=AdcConfig(bits=14, bound=4096.0))
    most = max(n for n in range(1, 17) if _accepts(n))
    scale = np.array([[2 ** 23 << (most - 1)]])
    assert decode(config, np.array([[8191, -8191, 0]]), scale).tolist() == [[VECTOR.max, VECTOR.min, 0]]


def _accepts(bm_passes: int) -> bool:
    try:
        Management(bm_passes=bm_passes)
    except ValueError:
        return False
    return True


def ideal(config: TileConfig, weights):
    """A noiseless array with an ideal converter, which remembers what it was asked."""
    def multiply(codes):
        multiply.asked.append(codes.tolist())
        outputs = np.rint(codes @ weights / config.code.max / config.adc.lsb)
        return np.clip(outputs, -config.adc.code.max, config.adc.code.max).astype(np.int64)
    multiply.asked = []
    return multiply


@seeds
def test_bound_management_halves_until_nothing_saturates(seed):
    weights = np.random.default_rng(seed).uniform(-1, 1, (30, 6))
    weights[:, 0] = 1.0
    x = vectors(6, 30, seed, 0.3)
    x[0], x[1] = ONE, ONE // 7
    multiply = ideal(CONFIG, weights)
    outputs = managed_multiply(CONFIG, x, Management(), True, multiply)

    reference, passes = np.zeros_like(outputs), []
    for i, row in enumerate(x):
        scale = int(np.abs(row).max())
        for n in range(5):
            codes = np.clip(np.rint(row / (scale * 2 ** n) * 63), -63, 63)
            y = np.clip(np.rint(codes @ weights / 63 / CONFIG.adc.lsb), -255, 255)
            if np.abs(y).max() < 255:
                break
        passes.append(n + 1)
        reference[i] = np.rint(y * CONFIG.adc.lsb * scale * 2 ** n)
    assert np.abs(outputs - reference).max() <= 0.5 + 2.0 ** -10 * np.abs(reference).max()
    assert max(passes) == 5
    assert [len(asked) for asked in multiply.asked] == [sum(p > n for p in passes) for n in range(5)]


@pytest.mark.parametrize("most", [1, 2, 3])
def test_bound_management_stops_at_its_limit(most):
    multiply = ideal(CONFIG, np.full((30, 6), 1.0))
    x = np.full((2, 30), ONE)
    outputs = managed_multiply(CONFIG, x, Management(bm_passes=most), True, multiply)
    assert len(multiply.asked) == most
    assert outputs == pytest.approx(2.0 * ONE * 2 ** (most - 1), rel=1e-3)


def test_without_bound_management_there_is_one_pass():
    multiply = ideal(CONFIG, np.full((30, 6), 1.0))
    managed_multiply(CONFIG, np.full((2, 30), ONE), Management(), False, multiply)
    assert len(multiply.asked) == 1


def test_only_saturated_vectors_are_measured_again():
    multiply = ideal(CONFIG, np.full((30, 6), 1.0))
    x = np.zeros((3, 30), dtype=int)
    x[:, 0] = ONE
    x[1] = ONE
    outputs = managed_multiply(CONFIG, x, Management(), True, multiply)
    assert [len(asked) for asked in multiply.asked] == [3, 1, 1, 1, 1]
    assert outputs[0] == pytest.approx(ONE, rel=0.01)
    assert outputs[1] == pytest.approx(30 * ONE, rel=0.02)  # one is 63 / 16 = 4 codes


@pytest.mark.parametrize("name", ["tiny", "linear", "table"])
def test_product_through_a_tile(name):
    """A managed forward is x @ W within the error of codes, ADC and noise."""
    config = CONFIGS[name]
    tile = loaded_tile(config, 1)
    x = vectors(50, config.rows, 1)
    outputs = managed_multiply(config, x, Management(), True, tile.forward) / ONE
    exact = x / ONE @ config.weight.real(tile.planes[0])
    scale = np.abs(x).max(axis=1, keepdims=True) / ONE
    assert np.abs((outputs - exact) / scale).mean() < 2.5 * config.adc.lsb + config.rows / config.code.max / 4


def aihwkit(x, d, ratio: float, bl: int, um: bool, ublm: bool):
    """p_x, p_d and BL of reference rpu_pulsed_meta_parameter.cpp, in float64; ratio is lr / dw_min."""
    x_max, d_max = np.abs(x).max(), np.abs(d).max()
    if x_max == 0 or d_max == 0:
        return 0 * x, 0 * d, 0
    k = ratio * x_max * d_max
    slots = min(math.ceil(k), bl) if ublm else bl
    a = b = math.sqrt(ratio / slots)
    if um:
        d_val = d_max * bl / k if k > bl else d_max
        a, b = a * math.sqrt(x_max / d_val), b * math.sqrt(d_val / x_max)
    return np.minimum(np.abs(x) * b, 1), np.minimum(np.abs(d) * a, 1), slots


@pytest.mark.parametrize(("um", "ublm"), [(True, True), (True, False), (False, False)])
@pytest.mark.parametrize("learning_rate", [0.0001, 0.01, 0.3, 5.0])
@seeds
def test_levels_are_those_of_aihwkit(seed, learning_rate, um, ublm):
    x, d = vectors(1, 9, seed)[0], vectors(1, 7, seed + 100, 0.2)[0]
    ratio = learning_ratio(learning_rate, 0.0016)
    management = Management(um=um, ublm=ublm, bl=31)
    rows, cols, bl = update_levels(x, d, ratio, management)
    p_x, p_d, slots = aihwkit(x / ONE, d / ONE, ratio / ONE, 31, um, ublm)
    assert bl == slots
    # the root is cut off at 2**-16, then multiplied by up to |x| (UM off) or at most 1 (UM on)
    error = [2 if um else 1 + np.abs(v).max() / ONE for v in (x, d)]
    assert np.abs(np.abs(rows) / MAX_LEVEL - p_x).max() * MAX_LEVEL <= error[0]
    assert np.abs(np.abs(cols) / MAX_LEVEL - p_d).max() * MAX_LEVEL <= error[1]
    assert (np.sign(rows) * np.sign(x) >= 0).all()
    assert (np.sign(cols) * np.sign(d) >= 0).all()
    assert max(np.abs(rows).max(), np.abs(cols).max()) <= MAX_LEVEL


@given(k=st.integers(1, 40 * 2 ** 16))
def test_bl_is_the_ceiling_of_k(k):
    """With |x| = |d| = 1, k is the ratio itself."""
    _, _, bl = update_levels(np.array([ONE, 0]), np.array([-ONE, 5]), k, Management(bl=31))
    assert bl == min(math.ceil(Fraction(k, 2 ** 16)), 31)


@given(x_max=st.integers(1, 2 ** 23), d_max=st.integers(1, 2 ** 23), ratio=st.integers(1, 2 ** 30))
def test_expected_step_is_the_product(x_max, d_max, ratio):
    """BL * p_x * p_d = k of the largest cross-point, while no probability saturates."""
    rows, cols, bl = update_levels(np.array([x_max, 0]), np.array([-d_max, 0]), ratio, Management(bl=63))
    k = Fraction(ratio * x_max * d_max, 2 ** 48)
    assert 1 <= bl <= 63
    expected = min(k, bl)
    p = Fraction(int(rows[0]) * -int(cols[0]), 2 ** 32)
    # each level is at most 1.5 LSB short
    assert abs(bl * p - expected) <= bl * 2 * Fraction(2 * MAX_LEVEL, 2 ** 32)


def test_beyond_the_limit_rows_saturate_and_columns_take_the_excess():
    x, d = np.array([ONE, ONE // 2]), np.array([ONE, ONE // 8])
    rows, cols, bl = update_levels(x, d, 62 * ONE, Management(bl=31))
    assert bl == 31
    assert rows.tolist() == [MAX_LEVEL, MAX_LEVEL // 2]
    assert cols.tolist() == [MAX_LEVEL, MAX_LEVEL // 4]


@pytest.mark.parametrize(("x", "d", "ratio"), [([0, 0], [1, 2], 5), ([1, 2], [0, 0], 5), ([1, 2], [3, 4], 0)])
@pytest.mark.parametrize("ublm", [True, False])
def test_nothing_to_do(x, d, ratio, ublm):
    rows, cols, bl = update_levels(np.array(x), np.array(d), ratio, Management(ublm=ublm))
    assert (rows.tolist(), cols.tolist(), bl) == ([0, 0], [0, 0], 0)


@pytest.mark.parametrize("um", [True, False])
@pytest.mark.parametrize("ratio", [2 ** 20, 2 ** 40])
def test_levels_of_the_largest_vectors_do_not_wrap(ratio, um):
    largest = np.array([VECTOR.max, VECTOR.min, 0])
    rows, cols, _ = update_levels(largest, largest, ratio, Management(um=um, ublm=False))
    assert np.abs(rows).tolist() == np.abs(cols).tolist() == [MAX_LEVEL, MAX_LEVEL, 0]


@pytest.mark.parametrize(("learning_rate", "dw_min", "ratio"), [
    (0.01, 0.001, 655360), (0.0016, 0.0016, 65536), (0.0, 0.1, 0), (0.1, 0.3, 21845)])
def test_learning_ratio(learning_rate, dw_min, ratio):
    assert learning_ratio(learning_rate, dw_min) == ratio


@pytest.mark.parametrize("learning_rate", [-0.1, float("nan"), float("inf")])
def test_bad_learning_rate(learning_rate):
    with pytest.raises(ValueError, match=r"^Learning rate must be a finite number of at least 0, not "):
        learning_ratio(learning_rate, 0.001)


@pytest.mark.parametrize(("parameters", "error", "message"), [
    ({"nm": "abs-max"}, TypeError, "Noise management must be a NoiseManagement, not 'abs-max'"),
    ({"bm_passes": 0}, ValueError, r"Bound management passes must be in 1\.\.\d+, not 0"),
    ({"bm_passes": 17}, ValueError, r"Bound management passes must be in 1\.\.\d+, not 17"),
    ({"bl": 0}, ValueError, r"BL must be in 1\.\.63, not 0"),
    ({"bl": 64}, ValueError, r"BL must be in 1\.\.63, not 64"),
    ({"um": False}, ValueError, "UBLM needs UM, which is off")])
def test_bad_settings(parameters, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        Management(**parameters)
