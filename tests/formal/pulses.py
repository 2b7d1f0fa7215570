# SPDX-License-Identifier: Apache-2.0
from amaranth.hdl import Assert, Assume, Cat, Cover, Module, Mux, Signal
from amaranth.lib.wiring import Component, In

from rtl.formats import shape_of
from rtl.pulses import PulseWidth
from sim.formal import Job
from tests.formal.configs import SMALL


class PulseWidthProperties(Component):
    """Against a table of the codes and a count of the slots taken."""

    write: In(1)
    index: In(range(SMALL.n_converters))
    code: In(shape_of(SMALL.code))
    restart: In(1)
    advance: In(1)

    def __init__(self, make=PulseWidth):
        self.make = make
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        n, most = SMALL.n_converters, SMALL.code.max
        m.submodules.design = design = self.make(SMALL)
        m.d.comb += [getattr(design, name).eq(getattr(self, name))
                     for name in ("write", "index", "code", "restart", "advance")]

        # a reset leaves codes behind, which mean nothing until they are loaded anew
        codes = [Signal(shape_of(SMALL.code), name=f"code_{line}", reset_less=True) for line in range(n)]
        is_loaded = Signal(n)
        slot, is_playing = Signal(range(most + 2)), Signal()
        with m.If(self.restart):
            m.d.sync += [slot.eq(0), is_playing.eq(1)]
        with m.Elif(self.advance & (slot <= most)):
            m.d.sync += slot.eq(slot + 1)
        with m.If(self.write):
            for line, code in enumerate(codes):
                with m.If(self.index == line):
                    m.d.sync += [code.eq(self.code), is_loaded[line].eq(1)]
        m.d.comb += [
            Assume(self.index < n, "lines that are loaded exist"),
            Assume(self.code != -most - 1, "codes are symmetric"),
            Assume(~(self.write & (self.restart | (is_playing & (slot <= most)))), "no code is loaded within a window"),
        ]
        m.d.comb += [
            Assert(Cat(~is_loaded[line] | (design.pulses[line] == (is_playing & (slot < Mux(code < 0, -code, code))))
                       for line, code in enumerate(codes)).all(),
                   "a line is on in its first abs(code) slots, and in no other"),
            Assert(Cat(~is_loaded[line] | (design.negative[line] == (code < 0))
                       for line, code in enumerate(codes)).all(), "a line has its code's sign as its polarity"),
        ]
        m.d.comb += [
            Cover((slot == most - 1) & (design.pulses == 0b101), "the last slot, two lines on"),
            Cover((slot > most) & (codes[0] == -most), "the window is over"),
        ]
        return m


JOBS = [
    Job(name="pulse_width", harness=PulseWidthProperties, quick=True,
        claim="PulseWidth turns each line on in the first abs(code) slots of a window, with the code's sign."),
]
