# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from golden.noise import DRAWS_PER_CALL, Stream, gaussian, gaussian_of_draw, uniform
from rtl.noise import XI, Gaussian, GaussianLanes, UniformLanes
from tests.rtl.simulation import asked, check_pipeline, run, take
from tests.support import assert_bits

LANES = [(4, 3), (8, 2), (16, 1), (1, 1024), (2, 5), (3, 4), (5, 3), (6, 4), (7, 1), (10, 2)]
"""Lanes and chunks: aligned to the four draws of a call, and not."""


def addresses(chunks: int, seed: int, n: int = 40) -> dict:
    """Random addresses, with the ends of each coordinate first."""
    rng = np.random.default_rng(seed)
    inputs = {"stream": rng.choice(list(Stream), n), "row": rng.integers(0, 1 << 16, n),
              "chunk": rng.integers(0, chunks, n), "slot": rng.integers(0, 256, n)}
    inputs["row"][:4], inputs["slot"][:4], inputs["chunk"][:4] = (0, 1, 2, 65535), (0, 1, 255, 255), chunks - 1
    return inputs | {"seed": int(rng.integers(0, 1 << 32)), "event": [0, 0xFFFFFFFF, 1 << 31][seed % 3]}


def draws(lanes: int, rounds: int, given: dict) -> np.ndarray:
    columns = np.asarray(given["chunk"])[:, None] * lanes + np.arange(lanes)
    stream, row, slot = (np.asarray(given[name])[:, None] for name in ("stream", "row", "slot"))
    # one stream at a time, because golden takes one
    result = np.zeros_like(columns)
    for each in Stream:
        at = stream[:, 0] == each
        result[at] = uniform(given["seed"], each, given["event"], row[at], columns[at], slot[at], rounds)
    return result


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(("lanes", "chunks"), LANES)
def test_uniform_lanes(lanes, chunks, seed):
    rounds, given = 13 + 7 * seed, addresses(chunks, seed)
    component = UniformLanes(lanes, chunks, rounds)
    check_pipeline(component, component.latency, given, {"draws": draws(lanes, rounds, given)}, settling=1)


@pytest.mark.parametrize("shares", [False, True])
@pytest.mark.parametrize(("lanes", "chunks"), [(1, 11), (2, 5), (4, 3), (3, 3), (8, 2)])
def test_rolled_uniform_lanes(lanes, chunks, shares):
    """Chunks in order, of two slots and then of another stream, asked with pauses; a restart in the midst of a call."""
    rng, rounds = np.random.default_rng(lanes), 13
    component, found, wanted, cycles = UniformLanes(lanes, chunks, rounds, rolled=True, shares=shares), [], [], []
    given = addresses(chunks, 5)
    orders = [(Stream.ROW_TRAIN, 0), (Stream.ROW_TRAIN, 1), (Stream.COLUMN_TRAIN, 1)]

    async def ask(ctx, stream, slot, chunk, is_taken: bool):
        address = {"seed": int(given["seed"]), "event": int(given["event"]), "stream": int(stream), "row": 7,
                   "chunk": chunk, "slot": slot}
        for name, value in address.items():
            ctx.set(getattr(component, name), value)
        while rng.random() < 0.3:
            await ctx.tick()
        ctx.set(component.asks, 1)
        for cycle in range(component.period + 1):
            if ctx.get(component.takes) or (not is_taken and cycle == 20):
                break
            await ctx.tick()
        if is_taken:
            assert ctx.get(component.takes)
            cycles.append(cycle)
            found.append(take(ctx, component.draws))
            columns = chunk * lanes + np.arange(lanes)
            wanted.append(uniform(given["seed"], stream, given["event"], np.full(lanes, 7), columns,
                                  np.full(lanes, slot), rounds))
        await ctx.tick()
        ctx.set(component.asks, 0)

    async def restart(ctx):
        ctx.set(component.restart, 1)
        await ctx.tick()
        ctx.set(component.restart, 0)

    async def bench(ctx):
        for stream, slot in orders:
            await restart(ctx)
            await ask(ctx, stream, slot, chunks - 1, is_taken=False)
            await restart(ctx)
            await ctx.tick().repeat(component.period)
            for again in (0, 8):
                for chunk in range(chunks):
                    await ask(ctx, stream, slot + again, chunk, is_taken=True)

    run(component, bench)
    assert_bits("draws", wanted, found)
    n_calls = sum(cycle > 5 for cycle in cycles)
    shared = 4 // lanes if shares and lanes in (1, 2, 4) else 1
    assert n_calls == len(orders) * 2 * -(-chunks // shared)
    assert max(cycles) + 1 <= component.period


@pytest.mark.parametrize(("lanes", "chunks", "calls"), [(4, 3, 1), (16, 2, 4), (1, 8, 1), (2, 4, 1), (5, 1, 2),
                                                        (5, 2, 2), (5, 4, 2), (6, 2, 2), (3, 4, 2), (7, 2, 3)])
def test_neighbors_share_a_call(lanes, chunks, calls):
    assert asked(lambda: UniformLanes(lanes, chunks, 13), lambda made: len(made.calls)) == calls


def edge_draws(seed: int) -> np.ndarray:
    """Both ends of every segment of the table and their neighbors, in both signs, and a random tenth."""
    xi = gaussian_of_draw()[:1 << 15]
    powers = np.array([(8 + s) << o >> 4 for o in range(16) for s in range(9)])
    edges = (powers[:, None] + np.arange(-2, 3)).ravel()
    edges = np.unique(edges[(edges >= 0) & (edges < 1 << 15)])
    rng = np.random.default_rng(seed)
    magnitudes = np.concatenate([edges, [0, 1, 2, len(xi) - 1], rng.integers(0, 1 << 15, 600)])
    both = np.concatenate([magnitudes, magnitudes | 1 << 15])
    return both[rng.permutation(len(both))]


@pytest.mark.parametrize("seed", [0])
def test_gaussian_at_every_edge_of_its_table(seed):
    given = edge_draws(seed)
    check_pipeline(Gaussian(), Gaussian.latency, {"draw": given}, {"xi": gaussian(given)})


@pytest.mark.regress
def test_gaussian_of_every_draw():
    given = np.arange(1 << 16)
    check_pipeline(Gaussian(), Gaussian.latency, {"draw": given}, {"xi": gaussian(given)})


def test_every_gaussian_has_a_code():
    assert XI.holds(gaussian_of_draw())


@pytest.mark.parametrize("seed", [2])
@pytest.mark.parametrize(("lanes", "chunks"), [(DRAWS_PER_CALL, 3), (1, 6), (5, 3)])
def test_gaussian_lanes(lanes, chunks, seed):
    given = addresses(chunks, seed)
    component = GaussianLanes(lanes, chunks, 13)
    assert component.latency == component.uniform.latency + Gaussian.latency
    check_pipeline(component, component.latency, given, {"xi": gaussian(draws(lanes, 13, given))}, settling=1)
