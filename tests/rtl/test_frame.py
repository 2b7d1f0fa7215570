# SPDX-License-Identifier: Apache-2.0
import random

import pytest

from golden import cobs
from golden import frame as golden
from golden.crc import check
from golden.frame import Frame, Kind
from rtl.frame import Deframer, Framer
from tests.rtl.simulation import run

DEPTH = 6


def frames() -> list[Frame]:
    """Of every length up to the buffer's, with the payloads that COBS and CRC care about."""
    rng = random.Random(1)
    found = []
    for n in range(DEPTH + 1):
        for word in (0, 0xFFFFFFFF, 0x01000000, None):
            payload = tuple(rng.getrandbits(32) if word is None else word for _ in range(n))
            found.append(Frame(rng.choice(list(Kind)), rng.randrange(256), rng.randrange(1 << 16), payload))
    return found


class Received:
    """What a deframer says at the end of each frame, and its buffer then."""

    def __init__(self, deframer: Deframer, data, hold=None):
        """`data`: bytes, or -1 for a break; `hold`: levels, one a byte."""
        self.found = []

        async def bench(ctx):
            for n, byte in enumerate([*data, None]):
                ctx.set(deframer.i.valid, byte is not None and byte >= 0)
                ctx.set(deframer.break_off, byte == -1)
                ctx.set(deframer.i.payload, max(byte or 0, 0))
                await ctx.tick()
                ctx.set(deframer.hold, hold[max(n - 1, 0)] if hold else 0)  # of the byte that comes out of the decoder
                await ctx.delay(1e-9)
                if ctx.get(deframer.end):
                    header = ctx.get(deframer.header.as_value())
                    state = [int(ctx.get(port)) for port in (deframer.length, deframer.is_good, deframer.is_stored)]
                    ctx.set(deframer.i.valid, 0)
                    ctx.set(deframer.break_off, 0)
                    self.found.append((header, *state, [await self._word(ctx, deframer, k) for k in range(DEPTH)]))

        run(deframer, bench)

    async def _word(self, ctx, deframer: Deframer, address: int) -> int:
        ctx.set(deframer.address, address)
        await ctx.tick().repeat(deframer.read_latency)
        return ctx.get(deframer.word)


def test_deframer():
    wanted = frames()
    found = Received(Deframer(DEPTH), b"".join(frame.encode() for frame in wanted)).found
    assert len(found) == len(wanted)
    for frame, (header, length, is_good, is_stored, words) in zip(wanted, found, strict=True):
        assert (header, length, is_good, is_stored) == (frame.header, len(frame.payload), 1, 1)
        assert tuple(words[:length]) == frame.payload


def test_deframer_on_damage():
    """Good or not is what golden says, whatever the damage; a frame that is too long is good, but says so."""
    rng, data = random.Random(2), []
    for frame in frames() * 4:
        damaged = bytearray(frame.encode())
        for _ in range(rng.choice([0, 1, 1, 2])):
            n = rng.randrange(len(damaged))
            damaged[n:n + rng.randrange(3)] = rng.randbytes(rng.randrange(3))
        data += damaged
    data += Frame(3, 1, 1, (5,) * (DEPTH + 1)).encode() + Frame(3, 1, 1, (5,) * 300).encode()
    wanted = golden.Deframer().feed(bytes(data))
    found = Received(Deframer(DEPTH), data).found
    assert [bool(is_good) for _, _, is_good, _, _ in found] == [frame is not None for frame in wanted]
    assert 10 < wanted.count(None) < len(wanted) - 10
    for frame, (header, length, *_, words) in zip(wanted, found, strict=True):
        if frame:
            assert header == frame.header
            assert length == min(len(frame.payload), DEPTH + 1)
            assert tuple(words[:length]) == frame.payload[:DEPTH]


def test_what_is_no_header_and_words_is_damaged():
    """Its check may be right, but it is too short, or ends within a word."""
    rng = random.Random(3)
    bodies = [rng.randbytes(n) for n in range(14)]
    data = b"".join(b"\0" + cobs.encode(body + check(body).to_bytes(4, "little")) + b"\0" for body in bodies)
    found = Received(Deframer(DEPTH), data).found
    assert [is_good for _, _, is_good, *_ in found] == [int(n in (4, 8, 12)) for n in range(14)]
    assert [frame is not None for frame in golden.Deframer().feed(data)] == [n in (4, 8, 12) for n in range(14)]


def test_a_break_ends_a_frame_as_damaged():
    good = list(Frame(3, 1, 1, (5,)).encode())
    found = Received(Deframer(DEPTH), [*good[:-1], -1, *good]).found
    assert [is_good for _, _, is_good, *_ in found] == [0, 1]


@pytest.mark.parametrize("at", [0, 1, 5, 10])
def test_a_held_buffer_stays_and_the_frame_says_so(at):
    """However short it was held from the first byte on, which the delimiter at 0 is not."""
    first, second = Frame(3, 1, 1, (1, 2, 3)).encode(), Frame(3, 1, 2, (7, 8, 9)).encode()
    hold = [0] * len(first) + [n == at for n in range(len(second))] + [0] * len(first)
    found = Received(Deframer(DEPTH), first + second + first, hold).found
    assert [(is_good, is_stored) for _, _, is_good, is_stored, _ in found] == [(1, 1), (1, int(at == 0)), (1, 1)]
    found = Received(Deframer(DEPTH), first + second, [0] * len(first) + [1] * len(second)).found
    assert found[1][2:4] == (1, 0)
    assert found[1][4][:3] == [1, 2, 3]


@pytest.mark.parametrize("stall", [0.0, 0.7])
def test_framer(stall):
    rng, framer = random.Random(3), Framer(DEPTH)
    wanted = frames()
    found = bytearray()

    async def send(ctx):
        for frame in wanted:
            while ctx.get(framer.is_busy):
                await ctx.tick()
            ctx.set(framer.header.as_value(), frame.header)
            ctx.set(framer.length, len(frame.payload))
            ctx.set(framer.start, 1)
            await ctx.tick()
            ctx.set(framer.start, 0)
            ctx.set(framer.header.as_value(), 0)
            ctx.set(framer.length, 0)
            assert ctx.get(framer.is_busy)
            assert ctx.get(framer.kind) == frame.kind
            while ctx.get(framer.is_busy):  # a memory of one cycle
                index = ctx.get(framer.index)
                await ctx.tick()
                ctx.set(framer.word, frame.payload[index] if index < len(frame.payload) else rng.getrandbits(32))

    async def receive(ctx):
        while len(found) < sum(len(frame.encode()) for frame in wanted):
            ready = rng.random() >= stall
            ctx.set(framer.o.ready, ready)
            *_, valid, payload = await ctx.tick().sample(framer.o.valid, framer.o.payload)
            if valid and ready:
                found.append(payload)

    run(framer, send, receive)
    assert bytes(found) == b"".join(frame.encode() for frame in wanted)
