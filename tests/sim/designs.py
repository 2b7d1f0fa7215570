# SPDX-License-Identifier: Apache-2.0
"""Tiny stream designs for the tests of ``sim``: one that is right and some that each break one rule."""

from functools import cache

from amaranth import Module, Signal
from amaranth.back import verilog
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

FIRST = 1 << 32
LAST = 1 << 33
Word = data.StructLayout({"data": 32, "first": 1, "last": 1})


class Increment(wiring.Component):
    """Gives each word back a cycle later, its data plus one.

    ``fault`` is what to break: "mute" never answers, "drop" gives valid up while stalled, "change" alters
    the payload while stalled, "unframed" loses ``first``, "unended" loses ``last``.
    """

    i: In(stream.Signature(Word))
    o: Out(stream.Signature(Word))

    def __init__(self, fault: str = "none"):
        self.fault = fault
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        free = Signal()
        m.d.comb += [free.eq(~self.o.valid | self.o.ready), self.i.ready.eq(free)]
        with m.If(free):
            m.d.sync += [
                self.o.valid.eq(self.i.valid & (self.fault != "mute")),
                self.o.payload.eq(self.i.payload),
                self.o.payload.data.eq(self.i.payload.data + 1),
            ]
            if self.fault == "unframed":
                m.d.sync += self.o.payload.first.eq(0)
            if self.fault == "unended":
                m.d.sync += self.o.payload.last.eq(0)
        with m.Elif(self.o.valid):
            if self.fault == "drop":
                m.d.sync += self.o.valid.eq(0)
            if self.fault == "change":
                m.d.sync += self.o.payload.data.eq(self.o.payload.data + 1)
        return m


@cache
def increment(fault: str = "none") -> str:
    """Verilog of ``Increment``."""
    return verilog.convert(Increment(fault), name="top", emit_src=False)
