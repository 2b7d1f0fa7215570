# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from golden.config import MAX_LEVEL, TileConfig
from golden.noise import Stream
from golden.pulses import (
    WORD_SLOTS,
    Encoding,
    Train,
    encoded_pulses,
    encoded_slots,
    half_selects,
    negative,
    pulse_width,
    train,
    window_slots,
)
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


def deterministic(kind: Train, bl: int, seed: int):
    """Levels of rows and columns, and their pulses."""
    rng = np.random.default_rng(seed)
    x, d = (np.concatenate([[0, 1, MAX_LEVEL, -MAX_LEVEL], rng.integers(-MAX_LEVEL, MAX_LEVEL, n)]) for n in (9, 5))
    config = CONFIGS["tiny"]
    rows = train(config, 0, Stream.ROW_TRAIN, 0, x, bl, kind)
    return x, d, rows, train(config, 0, Stream.COLUMN_TRAIN, 0, d, bl, kind)


@pytest.mark.parametrize("bl", [1, 2, 30, 31, 63])
def test_mean_count_gives_the_product_of_counts(bl):
    x, d, rows, cols = deterministic(Train.MEAN_COUNT, bl, bl)
    x_counts, d_counts = ([reference.shift_right(bl * abs(int(v)), 16) for v in values] for values in (x, d))
    assert rows.sum(axis=1).tolist() == x_counts
    assert cols.sum(axis=1).tolist() == d_counts
    coincidences = rows.astype(int) @ cols.astype(int).T
    assert coincidences.tolist() == [[(a * b + bl // 2) // bl for b in d_counts] for a in x_counts]


@pytest.mark.parametrize("bl", [1, 2, 30, 31, 63])
def test_deterministic_implicit_keeps_the_level_of_columns(bl):
    x, d, rows, cols = deterministic(Train.IMPLICIT, bl, bl)
    x_counts = [reference.shift_right(bl * abs(int(v)), 16) for v in x]
    coincidences = rows.astype(int) @ cols.astype(int).T
    assert coincidences.tolist() == [[(a * abs(int(v)) + 32768) >> 16 for v in d] for a in x_counts]


def test_words_are_sign_and_slots():
    words = np.array([0, 1, 0b110, -1, -(1 << 31), (1 << 31) - 1])
    pulses = train(CONFIGS["tiny"], 0, Stream.ROW_TRAIN, 0, words, WORD_SLOTS, Train.WORDS)
    assert negative(words, Train.WORDS).tolist() == [False, True, False, True, False, True]
    assert [np.nonzero(line)[0].tolist() for line in pulses] == [
        [], [], [0, 1], list(range(31)), [30], list(range(30))]


@pytest.mark.parametrize("kind", Train)
def test_polarity_is_the_sign(kind):
    assert negative(np.array([-5, -1, 0, 4]), kind).tolist() == (
        [True, True, False, False])


@pytest.mark.parametrize("encoding", Encoding, ids=lambda encoding: encoding.name)
@pytest.mark.parametrize("code_bits", [2, 5, 9])
def test_encoded_pulses_are_the_ones_of_the_slots(encoding, code_bits):
    """Every code, in all slots and in any number of them."""
    config = TileConfig(code_bits=code_bits)
    codes, width = np.arange(config.code.min, config.code.max + 1), code_bits - 1
    planes = np.array([np.abs(codes) >> bit & 1 for bit in range(width)])
    slots = {Encoding.WIDTH: pulse_width(codes, config.code.max).T, Encoding.SERIAL: planes[::-1],
             Encoding.SERIAL_ANALOG: planes}[encoding]
    windows, each = window_slots(config, encoding)
    assert (windows, each) == {Encoding.WIDTH: (1, config.code.max), Encoding.SERIAL: (width, 1),
                               Encoding.SERIAL_ANALOG: (1, width)}[encoding]
    assert encoded_slots(config, encoding) == len(slots) == windows * each
    for n in range(len(slots) + 1):
        assert encoded_pulses(config, codes, encoding, n).tolist() == slots[:n].sum(axis=0).tolist()
    assert encoded_pulses(config, codes, encoding).tolist() == slots.sum(axis=0).tolist()


@pytest.mark.parametrize("bias", [0, 1, 2])
def test_half_selects_by_counting(bias):
    """Cross-point by cross-point: with V/2 a line of its two is on, with V/3 it is not pulsed."""
    rng = np.random.default_rng(bias)
    rows, cols = rng.random((4, 9)) < 0.4, rng.random((5, 9)) < 0.5
    count = 0
    for slot in range(9):
        for row in rows[:, slot]:
            for col in cols[:, slot]:
                count += (row != col if bias == 1 else not (row and col)) if bias else 0
    assert half_selects(rows, cols, bias) == count
