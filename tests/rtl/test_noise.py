# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from golden.noise import DRAWS_PER_CALL, Stream, gaussian, gaussian_of_draw, uniform
from rtl.noise import XI, Gaussian, GaussianLanes, UniformLanes
from tests.rtl.simulation import asked, check_pipeline

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
