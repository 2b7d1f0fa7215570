# SPDX-License-Identifier: Apache-2.0
"""AXI4-Stream to and from the streams of words."""
from amaranth.hdl import Module, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out, Signature

from rtl.stream import StreamWord

AXI_STREAM = Signature({"tdata": Out(32), "tlast": Out(1), "tvalid": Out(1), "tready": In(1)})
"""A stream of packets as a transmitter drives it. Every byte is a data byte: there is no TKEEP or TSTRB, and a
transmitter that has them must hold them at one."""


class AxiStreamReceiver(Component):
    """Words of AXI4-Stream packets, of which the first is marked: the one after a reset or after TLAST.

    Combinational but for that mark. Members: `bus`, `o`.
    """

    bus: In(AXI_STREAM)
    o: Out(stream.Signature(StreamWord))

    def elaborate(self, platform):
        m = Module()
        is_first = Signal(init=1)
        m.d.comb += [self.o.payload.data.eq(self.bus.tdata), self.o.payload.first.eq(is_first),
                     self.o.payload.last.eq(self.bus.tlast), self.o.valid.eq(self.bus.tvalid),
                     self.bus.tready.eq(self.o.ready)]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += is_first.eq(self.bus.tlast)
        return m


class AxiStreamTransmitter(Component):
    """Words as AXI4-Stream packets, combinationally. Members: `i`, `bus`."""

    i: In(stream.Signature(StreamWord))
    bus: Out(AXI_STREAM)

    def elaborate(self, platform):
        m = Module()
        m.d.comb += [self.bus.tdata.eq(self.i.payload.data), self.bus.tlast.eq(self.i.payload.last),
                     self.bus.tvalid.eq(self.i.valid), self.i.ready.eq(self.bus.tready)]
        return m
