# SPDX-License-Identifier: Apache-2.0
"""Whoever has a memory with `ANY_ON_COLLISION` never looks at a word that was read in the cycle of its write."""
import sys

import numpy as np
import pytest
from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import memory
from amaranth.lib.memory import ReadPort

from crosstwin.stimulus import draw_operations
from rtl.planes import WORD, LaneMemory
from rtl.verilog import TOP, tile_verilog
from sim.model import VerilatedModel
from tests.rtl import test_link, test_tile
from tests.rtl.simulation import run
from tests.support import CONFIGS, FOLDED

TILES = {name: (CONFIGS | FOLDED)[name] for name in ("tiny", "folded wide", "folded writenoise", "rolled")}


class Treacherous(memory.Memory):
    """A memory that gives the inverse of a word that was written while it was read, where it may give any."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.shown: list[tuple[ReadPort, ReadPort]] = []

    def read_port(self, **options):
        real = super().read_port(**options)
        if not self.attrs.get("no_rw_check"):
            return real
        shown = ReadPort(ReadPort.Signature(addr_width=len(real.addr), shape=self.shape), memory=None, domain="sync")
        self.shown.append((real, shown))
        return shown

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = super().elaborate(platform)
        for real, shown in self.shown:
            collides = Signal()
            m.d.sync += collides.eq(Cat(
                (write.addr == shown.addr) & write.en.any() for write in self.write_ports).any())
            word, seen = Value.cast(real.data), Value.cast(shown.data)
            m.d.comb += [real.addr.eq(shown.addr), real.en.eq(shown.en), seen.eq(Mux(collides, ~word, word))]
        return m


@pytest.fixture
def treacherous(monkeypatch):
    """For every module that has such memories."""
    for name, module in list(sys.modules.items()):
        if name.startswith("rtl.") and hasattr(module, "ANY_ON_COLLISION") and hasattr(module, "Memory"):
            monkeypatch.setattr(module, "Memory", Treacherous)


def test_it_gives_another_word(treacherous):
    """What the others rely on: a collision is seen."""
    memory = LaneMemory(WORD, 4, 1, registered=True)
    found = []

    async def bench(ctx):
        ctx.set(memory.write_mask, 1)
        ctx.set(memory.write_values[0], 5)
        for _ in range(4):
            await ctx.tick()
            found.append(ctx.get(memory.values[0]))

    run(memory, bench)
    assert found == [0, -1, -6, -6]


@pytest.mark.parametrize("name", TILES)
def test_a_tile_never_looks_at_one(name, treacherous, monkeypatch):
    config = TILES[name]
    model = VerilatedModel(tile_verilog(config), TOP, opt="-O0", max_idle_cycles=1_000_000)
    monkeypatch.setattr(test_tile, "verilated", lambda config: model)
    pair, rng = test_tile.Pair(config), np.random.default_rng(1)
    pair.load(1)
    for operation in draw_operations(rng, config, 60):
        pair.exchange(operation.words, operation.name)
    pair.compare_state()


def test_a_link_never_looks_at_one(treacherous):
    test_link.test_every_answer_is_golden_s()
