# SPDX-License-Identifier: Apache-2.0
import math

import numpy as np
import pytest

from golden.gain import gain
from rtl.gain import GainUnit, Operation
from tests.rtl.simulation import run
from tests.support import assert_bits


def sizes(rng, n: int, bits: int, lowest: int = 1) -> list[int]:
    """Integers of up to `bits` bits, each width as often; the ends first."""
    drawn = [int(rng.integers(1 << width >> 1, 1 << width, dtype=np.uint64)) for width in rng.integers(0, bits + 1, n)]
    return [max(lowest, value) for value in (lowest, (1 << bits) - 1, *drawn)]


def ask(jobs: list[dict]) -> list[dict[str, int]]:
    """Results of one operation after another, and the cycles of each."""
    unit, found = GainUnit(), []

    async def bench(ctx):
        for job in jobs:
            for name, value in job.items():
                ctx.set(getattr(unit, name), value)
            ctx.set(unit.start, 1)
            await ctx.tick()
            ctx.set(unit.start, 0)
            cycles = 1
            while not ctx.get(unit.ready):
                await ctx.tick()
                cycles += 1
            found.append({"cycles": cycles} | {name: int(ctx.get(getattr(unit, name))) for name in
                                               ("product", "quotient", "root", "mantissa", "shift")})

    run(unit, bench)
    return found


def gain_job(numerator: int, denominator: int) -> dict:
    return {"operation": Operation.GAIN, "high": numerator >> 1, "low": (numerator & 1) << 47, "operand": denominator}


@pytest.mark.parametrize("seed", range(2))
def test_gain(seed):
    rng = np.random.default_rng(seed)
    pairs = [(n, d) for n in (1, 2, 63, 65536, 2 ** 30, 2 ** 31 - 1) for d in (1, 3, 2 ** 23, 2 ** 24, 2 ** 31 - 1)]
    pairs += list(zip(sizes(rng, 300, 31), sizes(rng, 300, 31), strict=True))
    # ties: numerator / denominator with a remainder of exactly one half
    pairs += [(2 ** 19 + odd, 2 ** 30) for odd in range(1, 16, 2)] + [(2 * (2 ** 18 + n) + 1, 2) for n in range(4)]
    found = ask([gain_job(*pair) for pair in pairs])
    expected = [[int(part) for part in gain(*pair)] for pair in pairs]
    assert_bits("GainUnit gain", expected, [[job["mantissa"], job["shift"]] for job in found])
    cycles = [job["cycles"] for job in found]
    assert (min(cycles), max(cycles)) == (44, GainUnit.gain_latency)


def test_gain_of_nothing():
    assert [job["mantissa"] for job in ask([gain_job(0, d) for d in (1, 3, 2 ** 31 - 1)])] == [0, 0, 0]


def test_multiply():
    rng = np.random.default_rng(1)
    pairs = list(zip(sizes(rng, 100, 56, 0), sizes(rng, 100, 24, 0), strict=True))
    found = ask([{"operation": Operation.MULTIPLY, "high": 0, "operand": a, "low": b} for a, b in pairs])
    assert [job["product"] for job in found] == [a * b for a, b in pairs]
    assert {job["cycles"] for job in found} == {GainUnit.multiply_latency}


@pytest.mark.parametrize("steps", [32, 48])
def test_divide(steps):
    rng = np.random.default_rng(steps)
    jobs, expected = [], []
    for divisor, rest in zip(sizes(rng, 100, 6), sizes(rng, 100, steps, 0), strict=True):
        high = int(rng.integers(0, divisor))
        jobs.append({"operation": Operation.DIVIDE, "high": high, "low": rest << (48 - steps), "operand": divisor,
                     "steps": steps})
        expected.append(((high << steps) + rest) // divisor)
    found = ask(jobs)
    assert_bits("GainUnit quotient", expected, [job["quotient"] for job in found])
    assert {job["cycles"] for job in found} == {2 * steps + 1}


@pytest.mark.parametrize("steps", [16, 24])
def test_root(steps):
    rng = np.random.default_rng(steps)
    radicands = sizes(rng, 100, 2 * steps, 0) + [n * n + d for n in (1, 2, 255, 2 ** steps - 1) for d in (-1, 0, 1)]
    found = ask([{"operation": Operation.ROOT, "high": 0, "low": radicand << (48 - 2 * steps), "operand": 0,
                  "steps": steps} for radicand in radicands])
    assert_bits("GainUnit root", [math.isqrt(radicand) for radicand in radicands], [job["root"] for job in found])
    assert {job["cycles"] for job in found} == {2 * steps + 1}


def test_a_start_overrides_what_runs():
    unit, found = GainUnit(), []

    async def bench(ctx):
        for wait in range(1, 40):
            for job, cycles in ((gain_job(77, 3), wait), (gain_job(5, 7), GainUnit.gain_latency)):
                for name, value in job.items():
                    ctx.set(getattr(unit, name), value)
                ctx.set(unit.start, 1)
                await ctx.tick()
                ctx.set(unit.start, 0)
                for _ in range(cycles - 1):
                    await ctx.tick()
            found.append((int(ctx.get(unit.mantissa)), int(ctx.get(unit.shift))))

    run(unit, bench)
    assert found == [tuple(int(part) for part in gain(5, 7))] * 39
