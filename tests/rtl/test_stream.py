# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from rtl.stream import StreamRegister
from tests.rtl.simulation import run
from tests.support import assert_bits


@pytest.mark.parametrize("stall", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("idle", [0.0, 0.3, 0.9])
def test_words_pass_in_order_and_hold_until_taken(idle, stall):
    register = StreamRegister()
    rng, coin = np.random.default_rng(1), np.random.default_rng(2)
    words = [{"data": int(rng.integers(0, 1 << 32)), "first": int(rng.integers(2)), "last": int(rng.integers(2))}
             for _ in range(80)]
    found, cycles = [], 0

    async def send(ctx):
        for word in words:
            while coin.random() < idle:
                await ctx.tick()
            ctx.set(register.i.payload, word)
            ctx.set(register.i.valid, 1)
            *_, ready = await ctx.tick().sample(register.i.ready)
            while not ready:
                *_, ready = await ctx.tick().sample(register.i.ready)
            ctx.set(register.i.valid, 0)

    async def receive(ctx):
        nonlocal cycles
        held = None
        while len(found) < len(words):
            ready = rng.random() >= stall
            ctx.set(register.o.ready, ready)
            *_, valid, payload = await ctx.tick().sample(register.o.valid, register.o.payload.as_value())
            cycles += 1
            assert held is None or (valid and payload == held), f"a word must hold until it is taken, cycle {cycles}"
            held = payload if valid and not ready else None
            if valid and ready:
                found.append(payload)

    run(register, send, receive)
    assert_bits("word", [word["data"] | word["first"] << 32 | word["last"] << 33 for word in words], found)
    if not idle and not stall:
        assert cycles == len(words) + 1, f"one word a cycle, one cycle late, not {cycles} cycles for {len(words)}"
