# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

from amaranth.hdl import Assert, Assume, Cover, Module, Mux, Signal
from amaranth.lib.wiring import Component, In

from rtl.position import Position
from sim.formal import Job
from tests.formal.configs import SMALL

CONFIG = replace(SMALL, rows=3, cols=4)


class PositionProperties(Component):
    """Chunk and lane of a word against its number."""

    restart: In(1)
    step: In(1)
    split: In(1)

    def __init__(self, make=Position):
        self.make = make
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        m.submodules.design = design = self.make(CONFIG)
        m.d.comb += [getattr(design, name).eq(getattr(self, name)) for name in ("restart", "step", "split")]

        split, n = Signal(), Signal.like(design.n)
        with m.If(self.restart):
            m.d.sync += n.eq(0)
        with m.Elif(self.step & (n != design.most)):
            m.d.sync += n.eq(n + 1)
        m.d.sync += split.eq(self.split)
        rows, lanes = CONFIG.rows, CONFIG.lanes
        is_col = self.split & (design.n >= rows)
        m.d.comb += [
            Assume((n == 0) | (split == self.split), "split stands within a packet"),
            Assert(design.n == n, "n is the number of steps since the restart"),
            Assert(design.n <= design.most, "n stops"),
            Assert(design.lane < lanes, "lane is one of P"),
            Assert(Mux(is_col, (design.chunk - -(-rows // lanes)) * lanes + design.lane == design.n - rows,
                       design.chunk * lanes + design.lane == design.n),
                   "chunk and lane are those of the word; columns begin a chunk of their own"),
            Cover(is_col & (design.n == rows + 2), "a column, split"),
            Cover(~self.split & (design.n == rows + 2), "a column, not split"),
        ]
        return m


JOBS = [
    Job(name="position", harness=PositionProperties,
        claim="Position gives each word of a packet the chunk and lane that it belongs in."),
]
