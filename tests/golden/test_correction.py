# SPDX-License-Identifier: Apache-2.0
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden.config import Plane
from golden.correction import CORRECTION_GAIN, correct
from golden.formats import Format
from tests.support import CONFIGS, loaded_tile, random_codes

CODE = Format(9, symmetric=True)
ONE = 1 << CORRECTION_GAIN.frac


@given(st.integers(-255, 255), st.integers(-32768, 32767), st.integers(0, 65535), st.sampled_from([1, 63]))
def test_is_the_rounded_exact_value(output, offset, gain, weight):
    exact = round(Fraction((output * 256 - offset * weight) * gain, 256 * ONE))
    assert correct(np.array([output]), offset, gain, weight, CODE)[0] == max(-255, min(255, exact))


def test_nothing_to_correct_leaves_every_code():
    codes = np.arange(CODE.min, CODE.max + 1)
    assert (correct(codes, 0, ONE, 1, CODE) == codes).all()


def test_takes_back_what_a_converter_does():
    """Codes of a line with gain 1.1 and offset 3.5 LSB come back to within a rounding."""
    ideal = np.arange(-200, 201)
    codes = np.rint(1.1 * ideal + 3.5).astype(np.int64)
    back = correct(codes, 7 * 128, round(ONE / 1.1), 1, CODE)
    assert np.abs(back - ideal).max() <= 1


@pytest.mark.parametrize("backward", [False, True])
def test_tile_corrects_where_it_is_told_to(backward):
    config = CONFIGS["softbounds"]
    n_in, n_out = (config.cols, config.rows) if backward else (config.rows, config.cols)
    codes = random_codes(config, 5, n_in, 1)
    raw, corrected = loaded_tile(config, 1), loaded_tile(config, 1)
    corrected.set("correct", 1)
    plain, found = (tile.backward(codes) if backward else tile.forward(codes) for tile in (raw, corrected))
    offset, gain = (raw.planes[plane][0, :n_out] for plane in (Plane.CORRECTION_OFFSET, Plane.CORRECTION_GAIN))
    assert found.tolist() == correct(plain, offset, gain, 1, config.output).tolist()
    assert found.tolist() != plain.tolist()
    assert corrected.counters() == raw.counters()
