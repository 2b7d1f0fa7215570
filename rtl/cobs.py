# SPDX-License-Identifier: Apache-2.0
"""Consistent Overhead Byte Stuffing, both ways; mirrors golden."""
from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from golden.cobs import MOST
from rtl.formats import delay
from rtl.memory import ANY_ON_COLLISION

FrameByte = data.StructLayout({"data": 8, "last": 1})
"""A byte of a frame; `last` ends it."""


class CobsDecoder(Component):
    """Unstuffs a byte a cycle: `data` while `valid`, in the cycle behind the byte that brings it.

    A zero, or `break_off`, ends a frame: `end`, if there was anything in it, with `is_broken` where a block was
    not complete.

    Parameters: `most`, bytes behind a code, fewer than COBS has only in proofs. Members: `i` stream of bytes, always
    ready; `break_off` in; `is_begun`: within a frame.
    """

    i: In(stream.Signature(8, always_ready=True))
    break_off: In(1)
    data: Out(8)
    valid: Out(1)
    end: Out(1)
    is_broken: Out(1)
    is_begun: Out(1)

    def __init__(self, most: int = MOST):
        self.most = most
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        left, is_code, is_full = Signal(8), Signal(init=1), Signal()
        byte, is_zero = (delay(m, value, 1) for value in (self.i.payload, self.i.payload == 0))
        is_byte, breaks_off = (delay(m, value, 1, reset=True) for value in (self.i.valid, self.break_off))
        is_end = breaks_off | (is_byte & is_zero)
        m.d.comb += self.is_broken.eq(~is_code | breaks_off)
        with m.If(is_end):
            m.d.comb += self.end.eq(self.is_begun)
            m.d.sync += [is_code.eq(1), self.is_begun.eq(0)]
        with m.Elif(is_byte):
            m.d.sync += self.is_begun.eq(1)
            with m.If(is_code):  # the zero that the block before stands for, as that was not the last one
                m.d.comb += self.valid.eq(self.is_begun & ~is_full)
                m.d.sync += [left.eq(byte - 1), is_code.eq(byte == 1), is_full.eq(byte == self.most + 1)]
            with m.Else():
                m.d.comb += [self.data.eq(byte), self.valid.eq(1)]
                m.d.sync += [left.eq(left - 1), is_code.eq(left == 1)]
        return m


class CobsEncoder(Component):
    """Stuffs a frame's bytes: takes a block, a byte a cycle, then gives its code and its bytes, one in three cycles.

    A frame has at least one byte. Parameters: `most`, as in `CobsDecoder`. Members: `i`, `o` streams of `FrameByte`.
    """

    i: In(stream.Signature(FrameByte))
    o: Out(stream.Signature(FrameByte))

    def __init__(self, most: int = MOST):
        self.most = most
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        m.submodules.block = block = Memory(shape=8, depth=self.most, init=[], attrs=ANY_ON_COLLISION)
        write, read = block.write_port(), block.read_port()
        length, n, is_end, is_last, is_zero = Signal(8), Signal(8), Signal(), Signal(), Signal()
        m.d.comb += [write.addr.eq(length), write.data.eq(self.i.payload.data), read.addr.eq(n)]
        byte = delay(m, read.data, 1)
        is_empty = Signal(init=1)
        is_final = is_last & ~is_zero  # a zero at the end of a frame is followed by an empty block

        with m.FSM():
            with m.State("FILL"):
                m.d.comb += self.i.ready.eq(1)
                with m.If(self.i.valid):
                    m.d.sync += [is_last.eq(self.i.payload.last), is_zero.eq(self.i.payload.data == 0)]
                    with m.If(self.i.payload.data != 0):
                        m.d.comb += write.en.eq(1)
                        m.d.sync += [length.eq(length + 1), is_empty.eq(0)]
                    with m.If((self.i.payload.data == 0) | self.i.payload.last | (length == self.most - 1)):
                        m.next = "CODE"
            with m.State("CODE"):
                m.d.comb += [self.o.valid.eq(1), self.o.payload.data.eq(length + 1),
                             self.o.payload.last.eq(is_empty & is_final)]
                m.d.sync += n.eq(0)
                with m.If(self.o.ready):
                    m.next = "FETCH"
                    with m.If(is_empty):
                        m.next = "NEXT"
            with m.State("FETCH"):  # a byte from the block
                m.d.sync += is_end.eq(n == length - 1)
                m.next = "WAIT"
            with m.State("WAIT"):
                m.next = "BYTE"
            with m.State("BYTE"):
                m.d.comb += [self.o.valid.eq(1), self.o.payload.data.eq(byte),
                             self.o.payload.last.eq(is_end & is_final)]
                with m.If(self.o.ready):
                    m.d.sync += n.eq(n + 1)
                    m.next = "FETCH"
                    with m.If(is_end):
                        m.next = "NEXT"
            with m.State("NEXT"):
                m.d.sync += [length.eq(0), is_empty.eq(1), is_zero.eq(0)]
                m.next = "FILL"
                with m.If(is_last & is_zero):
                    m.next = "CODE"
        return m
