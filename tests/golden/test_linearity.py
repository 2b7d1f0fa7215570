# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from golden.adc import Adc, AdcConfig
from golden.linearity import linearity

LSB = 2.0 ** -16 / 63


def test_ideal_converters_are_linear_to_their_ties():
    """A level lies half an LSB below its code or 1/256 above that, so that ties go to the even code."""
    for kind in ("sar", "ramp", "spi"):
        found = linearity(Adc(AdcConfig(bits=7, kind=kind), LSB))
        assert_codes = np.arange(-62, 63)
        np.testing.assert_array_equal(found.codes, assert_codes)
        assert np.abs(found.dnl).max() == np.abs(found.inl).max() == 1 / 256
        assert found.missing.size == 0


def test_a_heavy_top_capacitor_opens_a_step_in_the_middle():
    """Two LSB too heavy: half the codes lie two LSB higher, and the code before them is wider by that."""
    adc = Adc(AdcConfig(bits=6, capacitor_spread=0.1), LSB)
    found = linearity(adc, dac=np.array([0, 0, 0, 0, 0, 512]))
    assert found.dnl[found.codes == -1] == pytest.approx(2, abs=1 / 256)
    assert found.inl[found.codes == 0] == pytest.approx(2, abs=1 / 128)
    assert found.missing.size == 0


def test_a_light_top_capacitor_loses_codes():
    adc = Adc(AdcConfig(bits=6, capacitor_spread=0.1), LSB)
    found = linearity(adc, dac=np.array([0, 0, 0, 0, 0, -768]))
    assert found.missing.tolist() == [-3, -2, -1]
    assert found.dnl.min() == -1


def test_codes_go_missing_with_mismatch():
    """More of them the larger it is; the same draw scaled."""
    missing = []
    for spread in (0.001, 0.07, 0.13, 0.2):
        adc = Adc(AdcConfig(bits=9, capacitor_spread=spread), LSB)
        dac = adc.populate(9, 3, 13)["adc_dac"]
        missing.append(sum(len(linearity(adc, dac=dac[:, n]).missing) for n in range(9)))
    assert missing[0] == 0 < missing[1] < missing[2] < missing[3]


def test_a_bow_is_the_inl_of_a_ramp():
    found = linearity(Adc(AdcConfig(bits=8, kind="ramp", bow=2.0), LSB))
    parabola = 2 * (1 - (found.codes / 127) ** 2)
    np.testing.assert_allclose(found.inl - found.inl[0], parabola - parabola[0], atol=3 / 256)
    assert found.missing.size == 0


def test_an_oscillator_has_a_wide_zero():
    found = linearity(Adc(AdcConfig(bits=6, kind="cco"), LSB))
    assert found.dnl[found.codes == 0] == pytest.approx(1 - 1 / 256)
    assert np.abs(found.dnl[found.codes != 0]).max() == 0


def test_an_offset_moves_all_codes_and_no_width():
    adc = Adc(AdcConfig(bits=6, comparator_offset=1.0), LSB)
    np.testing.assert_array_equal(linearity(adc, 500).dnl, linearity(adc).dnl)
