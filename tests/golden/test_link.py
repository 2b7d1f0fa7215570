# SPDX-License-Identifier: Apache-2.0
"""The rules of the link, one by one on the device, and all together under fire."""
from pathlib import Path

import numpy as np
import pytest

from golden.controller import Controller
from golden.frame import Deframer, Frame, Kind, Reason
from golden.link import VERSION, Device, Host, Verdict, next_sequence
from golden.presets import TILES
from golden.protocol import FIRST, LAST, Opcode, header
from golden.tile import Tile
from tests.link_fuzz import Fuzz, GoldenBoard

GET = (header(1, 1, 0),)


def ask(device: Device, *frames: Frame) -> list[Frame | None]:
    return Deframer().feed(device.receive(b"".join(frame.encode() for frame in frames)))


def data(sequence: int, payload=GET, session: int = 1) -> Frame:
    return Frame(Kind.DATA, session, sequence, payload)


@pytest.fixture
def device():
    """With session 1 open."""
    device = Device(8)
    assert ask(device, Frame(Kind.HELLO, 0, 77)) == [Frame(Kind.WELCOME, 1, 77, (VERSION,))]
    assert ask(device, Frame(Kind.OPEN, 1, 0)) == [Frame(Kind.RESPONSE, 1, 0)]
    return device


def respond(device: Device, *words: int) -> list[Frame | None]:
    return Deframer().feed(device.respond(words))


def test_a_packet_is_executed_once_and_its_response_kept(device):
    assert ask(device, data(1)) == []
    assert device.packets == [GET]
    assert ask(device, data(1), data(1)) == [Frame(Kind.BUSY, 1, 1)] * 2
    response = Frame(Kind.RESPONSE, 1, 1, (header(1, 0, 1), 5))
    assert respond(device, *response.payload) == [response]
    assert ask(device, data(1), Frame(Kind.ABORT, 1, 1)) == [response, response]
    assert device.packets == [GET]


@pytest.mark.parametrize(("frame", "reason"), [
    (data(2), Reason.ORDER), (data(0xFFFF), Reason.ORDER), (data(1, session=2), Reason.ORDER),
    (Frame(Kind.OPEN, 2, 0), Reason.ORDER), (Frame(Kind.ABORT, 1, 1), Reason.ORDER),
    (data(1, ()), Reason.KIND), (Frame(Kind.HELLO, 0, 1, (1,)), Reason.KIND), (Frame(0, 1, 1, GET), Reason.KIND),
    (Frame(Kind.RESPONSE, 1, 1, GET), Reason.KIND), (data(1, GET * 9), Reason.LENGTH)])
def test_anything_else_is_refused_with_what_is_expected(device, frame, reason):
    assert ask(device, frame) == [Frame(Kind.NAK, 1, 1, (reason,))]
    assert device.packets == []
    assert ask(device, data(1)) == []
    assert device.packets == [GET]


def test_damage_is_refused_before_and_in_a_session(device):
    damaged = bytearray(data(1).encode())
    damaged[4] ^= 2
    assert Deframer().feed(Device(8).receive(bytes(damaged))) == [Frame(Kind.NAK, 0, 0, (Reason.DAMAGED,))]
    assert Deframer().feed(device.receive(bytes(damaged))) == [Frame(Kind.NAK, 1, 1, (Reason.DAMAGED,))]
    assert Deframer().feed(device.receive(b"\5\6") + device.break_off()) == [Frame(Kind.NAK, 1, 1, (Reason.DAMAGED,))]


def test_the_longest_packet_fits(device):
    assert ask(device, data(1, GET * 8)) == []
    assert device.packets == [GET * 8]


def test_no_packet_before_a_session_is_open():
    device = Device(8)
    assert ask(device, data(0, session=0), data(1, session=0), Frame(Kind.OPEN, 0, 0)) == [
        Frame(Kind.NAK, 0, 0, (Reason.ORDER,))] * 3


def test_an_old_hello_changes_nothing(device):
    assert ask(device, Frame(Kind.HELLO, 0, 77)) == [Frame(Kind.WELCOME, 2, 77, (VERSION,))]
    assert ask(device, Frame(Kind.OPEN, 1, 0)) == [Frame(Kind.RESPONSE, 1, 0)]  # of this session: harmless
    assert ask(device, data(1)) == []
    assert respond(device, header(1, 0, 0)) == [Frame(Kind.RESPONSE, 1, 1, (header(1, 0, 0),))]
    assert ask(device, Frame(Kind.OPEN, 1, 0)) == [Frame(Kind.NAK, 1, 2, (Reason.ORDER,))]


def test_an_offer_lasts_until_another_host_asks(device):
    first, again, other = Frame(Kind.HELLO, 0, 5), Frame(Kind.HELLO, 0, 5), Frame(Kind.HELLO, 0, 6)
    assert [frame.session for frame in ask(device, first, again, other)] == [2, 2, 3]
    assert ask(device, Frame(Kind.OPEN, 2, 0)) == [Frame(Kind.NAK, 1, 1, (Reason.ORDER,))]
    assert ask(device, Frame(Kind.OPEN, 3, 0), data(1, session=1)) == [
        Frame(Kind.RESPONSE, 3, 0), Frame(Kind.NAK, 3, 1, (Reason.ORDER,))]


def test_an_offer_is_never_the_open_session(device):
    offers = [ask(device, Frame(Kind.HELLO, 0, nonce))[0].session for nonce in range(600)]
    assert 1 not in offers
    assert len(set(offers)) == 255


def test_a_new_session_waits_for_the_old_packet(device):
    ask(device, data(1))
    ask(device, Frame(Kind.HELLO, 0, 5))
    assert ask(device, Frame(Kind.OPEN, 2, 0)) == [Frame(Kind.BUSY, 1, 1)]
    respond(device, header(1, 0, 0))
    assert ask(device, Frame(Kind.OPEN, 2, 0)) == [Frame(Kind.RESPONSE, 2, 0)]


def test_an_abort_goes_past_the_sequence_once(device):
    ask(device, data(1, (header(5),)))
    abort = Frame(Kind.ABORT, 1, 1)
    assert ask(device, abort, abort) == [Frame(Kind.BUSY, 1, 1)] * 2
    assert device.packets == [(header(5),), (header(Opcode.ABORT),)]
    assert respond(device, header(5, 6)) == []
    assert ask(device, data(1)) == [Frame(Kind.BUSY, 1, 1)]
    assert respond(device, header(Opcode.ABORT)) == [Frame(Kind.RESPONSE, 1, 1, (header(5, 6),))]


def test_the_response_to_an_abort_in_its_turn_is_kept(device):
    ask(device, data(1, (header(Opcode.ABORT),)))
    assert respond(device, header(Opcode.ABORT)) == [Frame(Kind.RESPONSE, 1, 1, (header(Opcode.ABORT),))]


def test_sequences_wrap_past_zero(device):
    assert [next_sequence(n) for n in (0, 1, 0xFFFE, 0xFFFF)] == [1, 2, 0xFFFF, 1]
    device.last = 0xFFFF
    assert ask(device, data(0)) == [Frame(Kind.NAK, 1, 1, (Reason.ORDER,))]
    assert ask(device, data(1)) == []


def opened() -> Host:
    host = Host()
    host.open(9)
    assert host.pending == Frame(Kind.HELLO, 0, 9).encode()
    assert host.receive(Frame(Kind.WELCOME, 3, 8, (VERSION,)).encode()) == Verdict.WAIT  # another host's
    assert host.receive(Frame(Kind.WELCOME, 4, 9, (VERSION,)).encode()) == Verdict.SEND
    assert host.pending == Frame(Kind.OPEN, 4, 0).encode()
    assert host.receive(Frame(Kind.RESPONSE, 4, 0).encode()) == Verdict.DONE
    return host


def test_a_host_drops_what_is_stale():
    host = opened()
    host.command(GET)
    assert host.pending == data(1, session=4).encode()
    for session, sequence in ((4, 0), (3, 1), (4, 2)):
        assert host.receive(Frame(Kind.RESPONSE, session, sequence, (9,)).encode()) == Verdict.WAIT
    assert host.receive(Frame(Kind.BUSY, 4, 1).encode()) == Verdict.BUSY
    assert host.receive(b"\0\1\2\3\0") == Verdict.SEND
    assert host.receive(Frame(Kind.NAK, 4, 1, (1,)).encode()) == Verdict.SEND
    assert host.receive(Frame(Kind.RESPONSE, 4, 1, (5, 6)).encode() * 2) == Verdict.DONE
    assert host.response == (5, 6)
    assert host.receive(Frame(Kind.RESPONSE, 4, 1, (5, 6)).encode()) == Verdict.WAIT
    host.command(GET)
    assert host.pending == data(2, session=4).encode()


def test_a_host_whose_offer_has_expired_asks_again():
    host = Host()
    host.open(0xFFFF)
    host.receive(Frame(Kind.WELCOME, 1, 0xFFFF, (VERSION,)).encode())
    assert host.receive(Frame(Kind.NAK, 0, 0, (Reason.ORDER,)).encode()) == Verdict.SEND
    assert host.pending == Frame(Kind.HELLO, 0, 0).encode()


def test_a_host_aborts_what_is_on_its_way():
    host = opened()
    host.abort()
    host.command(GET)
    host.abort()
    assert host.pending == data(1, session=4).encode() + Frame(Kind.ABORT, 4, 1).encode()


@pytest.mark.parametrize("seed", [1, 2])
def test_fuzz(seed):
    """No packet is lost, none executed twice, none that was not sent; the first one after damage is sent once."""
    figures = Fuzz(GoldenBoard(), seed).run(1500)
    assert set(figures.recoveries) == {1}
    assert len(figures.recoveries) > 80
    assert figures.transmissions > 1.5 * figures.packets
    assert figures.sessions > 5


PAGE = (Path(__file__).parents[2] / "docs" / "link.md").read_text(encoding="utf-8")


def table(first: str) -> list[list[str]]:
    """Rows of the page's table whose head begins with this cell."""
    lines = PAGE.partition(f"| {first} |")[2].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_the_page_lists_kinds_and_reasons():
    kinds, reasons = (rows for rows in (table("number | kind"), table("number | reason of a NAK")))
    assert {int(row[0]): row[1] for row in kinds} == {kind.value: kind.name for kind in Kind}
    assert {int(row[0]): row[1] for row in reasons} == {reason.value: reason.name for reason in Reason}
    assert all((row[2] == "host") == (int(row[0]) < 128) for row in kinds)
    assert f"Version {VERSION}." in PAGE


def test_the_page_s_example():
    device, controller = Device(256), Controller(Tile(TILES["tiny"]))
    rows = table("from | bytes")
    assert len(rows) == 12
    for (host, sent, what), (other, answered, _) in zip(rows[::2], rows[1::2], strict=True):
        assert (host, other) == ("host", "device")
        answer = device.receive(bytes.fromhex(sent.strip("`")))
        for words in device.packets:
            framed = np.array(words, dtype=np.uint64)
            framed[0] |= np.uint64(FIRST)
            framed[-1] |= np.uint64(LAST)
            answer += device.respond((controller.exchange(framed) & np.uint64(0xFFFFFFFF)).tolist())
        device.packets.clear()
        assert answer.hex(" ") == answered.strip("`"), what
