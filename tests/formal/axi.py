# SPDX-License-Identifier: Apache-2.0
from amaranth.hdl import Assert, Assume, Cat, Cover, Module, Mux, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out, connect, flipped

from rtl.axi_lite import ADDRESS_BITS, AXI_LITE, OKAY, SLVERR, AxiLite
from rtl.axi_stream import AxiStreamReceiver, AxiStreamTransmitter
from rtl.formats import delay
from rtl.stream import StreamWord
from rtl.stream_checker import StreamChecker
from sim.formal import Job
from tests.formal.order import Order

MOST_WRITES = 4
"""That are open at a time."""
INDEX = 5
"""Of the one register that there is."""


class _Lite(Component):
    """An AXI4-Lite subordinate of one register at a bus that may do what AXI allows."""

    def __init__(self, make=AxiLite):
        self.make = make
        super().__init__({"bus": In(AXI_LITE), "data": In(32), "waits": In(1), "accepts": In(1),
                          "mark": In(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.design = design = self.make()
        connect(m, flipped(self.bus), design.bus)
        self.registers, bus = design.registers, design.bus
        m.d.comb += [
            self.registers.read.eq(Mux(self.registers.read_index == INDEX, self.data, ~self.data)),
            self.registers.readable.eq(self.registers.read_index == INDEX),
            self.registers.accepts.eq(self.accepts & (self.registers.write_index == INDEX)),
            self.registers.waits.eq(self.waits),
        ]
        is_late, standing = Signal(), Cat(self.data, self.accepts)
        m.d.sync += is_late.eq(1)
        m.d.comb += Assume(~is_late | (standing == delay(m, standing, 1)), "the register stands")
        self.claim(m, bus)
        return m

    def channel(self, m: Module, name: str, payload, *, assumed: bool) -> Signal:
        """A channel's rules are checked; returns its transfers."""
        valid, ready = getattr(self.bus, f"{name}valid"), getattr(self.bus, f"{name}ready")
        m.submodules[name] = checker = StreamChecker(name, len(payload), assumed=assumed, framed=False)
        m.d.comb += [checker.payload.eq(payload), checker.valid.eq(valid), checker.ready.eq(ready)]
        return valid & ready


class LiteWrites(_Lite):
    """Writes: address and data in any order, a write of the register, a response.

    One write at a time, any, is followed: the next of which neither address nor word has come when `mark` is high.
    Its word alone is odd, so that it is known where it goes.
    """

    def claim(self, m: Module, bus):
        registers = self.registers
        has_address = self.channel(m, "aw", bus.awaddr, assumed=True)
        has_word = self.channel(m, "w", Cat(bus.wdata, bus.wstrb), assumed=True)
        has_response = self.channel(m, "b", bus.bresp, assumed=False)
        n_addresses, n_words, ahead = Signal(3), Signal(3), Signal(3)
        addresses, words = n_addresses + has_address - has_response, n_words + has_word - has_response
        m.d.sync += [n_addresses.eq(addresses), n_words.eq(words)]

        is_followed, is_addressed, is_given, is_written = Signal(), Signal(), Signal(), Signal()
        is_address = is_followed & ~is_addressed & (n_addresses == ahead)
        is_word = is_followed & ~is_given & (n_words == ahead)
        is_response, is_write = is_followed & (ahead == 0) & has_response, registers.write & registers.value[0]
        address, word, strobe = Signal(ADDRESS_BITS), Signal(32), Signal(4)
        with m.If(is_address & has_address):
            m.d.sync += [address.eq(bus.awaddr), is_addressed.eq(1)]
        with m.If(is_word & has_word):
            m.d.sync += [word.eq(bus.wdata), strobe.eq(bus.wstrb), is_given.eq(1)]
        with m.If(is_followed):
            m.d.sync += [ahead.eq(ahead - has_response), is_written.eq(is_written | is_write)]
        with m.If(is_response | ~is_followed):
            m.d.sync += [is_followed.eq(self.mark), ahead.eq(Mux(addresses > words, addresses, words)),
                         is_addressed.eq(0), is_given.eq(0), is_written.eq(0)]
        is_right = (address == 4 * INDEX) & strobe.all() & self.accepts
        m.d.comb += [
            Assume(~bus.wvalid | (bus.wdata[0] == is_word), "the word of the write that is followed is odd"),
            Assert((n_addresses <= MOST_WRITES) & (n_words <= MOST_WRITES), f"at most {MOST_WRITES} writes are open"),
            Assert(~bus.bvalid | ((n_addresses != 0) & (n_words != 0)), "a response follows an address and a word"),
            Assert(~is_write | (is_addressed & is_given & is_right & (registers.value == word)),
                   "a write follows its address and its word"),
            Assert(~is_write | ~is_written, "nothing is written twice"),
            Assert(~is_response | (is_written == is_right), "what is answered is written, unless it is refused"),
            Assert(~is_response | (bus.bresp == Mux(is_right, OKAY, SLVERR)),
                   "the response is OKAY where a whole register is written, else SLVERR"),
            Assert(~registers.write | ((registers.write_index == INDEX) & self.accepts & ~registers.waits),
                   "only a register that accepts and need not wait is written"),
            Cover(is_response & is_right & (n_addresses == MOST_WRITES), "a write, others behind it"),
            Cover(is_response & ~is_right & (n_words == MOST_WRITES), "a write is refused, others behind it"),
        ]


class LiteReads(_Lite):
    """Reads: an address, a response with data."""

    def claim(self, m: Module, bus):
        has_address = self.channel(m, "ar", bus.araddr, assumed=True)
        has_response = self.channel(m, "r", Cat(bus.rdata, bus.rresp), assumed=False)
        is_right = bus.araddr == 4 * INDEX
        order = Order.of(m, "reads", self.mark, 4, put=has_address, item=is_right, get=has_response,
                         got=bus.rresp == OKAY)
        streak, is_both = Signal(2), has_address & has_response
        m.d.sync += streak.eq(Mux(is_both, streak + (streak != 3), 0))
        m.d.comb += [
            Assert(~bus.rvalid | (order.count != 0), "a response follows an address"),
            Assert(~bus.rvalid | (bus.rresp == OKAY) | (bus.rresp == SLVERR), "the response is OKAY or SLVERR"),
            Assert(~bus.rvalid | (bus.rdata == Mux(bus.rresp == OKAY, self.data, 0)),
                   "OKAY comes with the register's data, SLVERR with 0"),
            Cover(order.count == 4, "four reads without a response"),
            Cover(is_both & (streak == 3), "a read a cycle"),
        ]


class StreamLoop(Component):
    """Packets of words to an AXI4-Stream transmitter, whose bus goes to a receiver."""

    i: In(stream.Signature(StreamWord))
    o: Out(stream.Signature(StreamWord))

    def __init__(self, make=AxiStreamReceiver, make_transmitter=AxiStreamTransmitter):
        self.make, self.make_transmitter = make, make_transmitter
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        m.submodules.transmitter = transmitter = self.make_transmitter()
        m.submodules.receiver = receiver = self.make()
        connect(m, flipped(self.i), transmitter.i)
        connect(m, transmitter.bus, receiver.bus)
        connect(m, receiver.o, flipped(self.o))
        StreamChecker.on(m, transmitter.i, "i", assumed=True)
        StreamChecker.on(m, receiver.o, "o")
        m.submodules.bus = bus = StreamChecker("bus", 33, framed=False)
        m.d.comb += [
            bus.payload.eq(Cat(transmitter.bus.tdata, transmitter.bus.tlast)),
            bus.valid.eq(transmitter.bus.tvalid), bus.ready.eq(transmitter.bus.tready),
            Assert((self.o.valid == self.i.valid) & (self.i.ready == self.o.ready), "a word passes at once"),
            Assert(~self.o.valid | (self.o.payload.as_value() == self.i.payload.as_value()), "words pass unchanged"),
            Cover(self.o.valid & self.o.ready & self.o.payload.last & ~self.o.payload.first, "a packet of two words"),
        ]
        return m


JOBS = [
    Job(name="axi_lite_writes", harness=LiteWrites,
        claim="An AXI4-Lite write is done once, with its own data, or refused with SLVERR; its response says which."),
    Job(name="axi_lite_reads", harness=LiteReads,
        claim="An AXI4-Lite read is answered once, in order, with the register's data or SLVERR."),
    Job(name="axi_stream", harness=StreamLoop, cover=6,
        claim="AXI4-Stream brings words as they are, the first of each packet marked."),
]
