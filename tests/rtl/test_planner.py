# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from amaranth.hdl import Module

from golden.config import MAX_BL
from golden.management import UpdateManagement, plan
from rtl.gain import GainUnit
from rtl.planner import Planner
from tests.rtl.simulation import run
from tests.support import assert_bits


def planned(jobs, early: int) -> tuple[list, list[int]]:
    """Slots, row and column of plans, `early` cycles after the first product was asked for; and their cycles."""
    m = Module()
    m.submodules.planner, m.submodules.unit = planner, unit = Planner(), GainUnit()
    m.d.comb += [unit.start.eq(planner.unit_start)]
    m.d.comb += [getattr(unit, name).eq(getattr(planner, name)) for name in
                 ("operation", "steps", "high", "low", "operand")]
    m.d.comb += [getattr(planner, name).eq(getattr(unit, name)) for name in ("ready", "product", "quotient", "root")]
    found, cycles = [], []

    async def bench(ctx):
        for job in jobs:
            for name, value in zip(("x_max", "d_max", "ratio", "um", "bl"), job, strict=True):
                ctx.set(getattr(planner, name), value)
            ctx.set(planner.early, 1)
            await ctx.tick()
            ctx.set(planner.early, 0)
            for _ in range(early):
                await ctx.tick()
            ctx.set(planner.start, 1)
            cycles.append(0)
            while not ctx.get(planner.done):
                await ctx.tick()
                ctx.set(planner.start, 0)
                cycles[-1] += 1
            found.append([int(ctx.get(getattr(planner, name))) for name in ("slots", "row", "col")])
            await ctx.tick()

    run(m, bench)
    return found, cycles


def draw(rng, n: int):
    """Sizes of every order, most of k about the limit."""
    for _ in range(n):
        x_max, d_max = (int(2.0 ** rng.uniform(0, 23)) for _ in range(2))
        bl = int(rng.integers(1, MAX_BL + 1))
        about = bl * 2.0 ** 48 / (x_max * d_max) * 2.0 ** rng.choice([rng.uniform(-20, 20), rng.uniform(-1, 1)])
        yield x_max, d_max, min(max(1, int(about)), 2 ** 32 - 1), UpdateManagement(int(rng.integers(3))), bl


EDGES = [(x, d, ratio, um, bl) for um in UpdateManagement for x, d, ratio, bl in (
    (0, 5, 5, 31), (5, 0, 5, 31), (5, 5, 0, 31), (1, 1, 1, 1), (2 ** 23, 2 ** 23, 2 ** 32 - 1, 1),
    (2 ** 23, 2 ** 23, 2 ** 32 - 1, 63), (65536, 65536, 31 << 16, 31), (65536, 65536, (31 << 16) + 1, 31),
    (65536, 65536, (31 << 16) - 1, 31), (65536, 65536, 7 << 16, 31), (65536, 65536, (7 << 16) + 1, 31),
    (1 << 16, 1 << 16, 63 << 16, 63), (2 ** 23, 2 ** 23, 1 << 18, 16), (2 ** 23, 2 ** 23, 1 << 31, 31),
    (2 ** 22, 2 ** 22, 1 << 31, 16), (2 ** 22, 2 ** 22, (1 << 31) + 1, 16), (2 ** 23, 1, 1, 5), (3, 3, 2 ** 30, 7),
    (2 ** 20, 2 ** 20, 2 ** 22, 1), (2 ** 20, 2 ** 20, 2 ** 22 + 1, 1), (2 ** 20, 2 ** 20, 2 ** 23, 1),
    (2 ** 21, 2 ** 20, 2 ** 24, 7), (2 ** 20, 2 ** 20, 2 ** 24 - 1, 1), (2 ** 20, 2 ** 20, 2 ** 24, 1))]


@pytest.mark.parametrize("early", [0, 3, 60])
def test_plan(early):
    jobs = EDGES + list(draw(np.random.default_rng(early), 70))
    found, cycles = planned(jobs, early)
    expected = [plan(x, d, ratio, um, bl) for x, d, ratio, um, bl in jobs]
    found = [each if each[0] else [0, 0, 0] for each in found]
    assert_bits("Planner", expected, found)
    # start comes early + 1 cycles behind the first product's, and the second product's one more
    late = max(0, GainUnit.multiply_latency - (early + 2))
    assert max(cycles) == Planner.latency + late
