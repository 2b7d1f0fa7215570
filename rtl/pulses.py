# SPDX-License-Identifier: Apache-2.0
"""Pulse generators of the digital half; mirrors golden."""
from functools import reduce
from operator import and_, or_

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib.wiring import Component, In, Out

from golden.config import TileConfig
from golden.pulses import Train
from rtl.formats import shape_of
from rtl.trains import TrainSource, train_members


class PulseWidth(Component):
    """Pulse width: line n is on for the first |code| slots, with the code's sign as its polarity.

    A slot is one comparison for equality a line: `restart` turns on the lines of non-zero codes, and every
    `advance` turns off those whose width has been played. Widths are kept bit by bit over all lines, which is
    the same logic and much less text than a counter a line.

    Members: `write`, `index`, `code` load one line; `restart`, `advance` in; `pulses`, `negative` out. `serial` is
    bit number `bit` of each line's magnitude, for bit-serial codes.
    """

    def __init__(self, config: TileConfig):
        self.config = config
        n = config.n_converters
        super().__init__({
            "write": In(1), "index": In(range(n)), "code": In(shape_of(config.code)),
            "restart": In(1), "advance": In(1), "pulses": Out(n), "negative": Out(n),
            "bit": In(3), "serial": Out(n),
        })

    def elaborate(self, platform):
        m = Module()
        n, bits = self.config.n_converters, self.config.code_bits - 1

        width, line = Signal(bits), Signal(n)
        planes = [Signal(n, name=f"plane_{bit}", reset_less=True) for bit in range(bits)]
        m.d.comb += [width.eq(Mux(self.code < 0, -self.code, self.code)), line.eq(1 << self.index)]
        with m.If(self.write):
            for plane, bit in zip((*planes, self.negative), (*width, self.code < 0), strict=True):
                m.d.sync += plane.eq(Mux(bit, plane | line, plane & ~line))

        played, is_over = Signal(bits), Signal(n)
        m.d.comb += is_over.eq(_all(~(plane ^ bit.replicate(n)) for plane, bit in zip(planes, played, strict=True)))
        with m.If(self.restart):
            m.d.sync += [played.eq(1), self.pulses.eq(_any(planes))]
        with m.Elif(self.advance):
            m.d.sync += [played.eq(played + 1), self.pulses.eq(self.pulses & ~is_over)]
        with m.Switch(self.bit):
            for number, plane in enumerate(planes):
                with m.Case(number):
                    m.d.comb += self.serial.eq(plane)
        return m


def _any(vectors):
    return reduce(or_, vectors)


def _all(vectors):
    return reduce(and_, vectors)


class PulseTrain(Component):
    """Trains on all rows and columns as a wire a line: gathers the beats of a `TrainSource`.

    Members: as of `TrainSource`, but for the beats; `row_pulses`, `col_pulses` of the slot that is `ready`,
    `row_negative`, `col_negative` out.
    """

    def __init__(self, config: TileConfig):
        self.config, self.source = config, TrainSource(config)
        self.chunks, self.row_chunks = self.source.chunks, self.source.row_chunks
        super().__init__({
            **train_members(config),
            "row_pulses": Out(config.rows), "col_pulses": Out(config.cols),
            "row_negative": Out(config.rows), "col_negative": Out(config.cols),
        })

    @property
    def latency(self) -> int:
        """Cycles from `start` to the first `ready`, beyond those of a slot."""
        return self.source.latency

    @property
    def slot_cycles(self) -> int:
        """Cycles that the beats of a slot take, at most, behind those of the slot before."""
        return self.source.slot_cycles

    def elaborate(self, platform):
        m = Module()
        lanes, source = self.config.lanes, self.source
        m.submodules.source = source
        for name, member in train_members(self.config).items():
            inner, outer = getattr(source, name), getattr(self, name)
            m.d.comb += inner.eq(outer) if member.flow == In else outer.eq(inner)

        pulses = [Signal(lanes, name=f"pulses_{chunk}", reset_less=True) for chunk in range(self.chunks)]
        for chunk, made in enumerate(pulses):
            with m.If(source.beat & (source.beat_chunk == chunk)):
                m.d.sync += made.eq(source.pulses)
        m.d.comb += [self.row_pulses.eq(Cat(pulses[:self.row_chunks])),
                     self.col_pulses.eq(Cat(pulses[self.row_chunks:]))]

        # polarities stand before the first slot
        negatives = [Signal(lanes, name=f"negative_{chunk}", reset_less=True) for chunk in range(self.chunks)]
        line, is_negative = Signal(lanes), Mux(self.kind == Train.WORDS, self.value[0], self.value < 0)
        m.d.comb += [line.eq(1 << self.lane), self.row_negative.eq(Cat(negatives[:self.row_chunks])),
                     self.col_negative.eq(Cat(negatives[self.row_chunks:]))]
        for chunk, negative in enumerate(negatives):
            with m.If(self.write & (self.chunk == chunk)):
                m.d.sync += negative.eq(Mux(is_negative, negative | line, negative & ~line))
        return m
