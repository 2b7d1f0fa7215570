# SPDX-License-Identifier: Apache-2.0
"""The verilated model in Python: bits, cycles, stress, and every fault that it must notice."""

import numpy as np
import pytest

from sim.instance import SimulationError
from sim.model import VerilatedModel
from tests.sim.designs import FIRST, LAST, increment


def packet(data) -> np.ndarray:
    words = np.array(data, dtype=np.uint64)
    words[0] |= np.uint64(FIRST)
    words[-1] |= np.uint64(LAST)
    return words


def plus_one(words: np.ndarray) -> np.ndarray:
    low = np.uint64(0xFFFF_FFFF)
    return (words & ~low) | ((words + np.uint64(1)) & low)


EDGES = packet([0, 1, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF])
LONG = packet(np.random.default_rng(1).integers(0, 1 << 32, 1000))


@pytest.fixture
def model():
    with VerilatedModel(increment(), max_idle_cycles=100) as model:
        yield model


@pytest.mark.parametrize("stall", [0.0, 0.5, 0.95])
@pytest.mark.parametrize("idle", [0.0, 0.5, 0.95])
@pytest.mark.parametrize("words", [EDGES, LONG, packet([7])], ids=["edges", "long", "one"])
def test_words_come_back(model, words, idle, stall):
    model.max_idle_cycles = 10_000
    np.testing.assert_array_equal(model.exchange(words, idle=idle, stall=stall, seed=3), plus_one(words))


def test_one_word_a_cycle(model):
    before = model.cycles
    model.exchange(LONG)
    assert model.cycles - before == len(LONG) + 1


def test_stress_is_what_was_asked_for_and_repeats(model):
    def cycles(**stress):
        before = model.cycles
        model.exchange(LONG, **stress)
        return model.cycles - before

    assert cycles(idle=0.5, seed=1) == cycles(idle=0.5, seed=1) != cycles(idle=0.5, seed=2)
    assert cycles(idle=0.75, seed=1) == pytest.approx(4 * len(LONG), rel=0.1)
    assert cycles(stall=0.75, seed=1) == pytest.approx(4 * len(LONG), rel=0.1)


def test_packets_are_counted(model):
    both = np.concatenate([EDGES, LONG])
    np.testing.assert_array_equal(model.exchange(both, 2), plus_one(both))


def test_what_was_not_expected_yet_is_not_lost(model):
    assert model.exchange(packet([1]), 0).size == 0
    np.testing.assert_array_equal(model.exchange([], 1), plus_one(packet([1])))


def test_spin_counts_cycles(model):
    before = model.cycles
    model.spin(1000)
    assert model.cycles == before + 1000


def test_two_models_share_nothing():
    with VerilatedModel(increment()) as one, VerilatedModel(increment()) as other:
        one.exchange(LONG)
        assert other.cycles < one.cycles
        np.testing.assert_array_equal(other.exchange(EDGES), plus_one(EDGES))


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("drop", "Output valid must hold until the transfer, but fell at cycle"),
        ("change", "Output payload must hold until the transfer, but changed at cycle"),
        ("unframed", "Output packet must begin with first, but first was 0 at cycle"),
        ("unended", "Output packet must end with last, but first came again at cycle"),
        ("mute", "A stream must move within 100 cycles, but after 10 of 10 words in and 0 words out"),
    ],
)
def test_broken_design_is_caught(fault, says):
    with (
        VerilatedModel(increment(fault), max_idle_cycles=100) as model,
        pytest.raises(SimulationError, match=says),
    ):
        model.exchange(np.concatenate([EDGES, EDGES]), 2, stall=0.5)


def test_waiting_for_a_packet_that_never_comes_ends(model):
    with pytest.raises(SimulationError, match=r"after 5 of 5 words in and 5 words out \(1 packets missing"):
        model.exchange(EDGES, 2)
    assert model.cycles < 200, "the time-out is in cycles of no movement"


def test_too_much_output(model):
    with pytest.raises(SimulationError, match="must fit into 4 words"):
        model.exchange(EDGES, capacity=4)


def test_reset_forgets_a_fault(model):
    with pytest.raises(SimulationError):
        model.exchange(EDGES, capacity=2)
    model.reset()
    np.testing.assert_array_equal(model.exchange(EDGES), plus_one(EDGES))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"words": [[1]]}, "one-dimensional"),
        ({"words": [1 << 34]}, "34 bits, not 0x400000000"),
        ({"words": [0], "expected_packets": -1}, "0 or more, not -1"),
        ({"words": [0], "idle": 1.0}, "Idle must be a share"),
        ({"words": [0], "stall": -0.1}, "Stall must be a share"),
    ],
    ids=str,
)
def test_bad_arguments(model, arguments, says):
    with pytest.raises(ValueError, match=says):
        model.exchange(**arguments)


def test_closed_model_says_so():
    model = VerilatedModel(increment())
    model.close()
    model.close()
    with pytest.raises(SimulationError, match="was closed"):
        model.exchange(EDGES)
