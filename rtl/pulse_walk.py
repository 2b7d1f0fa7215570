# SPDX-License-Identifier: Apache-2.0
"""Pulses in an array that has its own drivers, and the walk over the cross-points where they coincide."""
from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import data
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from golden.config import MAX_BL, TileConfig
from rtl.macro_port import MacroPort
from rtl.memory import ANY_ON_COLLISION
from rtl.row_walk import RowWalk


class _Words(Component):
    """Words of P pulses and their polarities, written in order, a beat at a time; of one line they are collected first,
    as small block RAMs have no bits that can be written alone.
    """

    def __init__(self, lanes: int, beat_lines: int, depth: int):
        self.lanes, self.beat_lines, self.depth = lanes, beat_lines, depth
        super().__init__({
            "clear": In(1), "write": In(1), "new_pulses": In(beat_lines), "new_negatives": In(beat_lines),
            "fetch": In(1), "address": In(range(depth)), "pulses": Out(lanes), "negatives": Out(lanes),
        })

    def elaborate(self, platform):
        m = Module()
        at, part = Signal(range(self.depth)), Signal(range(self.lanes // self.beat_lines))
        is_last = part == self.lanes // self.beat_lines - 1
        with m.If(self.clear):
            m.d.sync += [at.eq(0), part.eq(0)]
        with m.Elif(self.write):
            m.d.sync += part.eq(part + 1)
            with m.If(is_last):
                m.d.sync += [part.eq(0), at.eq(at + 1)]
        if self.beat_lines == 1:
            self._collect(m, at, is_last)
            return m
        for name, new in (("pulses", self.new_pulses), ("negatives", self.new_negatives)):
            m.submodules[name] = memory = Memory(shape=self.lanes, depth=self.depth, init=[], attrs=ANY_ON_COLLISION)
            write, read = memory.write_port(granularity=self.beat_lines), memory.read_port()
            m.d.comb += [write.addr.eq(at), write.data.eq(new.replicate(self.lanes // self.beat_lines)),
                         write.en.eq(self.write << part), read.addr.eq(self.address), read.en.eq(self.fetch),
                         getattr(self, name).eq(read.data)]
        return m

    def _collect(self, m: Module, at: Signal, is_last: Value):
        """Line after line to a word, and that into one memory."""
        word = data.StructLayout({"pulses": self.lanes, "negatives": self.lanes})
        m.submodules.words = memory = Memory(shape=word, depth=self.depth, init=[], attrs=ANY_ON_COLLISION)
        write, read = memory.write_port(), memory.read_port()
        before = Signal(word, reset_less=True)
        with m.If(self.write):
            m.d.sync += before.eq(write.data)
        m.d.comb += [
            write.addr.eq(at), write.en.eq(self.write & is_last), read.addr.eq(self.address), read.en.eq(self.fetch),
            write.data.pulses.eq(Cat(before.pulses[1:], self.new_pulses)), self.pulses.eq(read.data.pulses),
            write.data.negatives.eq(Cat(before.negatives[1:], self.new_negatives)),
            self.negatives.eq(read.data.negatives),
        ]


class PulseWalk(Component):
    """Keeps the beats of an update's slots, and visits all chunks of each row that pulses in a slot that was played.

    A visit a cycle: for each slot, for each of its pulsed rows, K = ceil(C / P) chunks; a word of P rows costs two
    cycles at most beyond those of its visits. The walk goes on while the window is open, a slot behind the one that is
    played; a visit comes `latency` cycles behind its slot's strobe at the earliest.

        rows' words -> RowWalk -> chunk after chunk -> visit -> columns' words, as it begins

    Members: `clear` between updates; `write`, `beat`, `pulses`, `negatives` as in `MacroPort`; `slot`, a strobe, and
    `ended`, the window is closed, in. `coincide` with `place`, `row`, `chunk`, `slot_number`, its row's polarity
    `negative` and the `word` of its columns, which stand while `blocked`; `done` when all that was played has been
    visited. Where `fetch`, `column_pulses` and `column_negatives` of the word at `address` come a cycle later, and
    stand until the next: so what is blocked is not as wide as the lanes.
    """

    def __init__(self, config: TileConfig):
        self.config, port = config, MacroPort(config)
        self.row_walk, self.beat_lines, self.beats = RowWalk(config), port.beat_lines, port.beats
        self.row_chunks = self.row_walk.row_chunks
        chunks, word = self.row_chunks + config.chunks, range(config.max_bl * config.chunks)
        super().__init__({
            "clear": In(1), "write": In(1), "beat": In(range(chunks * self.beats)), "pulses": In(self.beat_lines),
            "negatives": In(self.beat_lines), "slot": In(1), "ended": In(1), "done": Out(1),
            "coincide": Out(1), "blocked": In(1), "place": Out(range(config.rows * config.chunks)),
            "row": Out(range(config.rows)), "chunk": Out(range(config.chunks)), "slot_number": Out(range(MAX_BL + 1)),
            "negative": Out(1), "word": Out(word), "fetch": In(1), "address": In(word),
            "column_pulses": Out(config.lanes), "column_negatives": Out(config.lanes),
        })

    @property
    def latency(self) -> int:
        return 3 + self.row_walk.latency

    def elaborate(self, platform):
        m = Module()
        row_chunks, chunks = self.row_chunks, self.config.chunks
        is_row = self.beat < row_chunks * self.beats
        rows = self._store(m, "rows", self.config.max_bl * row_chunks, is_row)
        columns = self._store(m, "columns", self.config.max_bl * chunks, ~is_row)
        m.submodules.row_walk = row_walk = self.row_walk
        m.d.comb += [row_walk.clear.eq(self.clear), row_walk.pulses.eq(rows.pulses), rows.fetch.eq(1),
                     row_walk.negatives.eq(rows.negatives), rows.address.eq(row_walk.address),
                     columns.fetch.eq(self.fetch), columns.address.eq(self.address),
                     self.column_pulses.eq(columns.pulses), self.column_negatives.eq(columns.negatives)]
        with m.If(self.clear):
            m.d.sync += row_walk.n_played.eq(0)
        with m.Elif(self.slot):
            m.d.sync += row_walk.n_played.eq(row_walk.n_played + 1)

        # chunk after chunk of a row
        steps, row, is_row_taken = ~self.blocked, row_walk.o.payload, row_walk.o.ready
        visit = data.StructLayout({"valid": 1, "place": self.place.shape(), "row": self.row.shape(),
                                   "chunk": self.chunk.shape(), "slot": row.slot.shape(), "negative": 1,
                                   "word": self.word.shape()})
        at, is_last = Signal(visit), Signal()
        m.d.comb += is_row_taken.eq(steps & (~at.valid | is_last))
        with m.If(self.clear):
            m.d.sync += at.valid.eq(0)
        with m.Elif(is_row_taken):
            m.d.sync += [
                at.valid.eq(row_walk.o.valid), at.place.eq(row.row * chunks), at.row.eq(row.row), at.chunk.eq(0),
                at.slot.eq(row.slot), at.negative.eq(row.negative), at.word.eq(row.slot * chunks),
                is_last.eq(chunks == 1),
            ]
        with m.Elif(steps):
            m.d.sync += [at.chunk.eq(at.chunk + 1), is_last.eq(at.chunk + 2 == chunks)]
        with m.If(steps):
            m.d.sync += [
                self.coincide.eq(at.valid), self.place.eq(at.place + at.chunk), self.row.eq(at.row),
                self.chunk.eq(at.chunk), self.slot_number.eq(at.slot), self.negative.eq(at.negative),
                self.word.eq(at.word + at.chunk),
            ]
        m.d.comb += self.done.eq(self.ended & row_walk.done & ~(at.valid | self.coincide))
        return m

    def _store(self, m: Module, name: str, depth: int, is_meant) -> "_Words":
        """A memory of the words of one side."""
        m.submodules[name] = words = _Words(self.config.lanes, self.beat_lines, depth)
        m.d.comb += [words.clear.eq(self.clear), words.write.eq(self.write & is_meant),
                     words.new_pulses.eq(self.pulses), words.new_negatives.eq(self.negatives)]
        return words
