# SPDX-License-Identifier: Apache-2.0
import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden.adc import AdcConfig
from golden.config import MAX_BL, MAX_LEVEL, VECTOR, TileConfig
from golden.management import (
    ONE,
    Management,
    NoiseManagement,
    UpdateManagement,
    decode,
    encode,
    inverse_lsb,
    learning_ratio,
    scales,
    update_levels,
)
from golden.registers import register_map
from tests.golden import reference
from tests.support import managed_vectors

CONFIG = TileConfig(rows=5, cols=6, lanes=2, adc=AdcConfig(bound=2.0, noise=0.0))
seeds = pytest.mark.parametrize("seed", range(8))
magnitudes = st.integers(0, 23).flatmap(lambda n: st.integers(2 ** n // 2, 2 ** n))
ratios = st.integers(0, 32).flatmap(lambda n: st.integers(2 ** n // 2, 2 ** n - 1))


def vectors(n: int, width: int, seed: int, scale=1.0):
    rng = np.random.default_rng(seed)
    return VECTOR.quantize(rng.normal(0, scale, (n, width)))


@seeds
@pytest.mark.parametrize("nm", NoiseManagement)
def test_scales(seed, nm):
    x = managed_vectors(40, 9, seed)
    assert scales(x, nm).tolist() == [[reference.scale(row, nm)] for row in x.tolist()]


@given(largest=st.integers(1, 2 ** 23))
def test_abs_max_pow2_is_the_next_power_of_two(largest):
    scale = int(scales(np.array([[0, -largest]]), NoiseManagement.ABS_MAX_POW2)[0, 0])
    assert scale == 2 ** math.ceil(math.log2(largest))


@pytest.mark.parametrize("nm", NoiseManagement)
def test_scales_of_nothing(nm):
    expected = ONE if nm is NoiseManagement.NONE else 1
    assert scales(np.zeros((2, 4), dtype=int), nm).tolist() == [[expected]] * 2
    assert scales(np.zeros((0, 4), dtype=int), nm).shape == (0, 1)


@seeds
@pytest.mark.parametrize("nm", NoiseManagement)
@pytest.mark.parametrize("code_bits", [2, 7, 9])
def test_codes(code_bits, nm, seed):
    config = replace(CONFIG, code_bits=code_bits)
    x = managed_vectors(40, 11, seed)
    scale = scales(x, nm) << np.random.default_rng(seed).integers(0, 8, (40, 1))
    codes = encode(config, x, scale)
    assert codes.tolist() == [reference.encode(config, row, s) for row, (s,) in zip(x.tolist(), scale.tolist(),
                                                                                    strict=True)]
    assert config.code.holds(codes)
    if nm is NoiseManagement.ABS_MAX:
        full = encode(config, x, scales(x, nm))
        assert (np.abs(full).max(axis=1) == config.code.max)[x.any(axis=1)].all()


@seeds
@pytest.mark.parametrize("nm", NoiseManagement)
def test_codes_are_those_of_aihwkit(nm, seed):
    """rint(x / alpha / LSB) * LSB, then clip, but for the gain's 2**-18."""
    x = vectors(20, 11, seed)
    scale = scales(x, nm)
    exact = np.clip(x / scale * CONFIG.code.max, -CONFIG.code.max, CONFIG.code.max)
    assert (np.abs(encode(CONFIG, x, scale) - exact) <= 0.5 + CONFIG.code.max * 2.0 ** -18).all()


def test_zero_vectors_make_no_pulses():
    x = np.zeros((3, 5), dtype=int)
    assert not encode(CONFIG, x, scales(x, NoiseManagement.ABS_MAX)).any()


@pytest.mark.parametrize(("bits", "bound"), [(4, 1.0), (9, 12.0), (9, 20.0), (14, 12.0), (14, 0.3), (9, 0.02),
                                             (14, 2.0 ** -10), (4, 2.0 ** 12)])
def test_values_of_outputs(bits, bound):
    """Output = code * LSB * scale, to half an LSB of the vector and 2**-17 of the value."""
    adc = AdcConfig(bits=bits, bound=bound)
    config = replace(CONFIG) if (bits, bound) == (9, 2.0) else _with_adc(adc)
    largest = adc.code.max << 8  # wider than a code, as shift-and-add makes them
    codes = np.linspace(-largest, largest, 101).astype(int)[None]
    for scale in (1, 1000, ONE, 3 * ONE, 2 ** 23, 2 ** 30):
        values = decode(config, codes, np.array([[scale]]))
        assert values.tolist() == [reference.decode(config, codes[0].tolist(), scale)]
        exact = codes * adc.lsb * scale
        inside = np.abs(exact) < VECTOR.max
        assert (np.abs(values - exact) <= 0.5 + np.abs(exact) * 2.0 ** -17)[inside].all()
        assert (np.abs(values) >= VECTOR.max - 2 ** 6)[~inside].all()
        assert np.abs(values).max() <= VECTOR.max


def _with_adc(adc: AdcConfig):
    """A stand-in for bounds that no weights can scale to: management asks only for the converter."""
    class Stub:
        pass
    Stub.adc = adc
    return Stub


@pytest.mark.parametrize("bound", [2.0 ** -10, 0.3, 2.0, 7.0, 12.0, 2.0 ** 12])
@pytest.mark.parametrize("bits", [4, 9, 14])
def test_inverse_lsb_has_24_bits(bits, bound):
    adc = AdcConfig(bits=bits, bound=bound)
    inverse, shift = inverse_lsb(_with_adc(adc))
    assert 2 ** 23 <= inverse <= 2 ** 24
    assert abs(inverse / 2.0 ** shift * adc.lsb - 1) <= 2.0 ** -24


@seeds
@pytest.mark.parametrize("um", UpdateManagement)
def test_levels(seed, um):
    rng = np.random.default_rng(seed)
    x, d = managed_vectors(60, 9, seed), managed_vectors(60, 7, seed + 100)
    ratio, bl = int(2.0 ** rng.uniform(0, 32)), int(rng.integers(1, MAX_BL + 1))
    rows, cols, slots = update_levels(x, d, ratio, um, bl)
    for n in range(60):
        expected = reference.update_levels(x[n].tolist(), d[n].tolist(), ratio, um, bl)
        assert (rows[n].tolist(), cols[n].tolist(), int(slots[n])) == expected


def aihwkit(x, d, ratio: float, bl: int, um: UpdateManagement):
    """Probabilities and BL as in rpu_pulsed_meta_parameter.cpp, in float64; ratio is lr / dw_min."""
    x_max, d_max = np.abs(x).max(), np.abs(d).max()
    if x_max == 0 or d_max == 0:
        return 0 * x, 0 * d, 0
    k = ratio * x_max * d_max
    slots = min(math.ceil(k), bl) if um is UpdateManagement.UBLM else bl
    a = b = math.sqrt(ratio / slots)
    if um is not UpdateManagement.OFF:
        d_val = d_max * bl / k if k > bl else d_max
        a, b = a * math.sqrt(x_max / d_val), b * math.sqrt(d_val / x_max)
    return np.minimum(np.abs(x) * b, 1), np.minimum(np.abs(d) * a, 1), slots


@pytest.mark.parametrize("um", UpdateManagement)
@pytest.mark.parametrize("learning_rate", [0.0001, 0.01, 0.3, 5.0])
@seeds
def test_levels_are_those_of_aihwkit(seed, learning_rate, um):
    x, d = vectors(1, 9, seed), vectors(1, 7, seed + 100, 0.2)
    ratio = learning_ratio(learning_rate, 0.0016)
    rows, cols, bl = update_levels(x, d, ratio, um, 31)
    p_x, p_d, slots = aihwkit(x[0] / ONE, d[0] / ONE, ratio / ONE, 31, um)
    assert bl.tolist() == [slots]
    # the root is cut off at 2**-16, then multiplied by up to |x| (UM off) or at most 1 (UM on); the gain's own 2**-18
    error = [(2 if um else 1 + np.abs(v).max() / ONE) + 0.25 for v in (x, d)]
    assert np.abs(np.abs(rows[0]) / MAX_LEVEL - p_x).max() * MAX_LEVEL <= error[0]
    assert np.abs(np.abs(cols[0]) / MAX_LEVEL - p_d).max() * MAX_LEVEL <= error[1]
    assert (np.sign(rows) * np.sign(x) >= 0).all()
    assert (np.sign(cols) * np.sign(d) >= 0).all()


@given(k=st.integers(1, 40 * 2 ** 16))
def test_bl_is_the_ceiling_of_k(k):
    """With |x| = |d| = 1, k is the ratio itself."""
    _, _, bl = update_levels(np.array([[ONE, 0]]), np.array([[-ONE, 5]]), k, UpdateManagement.UBLM, 31)
    assert bl.tolist() == [min(math.ceil(Fraction(k, 2 ** 16)), 31)]


@pytest.mark.parametrize("whole", [1, 2, 30, 31, 32])
def test_a_whole_k_needs_no_slot_more(whole):
    for k, slots in ((whole << 16) - 1, whole), (whole << 16, whole), ((whole << 16) + 1, whole + 1):
        _, _, bl = update_levels(np.array([[ONE]]), np.array([[ONE]]), k, UpdateManagement.UBLM, 31)
        assert bl.tolist() == [min(slots, 31)]


def test_the_excess_has_a_limit():
    x, d = np.array([[VECTOR.min, 1]]), np.array([[VECTOR.max, -1, 511, 512]])
    rows, cols, bl = update_levels(x, d, 2 ** 32 - 1, UpdateManagement.UBLM, 63)
    assert rows.tolist() == [[-MAX_LEVEL, 0]]
    assert cols.tolist() == [[MAX_LEVEL, -128, 65408, MAX_LEVEL]]
    assert bl.tolist() == [63]


@given(x_max=magnitudes, d_max=magnitudes, ratio=ratios, um=st.sampled_from(UpdateManagement),
       limit=st.integers(1, MAX_BL), share=st.integers(0, 2 ** 23))
def test_levels_and_expected_step_are_in_bounds(x_max, d_max, ratio, um, limit, share):
    """BL * p_x * p_d = k of the largest cross-point, while no probability saturates."""
    x, d = np.array([[x_max, share % (x_max + 1)]]), np.array([[-d_max, 0]])
    rows, cols, (bl,) = update_levels(x, d, ratio, um, limit)
    assert np.abs(rows).max() <= MAX_LEVEL
    assert np.abs(cols).max() <= MAX_LEVEL
    k = Fraction(ratio * x_max * d_max, 2 ** 48)
    if k == 0:
        assert not any((rows.any(), cols.any(), bl))
        return
    assert 1 <= bl <= limit
    if um is UpdateManagement.OFF:
        return
    # each level is within 1.5 LSB of the real one: the root is cut off, then rounded
    p = Fraction(int(rows[0, 0]) * -int(cols[0, 0]), 2 ** 32)
    assert abs(bl * p - min(k, bl)) <= bl * 2 * Fraction(2 * MAX_LEVEL, 2 ** 32)
    # and the expected step is proportional to x
    p_share = Fraction(int(rows[0, 1]) * -int(cols[0, 0]), 2 ** 32)
    assert abs(p_share - p * Fraction(int(x[0, 1]), x_max)) <= 2 * Fraction(MAX_LEVEL, 2 ** 32)


@pytest.mark.parametrize("um", [UpdateManagement.UM, UpdateManagement.UBLM])
@given(x_max=st.integers(1, 2 ** 23), d_max=st.integers(1, 2 ** 23), bl=st.integers(1, MAX_BL))
def test_probability_one_is_the_largest_level_exactly(um, x_max, d_max, bl):
    """Beyond the limit the largest row is always on, and so is the largest column."""
    ratio = min(-(-(bl << 48) // (x_max * d_max)), 2 ** 32 - 1)
    if ratio * x_max * d_max >= bl << 48:
        rows, cols, _ = update_levels(np.array([[x_max]]), np.array([[d_max]]), ratio, um, bl)
        assert rows.tolist() == cols.tolist() == [[MAX_LEVEL]]


def test_beyond_the_limit_rows_saturate_and_columns_take_the_excess():
    x, d = np.array([[ONE, ONE // 2]]), np.array([[ONE, ONE // 8]])
    rows, cols, bl = update_levels(x, d, 62 * ONE, UpdateManagement.UBLM, 31)
    assert bl.tolist() == [31]
    assert rows.tolist() == [[MAX_LEVEL, MAX_LEVEL // 2]]
    assert cols.tolist() == [[MAX_LEVEL, MAX_LEVEL // 4]]


@pytest.mark.parametrize(("x", "d", "ratio"), [([0, 0], [1, 2], 5), ([1, 2], [0, 0], 5), ([1, 2], [3, 4], 0)])
@pytest.mark.parametrize("um", UpdateManagement)
def test_nothing_to_do(x, d, ratio, um):
    rows, cols, bl = update_levels(np.array([x]), np.array([d]), ratio, um, 31)
    assert (rows.tolist(), cols.tolist(), bl.tolist()) == ([[0, 0]], [[0, 0]], [0])


@pytest.mark.parametrize("um", UpdateManagement)
@pytest.mark.parametrize("ratio", [2 ** 20, 2 ** 32 - 1])
def test_levels_of_the_largest_vectors_do_not_wrap(ratio, um):
    largest = np.array([[VECTOR.max, VECTOR.min, 0]])
    rows, cols, _ = update_levels(largest, largest, ratio, um, 31)
    assert np.abs(rows).tolist() == np.abs(cols).tolist() == [[MAX_LEVEL, MAX_LEVEL, 0]]


def test_a_batch_of_no_updates():
    rows, cols, bl = update_levels(np.zeros((0, 3), dtype=int), np.zeros((0, 2), dtype=int), 5, 2, 31)
    assert (rows.shape, cols.shape, bl.shape) == ((0, 3), (0, 2), (0,))


@pytest.mark.parametrize(("learning_rate", "dw_min", "ratio"), [
    (0.01, 0.001, 655360), (0.0016, 0.0016, 65536), (0.0, 0.1, 0), (0.1, 0.3, 21845)])
def test_learning_ratio(learning_rate, dw_min, ratio):
    assert learning_ratio(learning_rate, dw_min) == ratio


@pytest.mark.parametrize("learning_rate", [-0.1, float("nan"), float("inf")])
def test_bad_learning_rate(learning_rate):
    with pytest.raises(ValueError, match=r"^Learning rate must be a finite number of at least 0, not "):
        learning_ratio(learning_rate, 0.001)


def test_too_large_a_learning_rate():
    assert learning_ratio(65535.99, 1.0) < 2 ** 32
    with pytest.raises(ValueError, match=r"^Learning rate must be below 65536 steps of the device, not 65536$"):
        learning_ratio(65536, 1.0)


def test_settings_are_the_registers_and_their_reset_values():
    registers = register_map(CONFIG)
    settings = Management().registers()
    assert {name: registers[name].reset for name in settings} == settings
    assert Management(nm=NoiseManagement.NONE, bm_backward=True).registers() == settings | {"nm": 0, "bm_backward": 1}


@pytest.mark.parametrize(("parameters", "error", "message"), [
    ({"nm": 1}, TypeError, "Management nm must be of type NoiseManagement, not 1"),
    ({"um": True}, TypeError, "Management um must be of type UpdateManagement, not True"),
    ({"bm_backward": 1}, TypeError, "Management bm_backward must be of type bool, not 1"),
    ({"bm_passes": 0}, ValueError, r"Bound management passes must be in 1\.\.8, not 0"),
    ({"bm_passes": 9}, ValueError, r"Bound management passes must be in 1\.\.8, not 9"),
    ({"bl": 0}, ValueError, r"BL must be in 1\.\.63, not 0"),
    ({"bl": 64}, ValueError, r"BL must be in 1\.\.63, not 64")])
def test_bad_settings(parameters, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        Management(**parameters)
