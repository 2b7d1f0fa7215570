# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import pytest

from rtl.charge_queue import ChargeQueue
from tests.rtl.simulation import put, run, take
from tests.support import FOLDED, assert_bits


@pytest.mark.parametrize("lanes", [2, 4, 8])
def test_parts_of_every_chunk_in_order(lanes):
    """Pushes as near to each other as they may be, and farther apart."""
    config = replace(FOLDED["folded wide"], lanes=16, cols=40)
    queue, rng = ChargeQueue(config, lanes), np.random.default_rng(1)
    charges = rng.integers(config.charge.min, config.charge.max, (6, config.lanes), endpoint=True)
    chunks = rng.integers(0, config.converter_chunks, 6)
    found = []

    async def check(ctx):
        for n, (values, chunk) in enumerate(zip(charges, chunks, strict=True)):
            for cycle in range(queue.parts + n % 3):
                ctx.set(queue.push, cycle == 0)
                put(ctx, queue.charges, values if cycle == 0 else np.zeros(config.lanes))
                ctx.set(queue.push_chunk, int(chunk) if cycle == 0 else 0)
                if ctx.get(queue.give):
                    found.append((int(ctx.get(queue.beat)), *take(ctx, queue.given)))
                await ctx.tick()
        ctx.set(queue.push, 0)
        while ctx.get(queue.give):
            found.append((int(ctx.get(queue.beat)), *take(ctx, queue.given)))
            await ctx.tick()

    run(queue, check)
    wanted = [(int(chunk) * queue.parts + part, *values[part * lanes:(part + 1) * lanes].tolist())
              for values, chunk in zip(charges, chunks, strict=True) for part in range(queue.parts)]
    assert_bits("beats", wanted, found)
