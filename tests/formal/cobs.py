# SPDX-License-Identifier: Apache-2.0
from amaranth.hdl import Assert, Cat, Cover, Module, Mux, ResetInserter, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, connect, flipped

from rtl.cobs import CobsDecoder, CobsEncoder, FrameByte
from rtl.stream_checker import StreamChecker
from sim.formal import Job
from tests.formal.order import Order

MOST = 2
"""Bytes behind a code, instead of 254."""


class CobsLoop(Component):
    """An encoder, a zero behind each frame, a decoder: frames of any bytes, at any pace."""

    i: In(stream.Signature(FrameByte))
    ready: In(1)
    mark: In(1)

    def __init__(self, make=CobsEncoder, make_decoder=CobsDecoder):
        self.make, self.make_decoder = make, make_decoder
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        m.submodules.encoder = encoder = self.make(MOST)
        m.submodules.decoder = decoder = self.make_decoder(MOST)
        connect(m, flipped(self.i), encoder.i)
        StreamChecker.on(m, encoder.o, "o", framed=False)

        is_delimiter, is_taken = Signal(), encoder.o.valid & encoder.o.ready
        m.d.comb += [
            encoder.o.ready.eq(self.ready & ~is_delimiter),
            decoder.i.valid.eq(is_taken | (self.ready & is_delimiter)),
            decoder.i.payload.eq(Mux(is_delimiter, 0, encoder.o.payload.data)),
        ]
        with m.If(self.ready):
            m.d.sync += is_delimiter.eq(is_taken & encoder.o.payload.last)

        # whether a byte is the last one is known when the next one comes, or the end
        byte, is_byte = Signal(8), Signal()
        with m.If(decoder.valid):
            m.d.sync += [byte.eq(decoder.data), is_byte.eq(1)]
        with m.Elif(decoder.end):
            m.d.sync += is_byte.eq(0)
        order = Order.of(m, "bytes", self.mark, MOST + 2, put=encoder.i.valid & encoder.i.ready,
                         item=encoder.i.payload.as_value(), get=is_byte & (decoder.valid | decoder.end),
                         got=Cat(byte, decoder.end))
        n_full = Signal(2)
        with m.If(is_taken & (encoder.o.payload.data == MOST + 1)):
            m.d.sync += n_full.eq(n_full + (n_full != 3))
        m.d.comb += [
            Assert(~encoder.o.valid | (encoder.o.payload.data != 0), "no zero is within a frame"),
            Assert(~decoder.end | (is_byte & ~decoder.is_broken), "no frame is broken"),
            Cover(order.count == order.most, "as many bytes inside as may be"),
            Cover(decoder.end & (n_full == 1), "a frame ends with a full block"),
        ]
        return m


class CobsRecovery(Component):
    """A decoder after anything, beside one that only begins behind a zero or a break: they agree ever after."""

    byte: In(8)
    valid: In(1)
    break_off: In(1)
    begin: In(1)

    def __init__(self, make=CobsDecoder):
        self.make = make
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        is_begun, is_end = Signal(), self.break_off | (self.valid & (self.byte == 0))
        m.submodules.old = old = self.make()
        new = self.make()
        m.submodules.new = ResetInserter(~is_begun)(new)
        for decoder in (old, new):
            m.d.comb += [decoder.i.valid.eq(self.valid), decoder.i.payload.eq(self.byte),
                         decoder.break_off.eq(self.break_off)]
        was_broken, is_compared = Signal(), Signal()  # from the cycle behind the one in which the old one sees the end
        m.d.sync += is_compared.eq(is_begun)
        with m.If(self.begin & is_end & ~is_begun):
            m.d.sync += is_begun.eq(1)
        with m.If(is_begun & ~is_compared):
            m.d.sync += was_broken.eq(old.end & old.is_broken)
        with m.If(is_compared):
            m.d.comb += [
                Assert((old.valid == new.valid) & (~old.valid | (old.data == new.data)), "the same bytes"),
                Assert((old.end == new.end) & (~old.end | (old.is_broken == new.is_broken)), "the same ends of frames"),
                Assert(old.is_begun == new.is_begun, "both are within a frame, or neither is"),
            ]
        m.d.comb += Cover(is_compared & was_broken & new.end & ~new.is_broken, "a whole frame behind a broken one")
        return m


JOBS = [
    Job(name="cobs_loop", harness=CobsLoop,
        claim="A COBS decoder gives back what an encoder was given, frame by frame; no zero is within."),
    Job(name="cobs_recovery", harness=CobsRecovery, quick=True,
        claim="What a COBS decoder was fed is forgotten with the next zero or break."),
]
