# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import pytest

from golden import crossbar
from golden.config import TileConfig
from golden.presets import TILES
from rtl.multiplier import Multiplier
from tests.rtl.simulation import put, run, take
from tests.support import CONFIGS, assert_bits, random_config

FETCH_LATENCY = 3
SHAPES = {**CONFIGS, "one lane": replace(CONFIGS["tiny"], rows=3, cols=4, lanes=1),
          "tall": replace(TILES["tiny"], rows=11, cols=2, lanes=2),
          **{f"random-{n}": random_config(n) for n in range(8)}}


def visits(config: TileConfig, codes: np.ndarray, forward: bool, rng) -> list[dict]:
    """The scan of one operation: the active rows of each chunk, or the active chunks of each row."""
    chunk_active = [codes[n * config.lanes:][:config.lanes].any() for n in range(config.chunks)]
    rows = (np.nonzero(codes)[0] if forward and codes.any() else np.arange(1 if forward else config.rows)).tolist()
    chunks = list(range(config.chunks)) if forward or not any(chunk_active) else np.nonzero(chunk_active)[0].tolist()
    pairs = [(r, c) for c in chunks for r in rows] if forward else [(r, c) for r in rows for c in chunks]
    inner = rows if forward else chunks
    found = []
    for row, chunk in pairs:
        at, columns = (row, chunk)[not forward], range(chunk * config.lanes, (chunk + 1) * config.lanes)
        found.append({"row": row, "chunk": chunk, "last": at == inner[-1],
                      "factors": [int(codes[row]) if forward else int(codes[c]) if c < config.cols else 0
                                  for c in columns]})
    return found


def vectors(config: TileConfig, n: int, seed: int) -> list[np.ndarray]:
    """Codes at both rails, none, one line alone, and any."""
    rng = np.random.default_rng(seed)
    one = np.zeros(n, dtype=np.int64)
    one[-1] = config.code.min
    sparse = rng.integers(config.code.min, config.code.max, n, endpoint=True) * (rng.random(n) < 0.4)
    return [np.full(n, config.code.max), np.full(n, config.code.min), np.zeros(n, dtype=np.int64), one, sparse,
            rng.integers(config.code.min, config.code.max, n, endpoint=True)]


@pytest.mark.parametrize("pause", [0.0, 0.3])
@pytest.mark.parametrize("name", SHAPES)
def test_charges_are_exact(name, pause):
    """Both directions by turns, at the ends of every format; words of lanes beyond the last column are any, and
    so is `last` where there is no visit.
    """
    config = SHAPES[name]
    rng = np.random.default_rng(5)
    multiplier = Multiplier(config, FETCH_LATENCY)
    weights = np.full((config.rows, config.chunks * config.lanes), config.weight.min)
    weights[:, ::2] = rng.integers(config.weight.min, config.weight.max, weights[:, ::2].shape, endpoint=True)
    used = weights[:, :config.cols]
    garbage = rng.integers(config.weight.min, config.weight.max, config.lanes)

    async def operate(ctx, number: int, codes: np.ndarray, forward: bool):
        n_out = config.cols if forward else config.rows
        ctx.set(multiplier.forward, forward)
        ctx.set(multiplier.start, 1)
        await ctx.tick()
        ctx.set(multiplier.start, 0)
        waiting, in_flight, pushed, ends = visits(config, codes, forward, rng), [None] * FETCH_LATENCY, {}, []
        for cycle in range(10_000):
            visit = waiting.pop(0) if waiting and rng.random() >= pause else None
            ctx.set(multiplier.visit, visit is not None)
            ctx.set(multiplier.last, visit["last"] if visit else int(rng.integers(2)))
            ctx.set(multiplier.chunk, visit["chunk"] if visit else int(rng.integers(config.chunks)))
            fetched = in_flight.pop(0)
            put(ctx, multiplier.factors, fetched["factors"] if fetched else [config.code.max] * config.lanes)
            put(ctx, multiplier.weights,
                weights[fetched["row"], fetched["chunk"] * config.lanes:][:config.lanes] if fetched else garbage)
            in_flight.append(visit)
            if visit and visit["last"]:
                ends.append(cycle)
            if ctx.get(multiplier.push):
                chunk = int(ctx.get(multiplier.push_chunk))
                assert chunk not in pushed, f"converter chunk {chunk} must be pushed once"
                pushed[chunk] = take(ctx, multiplier.charges)
                assert any(0 < cycle - end <= multiplier.latency for end in ends), "a push comes within the latency"
            await ctx.tick()
            if not waiting and ends and cycle >= ends[-1] + multiplier.latency:
                break
        chunks = list(range(-(-n_out // config.lanes)))
        assert sorted(pushed) == chunks, f"operation {number} must push chunks {chunks}, not {sorted(pushed)}"
        found = [pushed[n // config.lanes][n % config.lanes] for n in range(n_out)]
        wanted = crossbar.charges(codes[None], used if forward else used.T, config)[0]
        assert_bits(f"Multiplier.charges, operation {number}", wanted, found)

    async def bench(ctx):
        pairs = zip(vectors(config, config.rows, 3), vectors(config, config.cols, 4), strict=True)
        for number, (x, d) in enumerate(pairs):
            await operate(ctx, 2 * number, x, True)
            await operate(ctx, 2 * number + 1, d, False)

    run(multiplier, bench)
