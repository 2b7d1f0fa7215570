# SPDX-License-Identifier: Apache-2.0
from itertools import product

import numpy as np
import pytest
from amaranth.hdl import Signal

from rtl.scan import Scanner, first_set
from tests.rtl.simulation import evaluate, run
from tests.support import assert_bits

OUTPUTS = ("row", "chunk", "inner_first", "inner_last", "last")


@pytest.mark.parametrize("width", range(1, 10))
def test_first_set_bit_of_every_mask(width):
    bits = Signal(width)
    masks = np.arange(1 << width)
    found = evaluate([bits], list(first_set(bits)), masks[:, None])
    assert_bits("any", masks != 0, found[:, 0])
    lowest = [(int(mask) & -int(mask)).bit_length() - 1 for mask in masks[1:]]
    assert_bits("index", lowest, found[1:, 1])


def visits(rows: int, chunks: int, rows_inner: bool) -> list[tuple[int, ...]]:
    """What a scan must visit, in its order."""
    r, c = ([n for n in range(16) if mask >> n & 1] for mask in (rows, chunks))
    outer, inner = (c, r) if rows_inner else (r, c)
    pairs = [(b, a) if rows_inner else (a, b) for a, b in product(outer, inner)]
    return [(*pair, n % len(inner) == 0, n % len(inner) == len(inner) - 1, n == len(pairs) - 1)
            for n, pair in enumerate(pairs)]


@pytest.mark.parametrize("rows_inner", [0, 1], ids=["chunks-inner", "rows-inner"])
@pytest.mark.parametrize("step_share", [1.0, 0.5])
@pytest.mark.parametrize(("n_rows", "n_chunks"), [(2, 1), (5, 1), (1, 5), (3, 3), (2, 4), (4, 2)])
def test_every_pair_of_masks_one_visit_a_cycle(n_rows, n_chunks, step_share, rows_inner):
    """Visits come back to back where each is taken at once; one that is not taken stands."""
    rng = np.random.default_rng(1)
    scanner = Scanner(n_rows, n_chunks)

    async def bench(ctx):
        ctx.set(scanner.rows_inner, rows_inner)
        for rows, chunks in product(range(1, 1 << n_rows), range(1, 1 << n_chunks)):
            ctx.set(scanner.load, 1)
            ctx.set(scanner.rows, rows)
            ctx.set(scanner.chunks, chunks)
            await ctx.tick()
            ctx.set(scanner.load, 0)
            ctx.set(scanner.rows, 0)  # the masks were taken
            ctx.set(scanner.chunks, 0)
            for n, wanted in enumerate(visits(rows, chunks, rows_inner)):
                is_taken = False
                while not is_taken:
                    is_taken = rng.random() < step_share
                    ctx.set(scanner.step, is_taken)
                    found = [int(ctx.get(getattr(scanner, name))) for name in OUTPUTS]
                    assert ctx.get(scanner.valid), f"masks {rows:#x}, {chunks:#x}: visit {n} must be valid"
                    assert_bits(f"masks {rows:#x}, {chunks:#x}, visit {n}, {OUTPUTS}", wanted, found)
                    await ctx.tick()
            ctx.set(scanner.step, 0)
            assert not ctx.get(scanner.valid), f"masks {rows:#x}, {chunks:#x}: nothing must follow the last visit"

    run(scanner, bench)


@pytest.mark.parametrize("seed", range(3))
def test_wide_masks(seed):
    rng = np.random.default_rng(seed)
    scanner = Scanner(37, 11)
    rows, chunks = (int(rng.integers(1, 1 << n)) & int(rng.integers(1, 1 << n)) | 1 << (n - 1) for n in (37, 11))
    wanted = visits_of_wide(rows, chunks)
    found = []

    async def bench(ctx):
        ctx.set(scanner.load, 1)
        ctx.set(scanner.rows, rows)
        ctx.set(scanner.chunks, chunks)
        await ctx.tick()
        ctx.set(scanner.load, 0)
        ctx.set(scanner.step, 1)
        while ctx.get(scanner.valid):
            found.append((int(ctx.get(scanner.row)), int(ctx.get(scanner.chunk))))
            await ctx.tick()

    run(scanner, bench)
    assert_bits("visit", wanted, found, 1)


def visits_of_wide(rows: int, chunks: int) -> list[tuple[int, int]]:
    return list(product(*([n for n in range(64) if mask >> n & 1] for mask in (rows, chunks))))
