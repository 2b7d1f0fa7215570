# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from golden.config import TileConfig
from golden.formats import Format
from golden.presets import TILES
from rtl.planes import WORD, LaneMemory, SideBand
from tests.rtl.simulation import put, run, take
from tests.support import CONFIGS, assert_bits


@pytest.mark.parametrize("registered", [False, True])
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(("fmt", "depth", "lanes"), [(Format(18), 12, 4), (Format(16, signed=False), 5, 1),
                                                     (Format(8), 2, 3), (Format(18), 1, 2)], ids=str)
def test_random_reads_and_writes(fmt, depth, lanes, seed, registered):
    """A read and a masked write in every cycle, often of one place: the read gives what was there before."""
    rng = np.random.default_rng(seed)
    memory, content = LaneMemory(fmt, depth, lanes, registered=registered), np.zeros((depth, lanes), dtype=int)
    wanted, found = [], []

    async def bench(ctx):
        for _ in range(150):
            address, write_address, mask = (int(rng.integers(n)) for n in (depth, depth, 1 << lanes))
            values = rng.choice([fmt.min, fmt.max, *rng.integers(fmt.min, fmt.max, 3)], lanes)
            ctx.set(memory.address, address)
            ctx.set(memory.write_address, write_address)
            ctx.set(memory.write_mask, mask)
            put(ctx, memory.write_values, values)
            wanted.append(content[address].tolist())
            for lane in range(lanes):
                if mask >> lane & 1:
                    content[write_address, lane] = values[lane]
            await ctx.tick()
            found.append(take(ctx, memory.values))

    run(memory, bench)
    late = memory.latency - 1
    assert_bits("LaneMemory.values", wanted[:len(wanted) - late], found[late:], memory.latency)


@pytest.mark.parametrize("config", [*CONFIGS.values(), *TILES.values(), TileConfig(rows=1024, cols=1024, lanes=1)],
                         ids=str)
def test_side_band_carries_every_word_to_every_place(config):
    members = SideBand(config).members
    for plane, shape in config.planes.items():
        assert WORD.min <= shape.format.min
        assert shape.format.max <= WORD.max
        assert plane < 1 << members["plane"].shape.width if hasattr(members["plane"].shape, "width") else plane < 16
    lines = max(config.rows, config.cols)
    chunks = -(-lines // config.lanes)
    assert members["row"].shape == range(config.rows)
    assert len(members["chunk"].shape) == chunks
    assert members["lane"].shape == range(config.lanes)
