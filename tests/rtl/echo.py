# SPDX-License-Identifier: Apache-2.0
"""A controller that only counts and repeats packets, in numbers and in gates, and a board with the serial link
around it: what comes back shows which packets were executed, how often and in which order.
"""
from amaranth.hdl import Module, Signal
from amaranth.lib import stream
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out, connect

from golden.protocol import Opcode, Status, header
from rtl.link import Link
from rtl.stream import StreamWord
from rtl.uart import UartReceiver, UartTransmitter

DEPTH = 40
"""Words of the longest packet that the echo board holds: response header and count before 38 words of a command."""
ABORTED = Status.ABORTED


class EchoModel:
    """Responds to a packet with its opcode, a count of all packets, and the packet."""

    def __init__(self):
        self.count = 0

    def respond(self, words: tuple[int, ...], is_aborted: bool = False) -> tuple[int, ...]:
        if words[0] >> 24 == Opcode.ABORT:
            return (header(Opcode.ABORT, Status.OK),)
        self.count += 1
        status = ABORTED if is_aborted else Status.OK
        return header(words[0] >> 24, status, len(words) + 1), self.count, *words


class Echo(Component):
    """The same in gates. The argument of a command's header is for how many times 16 cycles it runs; an ABORT
    packet in that time ends it.
    """

    i: In(stream.Signature(StreamWord))
    o: Out(stream.Signature(StreamWord))

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = Memory(shape=32, depth=DEPTH, init=[])
        write, read = memory.write_port(), memory.read_port()
        n, length, count, time = Signal(range(DEPTH + 1)), Signal(range(DEPTH + 1)), Signal(32), Signal(12)
        head, is_aborted, word = Signal(32), Signal(), self.o.payload
        is_abort = self.i.payload.data[24:] == Opcode.ABORT
        m.d.comb += [write.addr.eq(length), write.data.eq(self.i.payload.data), read.addr.eq(n)]
        with m.FSM():
            with m.State("RECEIVE"):
                m.d.comb += self.i.ready.eq(1)
                with m.If(self.i.valid):
                    m.d.comb += write.en.eq(1)
                    m.d.sync += length.eq(length + 1)
                    with m.If(self.i.payload.first):
                        m.d.sync += [head.eq(self.i.payload.data), time.eq(self.i.payload.data[16:24] << 4)]
                    with m.If(self.i.payload.first & is_abort):
                        m.next = "ABORT"
                    with m.Elif(self.i.payload.last):
                        m.d.sync += [count.eq(count + 1), n.eq(0)]
                        m.next = "RUN"
            with m.State("RUN"):
                m.d.sync += time.eq(time - 1)
                with m.If(self.i.valid & is_abort):
                    m.d.comb += self.i.ready.eq(1)
                    m.d.sync += is_aborted.eq(1)
                with m.If((time == 0) | is_aborted):
                    m.next = "HEADER"
            with m.State("HEADER"):
                m.d.comb += [self.o.valid.eq(1), word.first.eq(1), word.data[24:].eq(head[24:]),
                             word.data[:16].eq(length + 1)]
                with m.If(is_aborted):
                    m.d.comb += word.data[16:24].eq(ABORTED)
                with m.If(self.o.ready):
                    m.next = "COUNT"
            with m.State("COUNT"):
                m.d.comb += [self.o.valid.eq(1), word.data.eq(count)]
                with m.If(self.o.ready):
                    m.next = "DATA"
            with m.State("DATA"):
                m.d.comb += [self.o.valid.eq(1), word.data.eq(read.data), word.last.eq(n == length - 1),
                             read.addr.eq(n + self.o.ready)]
                with m.If(self.o.ready):
                    m.d.sync += n.eq(n + 1)
                    with m.If(word.last):
                        m.d.sync += length.eq(0)
                        m.next = "RECEIVE"
                        with m.If(is_aborted):
                            m.next = "ABORT"
            with m.State("ABORT"):
                m.d.comb += [self.o.valid.eq(1), word.data.eq(header(Opcode.ABORT)), word.first.eq(1),
                             word.last.eq(1)]
                m.d.sync += [length.eq(0), is_aborted.eq(0)]
                with m.If(self.o.ready):
                    m.next = "RECEIVE"
        return m


class EchoBoard(Component):
    """Line, link and echo; `n_executed` counts the packets that the link has delivered."""

    rx: In(1, init=1)
    tx: Out(1, init=1)
    is_busy: Out(1)

    def __init__(self, divisor: int):
        self.divisor = divisor
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        m.submodules.link, m.submodules.echo = link, echo = Link(DEPTH), Echo()
        m.submodules.receiver, m.submodules.transmitter = receiver, transmitter = (
            UartReceiver(self.divisor), UartTransmitter(self.divisor))
        m.submodules.synchronizer = FFSynchronizer(self.rx, receiver.rx, init=1)
        connect(m, receiver.o, link.i)
        connect(m, link.o, transmitter.i)
        connect(m, link.command, echo.i)
        connect(m, echo.o, link.response)
        m.d.comb += [link.break_off.eq(receiver.error), self.tx.eq(transmitter.tx),
                     self.is_busy.eq(link.is_busy | ~transmitter.is_idle)]
        return m
