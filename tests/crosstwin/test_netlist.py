# SPDX-License-Identifier: Apache-2.0
"""`compare --netlist`: what goes over the line, what a wrong netlist is called, and what is asked of whom."""
import json
import shlex
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("amaranth_boards", reason="amaranth-boards is not installed: pip install crosstwin[fpga]")

from crosstwin import cli, comparison, netlist
from crosstwin.driver import LinkError
from crosstwin.links import ControllerLink, simulated_board
from golden.frame import Kind, longest_packet
from golden.link import Verdict
from golden.presets import TILES
from golden.protocol import FIRST, LAST, Opcode, packet

TINY = replace(TILES["default"], rows=3, cols=2, lanes=1)
GET = packet(Opcode.GET, 1, 0)
ARGUMENTS = ["compare", "--netlist", "ulx3s_85f", "--rows", "3", "--cols", "2", "--lanes", "1", "--ops", "20"]


@pytest.mark.parametrize(("words", "is_good"), [
    (GET, True), (np.concatenate([GET, GET]), True), (GET[:0], False),
    (GET & ~np.uint64(FIRST), False), (GET & ~np.uint64(LAST), False),
    (np.concatenate([GET | np.uint64(FIRST), GET & ~np.uint64(FIRST)]), False),
    (packet(Opcode.UPDATE, 1, payload=np.zeros(longest_packet(TINY) - 1)), True),
    (packet(Opcode.UPDATE, 1, payload=np.zeros(longest_packet(TINY))), False),
])
def test_only_what_a_link_carries_goes_over_it(words, is_good):
    assert netlist.can_carry(TINY, words) == is_good


def test_operations_are_as_many_as_asked_for_and_all_can_go():
    few, more = (comparison.serial_operations(5, TINY, n) for n in (30, 200))
    assert len(more) - len(few) == 170
    assert all(operation.wait is None and netlist.can_carry(TINY, operation.words) for operation in more)
    assert any("a bad " in operation.name for operation in more)


class _Fake(ControllerLink):
    """In the place of a netlist: golden itself, one bit of whose 100th word may be wrong."""

    cycles, mask = 7, 0

    def __init__(self, board, config, begun):
        super().__init__(config)
        assert (board.name, config.rows, config.cols, config.lanes) == ("ulx3s_85f", 3, 2, 1)
        self.left = 100
        for step in netlist.STEPS:
            begun(step)

    def exchange(self, words, n_packets):
        answers = super().exchange(words, n_packets).copy()
        if 0 <= self.left < len(answers):
            answers[self.left] ^= np.uint64(self.mask)
        self.left -= len(answers)
        return answers


def test_a_netlist_that_agrees(capsys, monkeypatch):
    monkeypatch.setattr(netlist, "NetlistLink", _Fake)
    assert cli.main([*ARGUMENTS, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["operations"], result["mismatches"], result["cycles"]) == (20, 0, 7)
    assert list(result["seconds"]) == [*netlist.STEPS, "run"]
    assert cli.main(ARGUMENTS) == 0
    assert "Netlist of ULX3S" in capsys.readouterr().out


def test_a_wrong_bit_is_found_and_replayed(capsys, monkeypatch):
    monkeypatch.setattr(netlist, "NetlistLink", _Fake)
    monkeypatch.setattr(_Fake, "mask", 4)
    assert cli.main([*ARGUMENTS, "--json"]) == 1
    failure, = json.loads(capsys.readouterr().out)["failures"]
    assert cli.main([*shlex.split(failure["replay"])[1:], "--json"]) == 1
    again, = json.loads(capsys.readouterr().out)["failures"]
    assert again == failure


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["--netlist", "nope"], "Board must be one of"),
    (["--netlist", "ulx3s_85f", "--lanes", "0"], "not 0"),
    (["--rows", "3"], "--rows must come with --netlist"),
])
def test_what_cannot_be_is_refused(capsys, arguments, sentence):
    assert cli.main(["compare", *arguments]) == 2
    assert sentence in capsys.readouterr().err


@pytest.fixture
def link(monkeypatch):
    """A link to a tile's Verilog, as it was before synthesis."""
    monkeypatch.setattr(netlist, "_netlist", lambda board, config, begun: "")
    monkeypatch.setattr(netlist, "_model", lambda board, text: simulated_board(TINY, opt="-O0", quiet=True))
    link = netlist.NetlistLink(None, TINY)
    yield link
    link.close()


def test_operations_over_the_line_are_golden_s(link):
    operations = comparison.serial_operations(2, TINY, 25)
    outcome = comparison.run_operations(2, TINY, operations, link, lambda: None)
    assert (outcome.mismatches, outcome.failures) == (0, [])
    assert outcome.compared > 200


def test_a_netlist_that_does_not_understand_is_said_to(link, monkeypatch):
    monkeypatch.setattr(link._host, "receive", lambda data: Verdict.WAIT)
    with pytest.raises(LinkError, match="must answer every packet, but was idle"):
        link.exchange(GET, 1)


def test_a_packet_that_is_refused_is_not_sent_again(link):
    with pytest.raises(LinkError, match=f"refused one: Frame.kind={Kind.NAK:d}"):
        link.exchange(packet(Opcode.UPDATE, 1, payload=np.zeros(longest_packet(TINY))), 1)
