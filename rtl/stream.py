# SPDX-License-Identifier: Apache-2.0
"""The words that commands and responses travel in, and a register for their streams."""
from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream
from amaranth.lib.wiring import Component, In, Out, connect, flipped

StreamWord = data.StructLayout({"data": 32, "first": 1, "last": 1})
"""A word of a packet; `first` and `last` frame it."""


class StreamRegister(Component):
    """A stream through registers in both directions: no path from input to output, one word a cycle.

    Two words deep, so that `ready` need not look ahead; latency is one cycle. Parameters: `shape` of a word.
    Members: `i`, `o`.
    """

    def __init__(self, shape=StreamWord):
        self.shape = shape
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform):
        m = Module()
        spare, is_spare = Signal(self.shape, reset_less=True), Signal()
        m.d.comb += self.i.ready.eq(~is_spare)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += spare.eq(self.i.payload)
        with m.If(self.o.ready | ~self.o.valid):
            m.d.sync += [self.o.valid.eq(self.i.valid | is_spare), is_spare.eq(0)]
            with m.If(is_spare):
                m.d.sync += self.o.payload.eq(spare)
            with m.Else():
                m.d.sync += self.o.payload.eq(self.i.payload)
        with m.Elif(self.i.valid & self.i.ready):
            m.d.sync += is_spare.eq(1)
        return m


def registered(m: Module, outer, inner) -> None:
    """Connect the streams `i` and `o` of a component to those of one inside it, each through a register."""
    m.submodules.i_register = i_register = StreamRegister()
    m.submodules.o_register = o_register = StreamRegister()
    connect(m, flipped(outer.i), i_register.i)
    connect(m, i_register.o, inner.i)
    connect(m, inner.o, o_register.i)
    connect(m, o_register.o, flipped(outer.o))
