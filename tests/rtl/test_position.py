# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import pytest

from golden.presets import TILES
from rtl.position import Position
from tests.rtl.simulation import run
from tests.support import assert_bits

TINY = TILES["tiny"]
SHAPES = [(5, 6, 4), (3, 7, 3), (7, 2, 1), (2, 5, 5), (8, 8, 4), (9, 4, 2)]


def places(rows: int, cols: int, lanes: int, split: bool) -> list[tuple[int, int, int]]:
    """(n, chunk, lane) of every word of the longest payload."""
    if not split:
        return [(n, n // lanes, n % lanes) for n in range(max(rows, cols))]
    row_chunks = -(-rows // lanes)
    return ([(n, n // lanes, n % lanes) for n in range(rows)]
            + [(rows + n, row_chunks + n // lanes, n % lanes) for n in range(cols)])


@pytest.mark.parametrize("split", [0, 1])
@pytest.mark.parametrize(("rows", "cols", "lanes"), SHAPES)
def test_every_word_has_its_chunk_and_lane(rows, cols, lanes, split):
    """Twice over, with pauses, a restart in between, and a step in the cycle of the restart."""
    position = Position(replace(TINY, rows=rows, cols=cols, lanes=lanes))
    rng = np.random.default_rng(rows)
    wanted, found = places(rows, cols, lanes, split) * 2, []

    async def bench(ctx):
        ctx.set(position.split, split)
        for n in range(len(wanted)):
            if n % (len(wanted) // 2) == 0:
                ctx.set(position.restart, 1)
                ctx.set(position.step, n > 0)
                await ctx.tick()
                ctx.set(position.restart, 0)
            ctx.set(position.step, 0)
            await ctx.tick().repeat(int(rng.integers(1, 3)))
            found.append([int(ctx.get(port)) for port in (position.n, position.chunk, position.lane)])
            ctx.set(position.step, 1)
            await ctx.tick()

    run(position, bench)
    assert_bits("(n, chunk, lane)", wanted, found)


def test_count_stops_above_the_longest_payload():
    """An over-long packet of any length must not come out with a good count again."""
    config = TINY
    position = Position(config)

    async def bench(ctx):
        ctx.set(position.step, 1)
        seen = []
        for _ in range(3 * position.most):
            seen.append(int(ctx.get(position.n)))
            await ctx.tick()
        assert_bits("n", np.minimum(np.arange(3 * position.most), position.most), seen, 0)

    run(position, bench)
    assert position.most > config.rows + config.cols
