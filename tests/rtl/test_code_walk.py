# SPDX-License-Identifier: Apache-2.0
"""The walk over the cross-points that codes reach: which, in which order, with which factors."""
from dataclasses import replace

import numpy as np
import pytest

from rtl.code_walk import CodeWalk
from tests.rtl.simulation import run
from tests.support import FOLDED, assert_bits, random_codes

CASES = {"wide": FOLDED["folded wide"], "tall": replace(FOLDED["folded wide"], rows=21, cols=7, lanes=3),
         "a chunk": replace(FOLDED["folded wide"], rows=3, cols=4, lanes=4),
         "a lane": replace(FOLDED["folded wide"], rows=3, cols=4, lanes=1), "rolled": FOLDED["rolled"]}

FACTOR_LATENCY = 2


def visits(config, codes, is_forward: bool, bit: int | None) -> list[tuple]:
    """(place, chunk, last, factors) of every visit."""
    given = codes if bit is None else np.sign(codes) * (np.abs(codes) >> bit & 1)
    K, P = config.chunks, config.lanes
    on = np.flatnonzero(codes)
    if is_forward:
        active = [int(row) for row in on]
        return [(row * K + chunk, chunk, n == len(active) - 1, [int(given[row])] * P)
                for chunk in range(K) for n, row in enumerate(active)]
    active = sorted({int(column) // P for column in on})
    padded = np.pad(given, (0, K * P - len(codes)))
    return [(row * K + chunk, chunk, n == len(active) - 1, padded[chunk * P:(chunk + 1) * P].tolist())
            for row in range(config.rows) for n, chunk in enumerate(active)]


class Bench:
    def __init__(self, config):
        self.config, self.walk = config, CodeWalk(config, factor_latency=FACTOR_LATENCY)

    async def load(self, ctx, codes, gap: int = 0) -> None:
        for line, code in enumerate(codes):
            for name, value in (("write", 1), ("line", line), ("code", int(code))):
                ctx.set(getattr(self.walk, name), value)
            await ctx.tick()
            ctx.set(self.walk.write, 0)
            for _ in range(gap):
                await ctx.tick()

    async def visits(self, ctx, is_forward: bool, bit: int | None) -> list[tuple]:
        """What comes out, a visit a cycle from `latency` cycles behind `running` on."""
        walk, found, behind, n_factors = self.walk, [], 0, 0
        late = [False] * FACTOR_LATENCY
        for name, value in (("forward", is_forward), ("serial", bit is not None), ("bit", bit or 0)):
            ctx.set(getattr(walk, name), value)
        await ctx.tick().repeat(walk.settling)
        ctx.set(walk.start, 1)
        await ctx.tick()
        ctx.set(walk.start, 0)
        while behind <= walk.latency + FACTOR_LATENCY:
            is_visit = bool(ctx.get(walk.visit))
            rests = walk.config.rolled and found and found[-1][2]  # behind a run
            assert is_visit or rests or not found or not ctx.get(walk.running), "visits come one a cycle"
            if is_visit:
                found.append([int(ctx.get(port)) for port in (walk.place, walk.chunk, walk.last)])
            late.append(is_visit)
            if late.pop(0):
                found[n_factors].append([int(ctx.get(factor)) for factor in walk.factors])
                n_factors += 1
            behind += not ctx.get(walk.running)
            await ctx.tick()
        return found


@pytest.mark.parametrize("name", CASES)
def test_every_cross_point_that_counts(name):
    """Random codes, with gaps between them, both ways, whole and bit by bit; a vector leaves nothing behind."""
    config = CASES[name]
    bench, rng, P = Bench(config), np.random.default_rng(1), config.lanes

    async def check(ctx):
        for n in range(12):
            is_forward, density = bool(n % 2), (1.0, 0.3, 0.1)[n % 3]
            lines = config.rows if is_forward else config.cols
            codes = random_codes(config, n + 4, lines, n)[-1] * (rng.random(lines) < density)
            codes[rng.integers(lines)] = config.code.max
            await bench.load(ctx, codes, n % 2)
            for bit in (None, 0, config.code_bits - 2):
                wanted = visits(config, codes, is_forward, bit)
                found = await bench.visits(ctx, is_forward, bit)
                assert_bits("visits", [each[:3] for each in wanted], [each[:3] for each in found])
                # lanes beyond the columns have weights of zero, whatever their factors
                factors = [[factor for _, chunk, *_, factors in each for factor in factors[:config.cols - chunk * P]]
                           for each in (wanted, found)]
                assert_bits(f"factors, bit {bit}", *factors)

    run(bench.walk, check)


@pytest.mark.parametrize("is_forward", [True, False])
def test_no_code_makes_zeros(is_forward):
    """One visit of factor 0 a run, behind a vector that was full."""
    config = CASES["wide"]
    bench = Bench(config)

    async def check(ctx):
        lines = config.rows if is_forward else config.cols
        await bench.load(ctx, np.full(lines, config.code.max))
        await bench.load(ctx, np.zeros(lines, dtype=int))
        found = await bench.visits(ctx, is_forward, None)
        assert_bits("ends", [1] * (config.chunks if is_forward else config.rows), [each[2] for each in found])
        assert_bits("factors", np.zeros((len(found), config.lanes)), [each[3] for each in found])

    run(bench.walk, check)
