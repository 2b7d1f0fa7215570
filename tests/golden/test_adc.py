# SPDX-License-Identifier: Apache-2.0
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden.adc import GAIN, Adc, AdcConfig
from tests.golden import reference
from tests.support import CONFIGS

LSB = 2.0 ** -16 / 63
CONVERTERS = {f"{bits}-bit-{bound}": Adc(AdcConfig(bits=bits, bound=bound), LSB)
              for bits, bound in [(4, 1.0), (9, 12.0), (9, 20.0), (14, 12.0), (8, 0.1)]}
converters = pytest.mark.parametrize("adc", CONVERTERS.values(), ids=CONVERTERS)


def code(adc: Adc, charge, gain=None, offset=0, noise=0):
    gain = adc.nominal_gain if gain is None else gain
    return adc.convert(adc.sample(np.asarray(charge, dtype=np.int64), gain, offset, noise))


@converters
def test_gain_and_shift_stand_for_the_ratio(adc):
    ratio = Fraction(LSB) / Fraction(adc.config.lsb) * 256
    assert 2 ** 14 <= adc.nominal_gain <= 2 ** 15
    assert GAIN.holds(adc.nominal_gain)
    assert abs(adc.nominal_gain - ratio * 2 ** adc.shift) <= Fraction(1, 2)


@converters
def test_codes_are_those_of_an_ideal_converter(adc):
    """Away from the decision levels, code = round(output / lsb), clipped."""
    outputs = np.random.default_rng(1).uniform(-1.3, 1.3, 2000) * adc.config.bound
    charges = np.rint(outputs / LSB)
    ideal = charges * LSB / adc.config.lsb
    clear = np.abs(ideal % 1 - 0.5) > 1 / 256 + np.abs(ideal) * 2.0 ** -15
    expected = np.clip(np.rint(ideal), -adc.config.code.max, adc.config.code.max)
    assert clear.sum() > 500
    assert (code(adc, charges) == expected)[clear].all()


@converters
def test_monotone_bounded_and_odd(adc):
    lsb = 256 * 2 ** adc.shift / adc.nominal_gain
    charges = np.unique(np.rint(np.linspace(-1.5, 1.5, 20001) * lsb * adc.config.code.max).astype(np.int64))
    codes = code(adc, charges)
    assert (np.diff(codes) >= 0).all()
    assert codes.min() == -adc.config.code.max
    assert codes.max() == adc.config.code.max
    assert (code(adc, -charges) == -codes).all()


@converters
def test_every_code_is_reached(adc):
    lsb = 256 * 2 ** adc.shift / adc.nominal_gain
    top = adc.config.code.max
    wanted = np.arange(-top, top + 1)
    assert (code(adc, np.rint(wanted * lsb)) == wanted).all()


def test_held_ties_go_to_the_even_code():
    adc = Adc(AdcConfig(bits=9, bound=12.0), LSB)
    assert adc.convert(np.array([128, 384, 640, -128, -384, 127, 129])).tolist() == [0, 2, 2, 0, -2, 0, 1]


def test_rails():
    adc = Adc(AdcConfig(bits=4, bound=12.0), LSB)
    held = np.array([6 * 256 + 127, 6 * 256 + 128, 7 * 256 + 128, 10 ** 5, -10 ** 5])
    assert adc.convert(held).tolist() == [6, 6, 7, 7, -7]
    assert adc.sample(2 ** 40, 2 ** 15, 0, 0) == adc.config.held.max == 2 ** 17 - 1
    assert adc.sample(-2 ** 40, 2 ** 15, 0, 0) == adc.config.held.min == -2 ** 17


def test_sum_saturates_only_at_the_end():
    adc = Adc(AdcConfig(bits=4, bound=12.0), LSB)
    over = (adc.config.held.max + 1) << adc.shift
    assert adc.sample(over, 1, -5, 3) == adc.config.held.max - 1


@given(charge=st.integers(-2 ** 35, 2 ** 35), gain=st.integers(0, 65535), offset=st.integers(-32768, 32767),
       seed=st.integers(0, 2 ** 32 - 1), event=st.integers(0, 2 ** 32 - 1),
       name=st.sampled_from(["tiny", "softbounds", "table", "narrow"]))
def test_conversion_equals_the_reference(charge, gain, offset, seed, event, name):
    config = CONFIGS[name]
    planes = {"ADC_GAIN": [[1, gain]], "ADC_OFFSET": [[0, offset]]}
    noise = config.converter.noise(seed, np.array([event]), 2, config.rounds)[0, 1]
    converted = code(config.converter, charge, gain, offset, noise)
    assert converted == reference.convert(config, [0, charge], planes, seed, event)[1]


@pytest.mark.parametrize("sigma", [0.1, 1.275, 15.9])
def test_noise_has_its_deviation(sigma):
    adc = Adc(AdcConfig(noise=sigma), LSB)
    noise = adc.noise(1, np.arange(4000), 64, 13) / 256
    n = noise.size
    expected = np.sqrt(1.00108 * (adc.config.sigma / 256) ** 2 + 1 / 12 / 256 ** 2)
    assert abs(noise.mean()) < 5 * expected / np.sqrt(n)
    assert noise.std() / expected == pytest.approx(1, abs=5 / np.sqrt(2 * n))


def test_no_noise():
    adc = Adc(AdcConfig(noise=0.0), LSB)
    assert (adc.noise(1, np.arange(3), 5, 13) == np.zeros((3, 5))).all()


def test_noise_is_anew_for_every_conversion_and_converter():
    noise = CONFIGS["tiny"].converter.noise(1, np.arange(50), 50, 13)
    assert len(np.unique(noise)) > 500
    assert np.abs(np.corrcoef(noise)[np.triu_indices(50, 1)]).max() < 0.75


def test_offset_and_gain_move_the_code():
    adc = Adc(AdcConfig(bits=9, bound=12.0), LSB)
    lsb = 256 * 2 ** adc.shift // adc.nominal_gain
    assert code(adc, 100 * lsb, offset=10 * 256) == 110
    assert code(adc, 100 * lsb, gain=round(adc.nominal_gain * 1.1)) == 110
    assert code(adc, 100 * lsb, noise=-3 * 256) == 97


def test_populate_without_spread_is_nominal():
    adc = CONVERTERS["9-bit-12.0"]
    planes = adc.populate(70, 1, 13)
    assert (planes["adc_gain"] == np.full((1, 70), adc.nominal_gain)).all()
    assert (planes["adc_offset"] == np.zeros((1, 70))).all()


def test_populate_spreads_as_configured():
    adc = Adc(AdcConfig(gain_spread=0.1, offset_spread=20.0), LSB)
    n = 20000
    planes = adc.populate(n, 3, 13)
    gain, offset = planes["adc_gain"][0] / adc.nominal_gain, planes["adc_offset"][0] / 256
    assert gain.mean() == pytest.approx(1, abs=5 * 0.1 / np.sqrt(n))
    assert gain.std() == pytest.approx(0.1, rel=5 / np.sqrt(2 * n))
    assert abs(offset.mean()) < 5 * 20 / np.sqrt(n)
    assert offset.std() == pytest.approx(20, rel=5 / np.sqrt(2 * n))
    assert abs(np.corrcoef(gain, offset)[0, 1]) < 5 / np.sqrt(n)


@pytest.mark.parametrize("n", [0, 1, 69])
def test_populate_equals_the_reference(n):
    adc = Adc(AdcConfig(gain_spread=0.05, offset_spread=3.0), LSB)
    planes = adc.populate(70, 11, 20)
    spread = [reference.xi(reference.draw(11, 6, 0, 0, n, slot, 20)) / 1024 for slot in (0, 1)]
    assert planes["adc_gain"][0, n] == round(adc.nominal_gain * (1 + 0.05 * spread[0]))
    assert planes["adc_offset"][0, n] == round(3.0 * spread[1] * 256)


def test_widest_spread_stays_in_its_words():
    adc = Adc(AdcConfig(gain_spread=0.2, offset_spread=25.0), LSB)
    assert adc.nominal_gain * (1 - 0.2 * 4.4) > 0
    assert adc.nominal_gain * (1 + 0.2 * 4.4) < GAIN.max
    assert adc.config.offset.max > 25.0 * 4.4 * 256


@pytest.mark.parametrize(("parameters", "error", "message"), [
    ({"bits": 3}, ValueError, r"ADC bits must be in 4\.\.14, not 3"),
    ({"bits": 40}, ValueError, r"ADC bits must be in 4\.\.14, not 40"),
    ({"bits": 9.0}, TypeError, r"ADC bits must be an integer, not 9\.0"),
    ({"bound": 0.0}, ValueError, r"ADC bound must be in .*, not 0\.0"),
    ({"bound": float("nan")}, ValueError, r"ADC bound must be in .*, not nan"),
    ({"noise": -1}, ValueError, r"ADC noise must be in 0\.\.15\.9, not -1"),
    ({"noise": 16}, ValueError, r"ADC noise must be in 0\.\.15\.9, not 16"),
    ({"gain_spread": 0.3}, ValueError, r"ADC gain_spread must be in 0\.\.0\.2, not 0\.3"),
    ({"offset_spread": 26}, ValueError, r"ADC offset_spread must be in 0\.\.25, not 26")])
def test_bad_parameters(parameters, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        AdcConfig(**parameters)


def test_bound_that_no_shift_can_reach():
    with pytest.raises(ValueError, match=r"^ADC bound must put one LSB"):
        Adc(AdcConfig(bits=14, bound=2.0 ** -10), 2.0 ** -6)
