# SPDX-License-Identifier: Apache-2.0
"""The device in gates: answer by answer what golden's gives, and under fire at the pins of a verilated board."""
import random

import pytest

from golden.frame import Frame, Kind
from golden.link import Device, Host, Verdict
from golden.protocol import Opcode, header
from rtl.link import Link
from rtl.verilog import verilog_of
from sim.serial_model import SerialModel, symbols_of
from tests.link_fuzz import Fuzz, VerilatedBoard
from tests.rtl.echo import EchoBoard
from tests.rtl.simulation import run

DEPTH = 8
DIVISOR = 2
MOST_QUIET = 80
"""Cycles that an answer may take to begin: more than a whole one needs to be stuffed."""


class Lockstep:
    """The device beside golden's, a frame at a time, with the bench as the controller."""

    def __init__(self):
        self.link, self.device = Link(DEPTH), Device(DEPTH)
        self.delivered: list[tuple[int, ...]] = []

    async def send(self, ctx, data: bytes, is_break: bool = False) -> None:
        """Put bytes on the line, frame by frame, and compare all that comes of it."""
        *parts, rest = data.split(b"\0")
        for part in parts:
            await self._send(ctx, part + b"\0", False)
        await self._send(ctx, rest, is_break)

    async def _send(self, ctx, data: bytes, is_break: bool) -> None:
        link = self.link
        for byte in data:
            ctx.set(link.i.payload, byte)
            ctx.set(link.i.valid, 1)
            await ctx.tick()
            ctx.set(link.i.valid, 0)
        if is_break:
            ctx.set(link.break_off, 1)
            await ctx.tick()
            ctx.set(link.break_off, 0)
        wanted = self.device.receive(data) + (self.device.break_off() if is_break else b"")
        await self.compare(ctx, wanted)

    async def respond(self, ctx, words) -> None:
        response = self.link.response
        for n, word in enumerate(words):
            for name, value in {"data": word, "first": n == 0, "last": n == len(words) - 1}.items():
                ctx.set(getattr(response.payload, name), value)
            ctx.set(response.valid, 1)
            await ctx.tick().until(response.ready)
        ctx.set(response.valid, 0)
        self.device.packets.pop(0)
        self.delivered.pop(0)
        await self.compare(ctx, self.device.respond(words))

    async def compare(self, ctx, wanted: bytes) -> None:
        link, found, quiet, part = self.link, bytearray(), 0, []
        ctx.set(link.o.ready, 1)
        ctx.set(link.command.ready, 1)
        while quiet < MOST_QUIET and (ctx.get(link.is_busy) or not quiet):
            *_, valid, byte, is_command, word = await ctx.tick().sample(
                link.o.valid, link.o.payload, link.command.valid, link.command.payload.as_value())
            quiet = 0 if valid or is_command else quiet + 1
            found += bytes([byte]) * valid
            if is_command:
                part.append(word & 0xFFFFFFFF)
                if word >> 33:
                    self.delivered.append(tuple(part))
                    part = []
        ctx.set(link.o.ready, 0)
        assert bytes(found) == wanted
        assert self.delivered == self.device.packets
        assert ctx.get(link.is_busy) == self.device.is_running


def test_every_answer_is_golden_s():
    """Frames that are right, old, early, unknown, damaged, too long, of other sessions; while running and not."""
    rng, bench = random.Random(1), Lockstep()

    def frame() -> Frame:
        device = bench.device
        session = rng.choice([device.session] * 6 + [device.offer, rng.randrange(256)])
        sequence = rng.choice([device.expected] * 4 + [device.last] * 2 + [0, rng.randrange(1 << 16)])
        kind = rng.choice([Kind.DATA] * 6 + [Kind.HELLO, Kind.OPEN, Kind.ABORT, Kind.ABORT, Kind.BUSY, 0])
        if kind == Kind.OPEN and rng.random() < 0.8:
            session, sequence = device.offer, 0
        if kind == Kind.HELLO:
            sequence = rng.choice([device.nonce, rng.randrange(1 << 16)])
        n = rng.choice([0, 1, DEPTH, DEPTH + 1]) if rng.random() < 0.3 else int(kind == Kind.DATA)
        return Frame(kind, session, sequence, tuple(header(rng.randrange(1, 9), 0, rng.randrange(99))
                                                    for _ in range(n)))

    async def host(ctx):
        for _ in range(450):
            data = bytearray(frame().encode())
            if rng.random() < 0.15:
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            is_break = rng.random() < 0.1
            await bench.send(ctx, bytes(data[:rng.randrange(len(data))] if is_break else data), is_break)
            while bench.device.packets and rng.random() < 0.4:
                words = bench.device.packets[0]
                await bench.respond(ctx, [header(words[0] >> 24, 0, 1), rng.getrandbits(32)][:rng.choice([1, 2])])

    run(bench.link, host)


def open_session(session: int = 1) -> bytes:
    return Frame(Kind.HELLO, 0, 3).encode() + Frame(Kind.OPEN, session, 0).encode()


def test_offers_and_openings():
    """An offer is never the open session, and only sequence 0 opens it."""
    bench = Lockstep()

    async def host(ctx):
        await bench.send(ctx, open_session())
        await bench.send(ctx, Frame(Kind.HELLO, 0, 4).encode() + Frame(Kind.OPEN, 2, 5).encode())
        for nonce in range(5, 262):
            await bench.send(ctx, Frame(Kind.HELLO, 0, nonce).encode())

    run(bench.link, host)


@pytest.mark.parametrize("is_first", [False, True], ids=["abort answered last", "abort answered first"])
def test_an_abort_is_handed_on_once_a_packet(is_first):
    bench = Lockstep()

    async def host(ctx):
        await bench.send(ctx, open_session())
        for sequence in (1, 2):
            await bench.send(ctx, Frame(Kind.DATA, 1, sequence, (header(5), 9)).encode())
            for _ in range(3):
                await bench.send(ctx, Frame(Kind.ABORT, 1, sequence).encode())
            for head in sorted([header(5, 6), header(Opcode.ABORT)], reverse=is_first):
                await bench.respond(ctx, [head])

    run(bench.link, host)


async def put(ctx, bench: Lockstep, frame: Frame | bytes) -> None:
    """Bytes on the line to the device, and nothing else: what it answers waits, as its line is not ready."""
    for byte in frame if isinstance(frame, bytes) else frame.encode():
        ctx.set(bench.link.i.payload, byte)
        ctx.set(bench.link.i.valid, 1)
        await ctx.tick()
    ctx.set(bench.link.i.valid, 0)


def test_a_packet_that_meets_a_full_buffer_is_not_executed():
    """It comes while the one before it is handed over, and ends when that has been answered."""
    bench = Lockstep()
    first, early = (Frame(Kind.DATA, 1, n, (header(1), n, n)) for n in (1, 2))

    async def host(ctx):
        await bench.send(ctx, open_session())
        ctx.set(bench.link.command.ready, 0)
        await put(ctx, bench, first.encode() + early.encode()[:-4])
        bench.device.receive(first.encode())
        await bench.compare(ctx, b"")
        await bench.respond(ctx, [header(1)])
        await put(ctx, bench, early.encode()[-4:])
        await bench.compare(ctx, Frame(Kind.BUSY, 1, 1).encode())
        await bench.send(ctx, early.encode())
        await bench.respond(ctx, [header(1)])

    run(bench.link, host)


@pytest.mark.parametrize("is_waiting", [False, True], ids=["response is being sent", "response waits to be sent"])
def test_a_packet_that_overtakes_a_response(is_waiting):
    """The response on the line stays what it was; one that has not begun is not sent in place of the next one."""
    bench = Lockstep()
    first, second = (Frame(Kind.DATA, 1, n, (header(1), n)) for n in (1, 2))
    old = (header(1), 0x01020304, 0, 5, 0)

    async def host(ctx):
        link, device = bench.link, bench.device
        await bench.send(ctx, open_session())
        await bench.send(ctx, first.encode())
        await bench.respond(ctx, old)
        if is_waiting:
            await put(ctx, bench, b"noise\0")
        await put(ctx, bench, first)
        await put(ctx, bench, second)
        wanted = device.receive(b"noise\0" if is_waiting else first.encode())
        device.receive(second.encode())
        ctx.set(link.command.ready, 1)
        ctx.set(link.response.payload.data, header(1) + 0xFF)  # not the last word of the next response
        ctx.set(link.response.payload.first, 1)
        ctx.set(link.response.payload.last, 0)
        ctx.set(link.response.valid, int(not is_waiting))
        for _ in range(12):
            await ctx.tick()
            assert is_waiting or not ctx.get(link.response.ready)
        bench.delivered.append(second.payload)
        ctx.set(link.response.valid, 0)
        await bench.compare(ctx, wanted)
        await bench.respond(ctx, [header(1), 7])

    run(bench.link, host)


def verilated() -> SerialModel:
    return SerialModel(verilog_of(EchoBoard(DIVISOR), "echo_board"), "echo_board", DIVISOR)


def fuzz(n_packets: int, seed: int) -> None:
    """Every packet executed was sent, none twice, none lost; after damage the first one goes through at once."""
    with verilated() as model:
        figures = Fuzz(VerilatedBoard(model), seed).run(n_packets)
    assert set(figures.recoveries) == {1}
    assert len(figures.recoveries) > n_packets / 20
    assert figures.transmissions > 1.5 * figures.packets
    assert figures.aborted > n_packets / 200
    assert figures.sessions > n_packets / 300


def test_fuzz():
    fuzz(2_000, 1)


@pytest.mark.regress
def test_fuzz_of_100_000_packets():
    fuzz(100_000, 2)



@pytest.mark.regress
def test_sequences_wrap_past_zero():
    host = Host()
    with verilated() as model:
        board, verdicts = VerilatedBoard(model), []
        host.open(1)
        for n in range(0x10002):
            while (verdict := host.receive(board.transfer(symbols_of(host.pending)))) == Verdict.SEND:
                assert not verdicts, "a command was refused"
                verdicts.append(verdict)
            assert verdict == Verdict.DONE
            assert host.sequence == (n if n <= 0xFFFF else n - 0xFFFF)
            host.command((header(1),))
    assert len(verdicts) == 1  # the offer
