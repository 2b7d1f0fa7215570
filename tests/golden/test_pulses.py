# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from golden.config import MAX_LEVEL
from golden.noise import Stream
from golden.pulses import pulse_width, train
from tests.golden import reference
from tests.support import CONFIGS


def test_pulse_width_is_on_for_the_first_slots():
    assert pulse_width([0, 2, -3, 1], 3).astype(int).tolist() == [[0, 0, 0], [1, 1, 0], [1, 1, 1], [1, 0, 0]]


@pytest.mark.parametrize("bits", range(2, 10))
def test_pulse_width_sums_to_the_code(bits):
    top = 2 ** (bits - 1) - 1
    codes = np.arange(-top, top + 1)
    assert (pulse_width(codes, top).sum(axis=1) == np.abs(codes)).all()


@pytest.mark.parametrize("stream", [Stream.ROW_TRAIN, Stream.COLUMN_TRAIN])
@pytest.mark.parametrize("bl", [1, 31, 63])
@pytest.mark.parametrize("name", ["tiny", "linear"])
def test_train_equals_the_reference(name, bl, stream):
    levels = np.random.default_rng(bl).integers(-MAX_LEVEL, MAX_LEVEL, 13)
    pulses = train(CONFIGS[name], 77, stream, 5, levels, bl)
    expected = reference.train(77, int(stream), 5, levels.tolist(), bl, CONFIGS[name].rounds)
    assert pulses.tolist() == expected


def test_rails_of_the_level():
    pulses = train(CONFIGS["tiny"], 1, Stream.ROW_TRAIN, 0, np.array([0, MAX_LEVEL, -MAX_LEVEL]), 63)
    assert pulses.any(axis=1).tolist() == [False, True, True]
    assert pulses.all(axis=1).tolist() == [False, True, True]


@pytest.mark.parametrize("edge", [0, 1])
def test_slot_is_on_where_the_draw_is_below_the_level(edge):
    draw = reference.draw(9, Stream.ROW_TRAIN, 3, 0, 2, 4, 13)
    assert train(CONFIGS["tiny"], 9, Stream.ROW_TRAIN, 3, np.full(3, draw + edge), 5)[2, 4] == bool(edge)


@pytest.mark.parametrize("level", [100, 20000, 50000])
def test_fraction_of_slots_that_are_on(level):
    n, p = 64 * 63 * 100, level / 65536
    on = sum(int(train(CONFIGS["tiny"], 4, Stream.COLUMN_TRAIN, event, np.full(64, level), 63).sum())
             for event in range(100))
    assert abs(on / n - p) < 5 * np.sqrt(p * (1 - p) / n)


def test_shorter_train_is_the_beginning_of_a_longer_one():
    levels = np.arange(0, 65536, 4096)
    long = train(CONFIGS["tiny"], 8, Stream.ROW_TRAIN, 2, levels, 63)
    assert (train(CONFIGS["tiny"], 8, Stream.ROW_TRAIN, 2, levels, 17) == long[:, :17]).all()
