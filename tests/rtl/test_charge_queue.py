# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import pytest

from rtl.charge_queue import ChargeQueue
from tests.rtl.simulation import put, run, take
from tests.support import FOLDED, assert_bits


@pytest.mark.parametrize(("lanes", "period"), [(2, 1), (4, 1), (8, 1), (4, 3), (16, 5)])
def test_parts_of_every_chunk_in_order(lanes, period):
    """Pushes as near to each other as they may be, and farther apart; each part stands for its period."""
    config = replace(FOLDED["folded wide"], lanes=16, cols=40)
    queue, rng = ChargeQueue(config, lanes, period), np.random.default_rng(1)
    charges = rng.integers(config.charge.min, config.charge.max, (6, config.lanes), endpoint=True)
    chunks = rng.integers(0, config.converter_chunks, 6)
    found, held = [], []

    def look(ctx):
        if ctx.get(queue.give):
            found.append((int(ctx.get(queue.beat)), *take(ctx, queue.given)))
            held.append(max(period - 1, 1))
        if held and held[-1]:
            held[-1] -= 1
            assert_bits("standing beat", found[-1], (int(ctx.get(queue.beat)), *take(ctx, queue.given)))

    async def check(ctx):
        for n, (values, chunk) in enumerate(zip(charges, chunks, strict=True)):
            for cycle in range(queue.parts * period + n % 3):
                ctx.set(queue.push, cycle == 0)
                put(ctx, queue.charges, values if cycle == 0 or period > 1 else np.zeros(config.lanes))
                ctx.set(queue.push_chunk, int(chunk) if cycle == 0 else 0)
                look(ctx)
                await ctx.tick()
        ctx.set(queue.push, 0)
        for _ in range(queue.parts * period + 1):
            look(ctx)
            await ctx.tick()

    run(queue, check)
    wanted = [(int(chunk) * queue.parts + part, *values[part * lanes:(part + 1) * lanes].tolist())
              for values, chunk in zip(charges, chunks, strict=True) for part in range(queue.parts)]
    assert_bits("beats", wanted, found)
