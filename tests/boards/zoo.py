# SPDX-License-Identifier: Apache-2.0
"""Memories and multipliers of many kinds behind streams, for synthesis to find its cells for."""
from amaranth.hdl import Array, Cat, Module, Mux, Signal, signed
from amaranth.lib import stream
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from rtl.stream import StreamWord

INIT = 0x9E3779B97F4A7C15


class Piece:
    """Some logic of a zoo: `build` gives its output, of words before, at most 96 bits."""

    def build(self, m: Module, data, valid):
        raise NotImplementedError


class Ram(Piece):
    """A memory with a write port and a read port: `granularity` of write enables; `one_address` for both ports;
    `transparent` where a read shows what is written meanwhile; a ROM if not `writes`.
    """

    def __init__(self, width: int, depth: int, *, granularity: int | None = None, one_address: bool = False,
                 transparent: bool = False, writes: bool = True):
        self.width, self.depth, self.granularity = width, depth, granularity
        self.one_address, self.transparent, self.writes = one_address, transparent, writes

    def build(self, m, data, valid):
        words = [INIT * (n + 1) & (1 << self.width) - 1 for n in range(self.depth)]
        m.submodules += (memory := Memory(shape=self.width, depth=self.depth, init=words))
        # few addresses, far apart, so that most reads find what was written, often just now
        n = (self.depth - 1).bit_length()
        address = Cat(data[0:2], (data[2] & 1).replicate(n - 4), data[3:5])
        other = address if self.one_address else Cat(data[5:7], (data[7] & 1).replicate(n - 4), data[8:10])
        transparent_for = []
        if self.writes:
            write = memory.write_port(granularity=self.granularity)
            m.d.comb += [write.addr.eq(address), write.data.eq(Cat(data, ~data, data)[3:3 + self.width]),
                         write.en.eq(Mux(valid, data[10:10 + len(write.en)], 0))]
            transparent_for = [write] if self.transparent else []
        read = memory.read_port(transparent_for=transparent_for)
        m.d.comb += [read.addr.eq(other), read.en.eq(valid & data[31])]
        return read.data


class Product(Piece):
    """A product of operands of these widths, negative for signed ones."""

    def __init__(self, a: int, b: int):
        self.a, self.b = a, b

    def build(self, m, data, valid):
        a, b = (Signal(signed(-n) if n < 0 else n) for n in (self.a, self.b))
        product = Signal(abs(self.a) + abs(self.b))
        m.d.sync += product.eq(a * b)  # of products that are looked at by turns, synthesis would make one
        with m.If(valid):
            m.d.sync += [a.eq(Cat(data, data, data)), b.eq(Cat(data, ~data)[abs(self.a) % 32:])]
        return product


class Zoo(Component):
    """Gives the output of one of `pieces` for each word; the first word of a packet says of which."""

    i: In(stream.Signature(StreamWord))
    o: Out(stream.Signature(StreamWord))

    def __init__(self, pieces):
        self.pieces = pieces
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        data, valid, chosen = self.i.payload.data, self.i.valid, Signal(range(len(self.pieces)))
        outputs = [piece.build(m, data, valid) for piece in self.pieces]
        folded = [output[:32] ^ output[32:64] ^ output[64:] for output in outputs]
        with m.If(valid & self.i.payload.first):
            m.d.sync += chosen.eq(data)
        m.d.comb += [self.i.ready.eq(1), self.o.payload.data.eq(Array(folded)[chosen])]
        m.d.sync += [self.o.valid.eq(valid), self.o.payload.first.eq(self.i.payload.first),
                     self.o.payload.last.eq(self.i.payload.last)]
        return m
