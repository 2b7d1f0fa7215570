# SPDX-License-Identifier: Apache-2.0
from amaranth.hdl import Assert, Cover, Module, Mux, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out, connect, flipped

from rtl.stream import StreamRegister, StreamWord
from rtl.stream_checker import StreamChecker
from sim.formal import Job


class StreamRegisterProperties(Component):
    """Against a queue of two words."""

    i: In(stream.Signature(StreamWord))
    o: Out(stream.Signature(StreamWord))

    def __init__(self, make=StreamRegister):
        self.make = make
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        m.submodules.design = design = self.make()
        connect(m, flipped(self.i), design.i)
        connect(m, design.o, flipped(self.o))
        StreamChecker.on(m, design.i, "i", assumed=True)
        StreamChecker.on(m, design.o, "o")

        taken, given = Signal(), Signal()
        m.d.comb += [taken.eq(design.i.valid & design.i.ready), given.eq(design.o.valid & design.o.ready)]
        count, oldest, second = Signal(range(4)), Signal(StreamWord), Signal(StreamWord)
        m.d.sync += count.eq(count + taken - given)
        with m.If(given):
            m.d.sync += oldest.eq(second)
        with m.If(taken):
            with m.If(count == given):
                m.d.sync += oldest.eq(design.i.payload)
            with m.Else():
                m.d.sync += second.eq(design.i.payload)
        m.d.comb += [
            Assert(count <= 2, "at most two words are inside"),
            Assert(design.o.valid == (count != 0), "no word is lost or made up"),
            Assert(~design.o.valid | (design.o.payload.as_value() == oldest.as_value()),
                   "words leave in order, unchanged"),
            Assert(design.i.ready | (count == 2), "it takes a word unless it is full"),
            Cover((count == 2) & ~design.i.ready, "full"),
        ]

        streak = Signal(range(8))
        m.d.sync += streak.eq(Mux(taken & given, streak + (streak != 7), 0))
        m.d.comb += Cover(streak == 7, "a word a cycle")
        return m


JOBS = [
    Job(name="stream_register", harness=StreamRegisterProperties, quick=True,
        claim="A StreamRegister is a queue of two words."),
]
