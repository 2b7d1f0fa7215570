# SPDX-License-Identifier: Apache-2.0
import random

import pytest

from golden import cobs
from rtl.cobs import CobsDecoder, CobsEncoder
from tests.golden.test_cobs import EDGES, FULL
from tests.rtl.simulation import run


def messages() -> list[bytes]:
    """Edges, runs about a full block, and random bytes with few or many zeros; none is empty."""
    rng = random.Random(1)
    found = [data for data in EDGES if 0 < len(data) < 600] + [FULL[:1] * n for n in (253, 255, 509)]
    for share in (0.0, 0.01, 0.5):
        found += [bytes(0 if rng.random() < share else rng.randrange(1, 256) for _ in range(n)) for n in (3, 40, 300)]
    return found


@pytest.mark.parametrize(("idle", "stall"), [(0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.4, 0.6)])
def test_encoder(idle, stall):
    rng, encoder = random.Random(2), CobsEncoder()
    wanted, found, cycles = messages()[::1 if not idle and not stall else 4], [], 0

    async def send(ctx):
        for message in wanted:
            for n, byte in enumerate(message):
                while rng.random() < idle:
                    await ctx.tick()
                ctx.set(encoder.i.payload.data, byte)
                ctx.set(encoder.i.payload.last, n == len(message) - 1)
                ctx.set(encoder.i.valid, 1)
                *_, ready = await ctx.tick().sample(encoder.i.ready)
                while not ready:
                    *_, ready = await ctx.tick().sample(encoder.i.ready)
                ctx.set(encoder.i.valid, 0)

    async def receive(ctx):
        nonlocal cycles
        part, held = bytearray(), None
        while len(found) < len(wanted):
            ready = rng.random() >= stall
            ctx.set(encoder.o.ready, ready)
            *_, valid, payload = await ctx.tick().sample(encoder.o.valid, encoder.o.payload.as_value())
            cycles += 1
            assert held is None or (valid and payload == held), f"a byte must hold until it is taken, cycle {cycles}"
            held = payload if valid and not ready else None
            if valid and ready:
                part.append(payload & 0xFF)
                if payload >> 8:
                    found.append(bytes(part))
                    part.clear()

    run(encoder, send, receive)
    assert found == [cobs.encode(message) for message in wanted]
    if not idle and not stall:
        blocks = sum(message.count(0) + 1 + len(message) // cobs.MOST for message in wanted)
        assert cycles <= 4 * sum(map(len, wanted)) + 3 * blocks, "a block is taken, a byte a cycle, and given, in three"


def decoded(bytes_and_breaks, rng: random.Random, idle: float) -> list[bytes | None]:
    """Frames that the decoder finds: None for a broken one. A break is -1."""
    decoder, found = CobsDecoder(), []

    async def bench(ctx):
        part = bytearray()
        for byte in bytes_and_breaks:
            while rng.random() < idle:
                await ctx.tick()
                assert (ctx.get(decoder.valid), ctx.get(decoder.end)) == (0, 0)
            ctx.set(decoder.i.valid, byte >= 0)
            ctx.set(decoder.break_off, byte < 0)
            ctx.set(decoder.i.payload, max(byte, 0))
            await ctx.tick()
            ctx.set(decoder.i.valid, 0)
            ctx.set(decoder.break_off, 0)
            if ctx.get(decoder.valid):
                part.append(ctx.get(decoder.data))
            if ctx.get(decoder.end):
                found.append(None if ctx.get(decoder.is_broken) else bytes(part))
                part.clear()

    run(decoder, bench)
    return found


@pytest.mark.parametrize("idle", [0.0, 0.5])
def test_decoder(idle):
    wanted = messages()[::4 if idle else 1]
    stream = [byte for message in wanted for byte in (*cobs.encode(message), 0)]
    assert decoded(stream, random.Random(3), idle) == wanted


def test_decoder_on_what_is_no_encoding():
    rng = random.Random(4)
    stream = [rng.choice([0, 1, 2, 3, 4, 5, 255]) for _ in range(3000)] + [0]
    parts = bytes(stream).split(b"\0")[:-1]
    assert decoded(stream, rng, 0.0) == [cobs.decode(part) for part in parts if part]


def test_a_break_ends_a_frame_as_broken():
    assert decoded([-1, 3, 7, 7, -1, 2, 9, 0, 1, -1, 0, 1, 0], random.Random(5), 0.0) == [None, b"\x09", None, b""]
