# SPDX-License-Identifier: Apache-2.0
"""The comparison finds what is wrong, says where, and its replay finds it again."""
import json
import re
import shlex

import numpy as np
import pytest

from crosstwin import cli, comparison
from crosstwin.config_stimulus import draw_config
from crosstwin.links import ControllerLink
from crosstwin.stimulus import draw_operations
from golden.controller import Controller
from golden.protocol import Status, split
from golden.tile import Tile

FAULTY = 4
"""The configuration number whose link is broken in these tests."""


class FlippingLink(ControllerLink):
    """A link that flips one bit of the 200th word that comes back."""

    def __init__(self, config, bit: int = 3):
        super().__init__(config)
        self.left, self.mask = 200, np.uint64(1 << bit)

    def exchange(self, words, n_packets):
        answers = super().exchange(words, n_packets).copy()
        if 0 <= self.left < len(answers):
            answers[self.left] ^= self.mask
        self.left -= len(answers)
        return answers


class SilentLink(ControllerLink):
    """A link that gives up, as a simulation that hangs."""

    def exchange(self, words, n_packets):
        raise RuntimeError("A stream must move within 1000 cycles, but nothing did at cycle 4242")


def broken_at(number: int, seed: int, link):
    """A link maker that is broken for one configuration and good for the others."""
    config = draw_config(np.random.default_rng([seed, number]))
    return lambda found, rng: link(found) if found == config else ControllerLink(found)


def test_the_model_agrees_with_itself(capsys):
    arguments = ["compare", "--backend", "golden", "--configs", "3", "--ops", "60", "--workers", "2", "--json"]
    assert cli.main(arguments) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["configs"], result["operations"], result["mismatches"]) == (3, 180, 0)
    assert result["compared"] > 1000


def test_a_flipped_bit_is_found_and_its_replay_finds_it_again(capsys, monkeypatch):
    monkeypatch.setitem(comparison.LINKS, "golden", broken_at(FAULTY, 11, FlippingLink))
    arguments = ["compare", "--backend", "golden", "--configs", "6", "--ops", "40", "--seed", "11", "--workers", "1"]
    assert cli.main([*arguments, "--json"]) == 1
    failure, = json.loads(capsys.readouterr().out)["failures"]
    assert failure["config"] == FAULTY
    expected, actual = (int(word, 16) for word in re.findall(r"0x[0-9a-f]{8}", failure["mismatch"]))
    assert expected ^ actual == 8
    assert re.match(r"operation \d+, .*(index \d+|header), between cycles 0 and 0: expected ", failure["mismatch"])

    replay = shlex.split(failure["replay"])
    assert replay[:2] == ["crosstwin", "compare"]
    assert cli.main([*replay[1:], "--json"]) == 1
    again, = json.loads(capsys.readouterr().out)["failures"]
    assert again == failure

    assert cli.main(replay[1:]) == 1
    assert f"replay: {failure['replay']}" in capsys.readouterr().out


def test_a_tile_that_does_not_answer_is_a_mismatch(capsys, monkeypatch):
    monkeypatch.setitem(comparison.LINKS, "golden", lambda config, rng: SilentLink(config))
    assert cli.main(["compare", "--backend", "golden", "--configs", "1", "--ops", "5"]) == 1
    assert "nothing did at cycle 4242" in capsys.readouterr().out


def test_a_missing_word_is_a_mismatch(monkeypatch):
    class Short(ControllerLink):
        def exchange(self, words, n_packets):
            return super().exchange(words, n_packets)[:-1]

    monkeypatch.setitem(comparison.LINKS, "golden", lambda config, rng: Short(config))
    outcome = comparison.run(0, 0, 5, "golden")
    assert outcome.mismatches
    assert "actual nothing" in outcome.failures[0]


@pytest.mark.parametrize("number", range(4))
def test_drawing_depends_on_seed_and_number_alone(number):
    def draw(count):
        rng = np.random.default_rng([3, number])
        config = draw_config(rng)
        return config, list(draw_operations(rng, config, count))

    (config, short), (again, long) = draw(20), draw(40)
    assert config == again
    for one, other in zip(short, long, strict=False):
        assert one.name == other.name
        np.testing.assert_array_equal(one.words, other.words)


def test_stimulus_reaches_every_status_and_moves_weights():
    statuses, moved, codes = set(), 0, []
    for number in range(8):
        rng = np.random.default_rng([1, number])
        config = draw_config(rng)
        tile = Tile(config)
        controller = Controller(tile)
        for operation in draw_operations(rng, config, 80):
            before = tile.planes[0].copy()
            for answer in split(controller.exchange(operation.words)):
                status = int(answer[0]) >> 16 & 0xFF
                statuses.add(status)
                if operation.name == "FORWARD" and status == Status.OK:
                    values = answer[1:].astype(np.uint32).view(np.int32)
                    codes.append(np.abs(values) / config.adc.code.max)
            moved += operation.name.startswith("UPDATE") and (before != tile.planes[0]).any()
    assert statuses == set(Status) - {Status.ABORTED, Status.TIMEOUT}
    assert moved > 50
    codes = np.concatenate(codes)
    assert 0.2 < ((codes > 0) & (codes < 1)).mean() < 1
