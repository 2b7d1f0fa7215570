# SPDX-License-Identifier: Apache-2.0
from amaranth.hdl import Assert, Cat, Cover, Module, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, connect, flipped

from rtl.uart import UartReceiver, UartTransmitter
from sim.formal import Job
from tests.formal.order import Order

DIVISOR = 3


class UartLoop(Component):
    """A transmitter's line to a receiver, bytes at any pace."""

    i: In(stream.Signature(8))
    mark: In(1)

    def __init__(self, make=UartTransmitter, make_receiver=UartReceiver):
        self.make, self.make_receiver = make, make_receiver
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        m.submodules.transmitter = transmitter = self.make(DIVISOR)
        m.submodules.receiver = receiver = self.make_receiver(DIVISOR)
        connect(m, flipped(self.i), transmitter.i)
        m.d.comb += receiver.rx.eq(transmitter.tx)

        is_taken = transmitter.i.valid & transmitter.i.ready
        order = Order.of(m, "bytes", self.mark, 1, put=is_taken, item=transmitter.i.payload,
                         get=receiver.o.valid, got=receiver.o.payload)
        n = Signal(range(10 * DIVISOR + 1))
        with m.If(is_taken):
            m.d.sync += n.eq(1)
        with m.Elif(n != 10 * DIVISOR):
            m.d.sync += n.eq(n + 1)
        is_over = ~transmitter.is_idle & (n == 10 * DIVISOR)
        m.d.comb += [
            Assert(~receiver.error, "each byte has its stop bit"),
            Assert(transmitter.i.ready == (transmitter.is_idle | is_over), "a byte takes ten bits, without a gap"),
            Assert(~transmitter.is_idle | transmitter.tx, "the line is high between bytes"),
            Assert(~transmitter.is_idle | (order.count == 0), "no byte is on its way when it is idle"),
            Cover(is_taken & is_over, "one byte behind another"),
            Cover(receiver.o.valid & (receiver.o.payload == 0x5A), "a byte"),
        ]
        return m


class ReceiverProperties(Component):
    """A receiver on any line, against what the line was."""

    rx: In(1)

    def __init__(self, make=UartReceiver):
        self.make = make
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        m.submodules.design = design = self.make(DIVISOR)
        m.d.comb += design.rx.eq(self.rx)

        half = DIVISOR // 2
        line, is_broken = Signal(9 * DIVISOR + half), Signal()
        m.d.sync += [line.eq(Cat(self.rx, line)), is_broken.eq((is_broken | design.error) & ~self.rx)]
        before = Cat(self.rx, line)  # by how many cycles
        is_end = design.o.valid | design.error
        since = Signal(range(len(line) + 1), init=0)
        m.d.sync += since.eq(since + (since != len(line)))
        with m.If(is_end):
            m.d.sync += since.eq(0)
        m.d.comb += [
            Assert(~is_end | (design.o.valid == self.rx), "a byte has a stop bit, an error has none"),
            Assert(~is_end | ~(before[-1] | before[9 * DIVISOR]), "a start bit is low at its edge and in its middle"),
            Assert(~design.o.valid | (design.o.payload == Cat(before[n * DIVISOR] for n in range(8, 0, -1))),
                   "a byte is what the line was in the middle of its bits"),
            Assert(~is_end | (since == len(line)), "no two bytes share a bit"),
            Assert(~(is_broken & design.o.valid), "no byte comes while the line is held low"),
            Cover(design.o.valid & (design.o.payload == 0xA5), "a byte"),
            Cover(design.error, "a break"),
        ]
        return m


JOBS = [
    Job(name="uart_loop", harness=UartLoop, cover=10 * DIVISOR + 5,
        claim="A UART's receiver gives the bytes that its transmitter was given."),
    Job(name="uart_receiver", harness=ReceiverProperties, cover=10 * DIVISOR + 5,
        claim="A UART's receiver reads the middle of each bit, and nothing of a break."),
]
