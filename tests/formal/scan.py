# SPDX-License-Identifier: Apache-2.0
from amaranth.hdl import Assert, Assume, Cover, Module, Mux, Signal
from amaranth.lib.wiring import Component, In

from rtl.scan import Scanner
from sim.formal import Job

ROWS, CHUNKS = 3, 3


class ScannerProperties(Component):
    """Against a map of the pairs that were visited."""

    load: In(1)
    step: In(1)
    rows: In(ROWS)
    chunks: In(CHUNKS)
    rows_inner: In(1)

    def __init__(self, make=Scanner):
        self.make = make
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        m.submodules.design = design = self.make(ROWS, CHUNKS)
        m.d.comb += [design.load.eq(self.load), design.step.eq(self.step), design.rows.eq(self.rows),
                     design.chunks.eq(self.chunks), design.rows_inner.eq(self.rows_inner)]

        rows, chunks, rows_inner = Signal(ROWS), Signal(CHUNKS), Signal()
        visited, last_pair, has_pair = Signal(ROWS * CHUNKS), Signal(range(ROWS * CHUNKS)), Signal()
        wanted, bit, order = Signal(ROWS * CHUNKS), Signal(ROWS * CHUNKS), Signal(range(ROWS * CHUNKS))
        for row in range(ROWS):
            for chunk in range(CHUNKS):
                with m.If((design.row == row) & (design.chunk == chunk)):
                    m.d.comb += [bit.eq(1 << (row * CHUNKS + chunk)),
                                 order.eq(Mux(rows_inner, chunk * ROWS + row, row * CHUNKS + chunk))]
                m.d.comb += wanted[row * CHUNKS + chunk].eq(rows[row] & chunks[chunk])
        m.d.comb += [
            Assume(~self.load | (self.rows.any() & self.chunks.any()), "neither mask that is loaded is empty"),
            Assume(~self.load | ~design.valid, "load only when the last scan is over"),
            Assume(~design.valid | (self.rows_inner == rows_inner), "rows_inner stands while it scans"),
            Assume(design.valid | ~self.step, "step only while it is valid"),
        ]
        with m.If(self.load):
            m.d.sync += [rows.eq(self.rows), chunks.eq(self.chunks), rows_inner.eq(self.rows_inner), visited.eq(0),
                         has_pair.eq(0)]
        with m.Elif(self.step):
            m.d.sync += [visited.eq(visited | bit), last_pair.eq(order), has_pair.eq(1)]

        inner = Mux(rows_inner, chunks, rows)
        in_run = Signal(range(ROWS + CHUNKS))
        runs = Signal.like(in_run)
        with m.If(self.load):
            m.d.sync += [in_run.eq(0), runs.eq(0)]
        with m.Elif(self.step):
            m.d.sync += [in_run.eq(Mux(design.inner_last, 0, in_run + 1)), runs.eq(runs + design.inner_last)]
        size = Mux(rows_inner, sum(rows), sum(chunks))
        with m.If(design.valid):
            m.d.comb += [
                Assert((bit & wanted) == bit, "only pairs of the masks are visited"),
                Assert((bit & visited) == 0, "no pair is visited twice"),
                Assert(~has_pair | (order > last_pair), "pairs come in order"),
                Assert(design.last == ((visited | bit) == wanted), "last is with the last pair"),
                Assert(design.inner_first == (in_run == 0), "inner_first is with the first pair of a run"),
                Assert(design.inner_last == (in_run == size - 1), "inner_last is with the last pair of a run"),
                Assert(runs < sum(inner), "no more runs than set bits of the outer mask"),
            ]
        with m.Else():
            m.d.comb += Assert(visited == wanted, "it ends when every pair has been visited")
        m.d.comb += [
            Cover(design.valid & design.last & (sum(wanted) == 6) & rows_inner, "six pairs, rows inside"),
            Cover(~design.valid & (visited == 0b111111111), "all pairs"),
        ]
        return m


JOBS = [
    Job(name="scanner", harness=ScannerProperties, quick=True,
        claim="A Scanner visits every pair of two masks once, in order."),
]
