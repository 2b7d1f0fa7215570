# SPDX-License-Identifier: Apache-2.0
"""Pulses in an array that has its own drivers, and the walk over the cross-points where they coincide."""
from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from golden.config import MAX_BL, TileConfig
from rtl.macro_port import MacroPort
from rtl.memory import ANY_ON_COLLISION


class _Words(Component):
    """Words of P pulses and their polarities, written in order, a beat at a time."""

    def __init__(self, lanes: int, beat_lines: int, depth: int):
        self.lanes, self.beat_lines, self.depth = lanes, beat_lines, depth
        super().__init__({
            "clear": In(1), "write": In(1), "new_pulses": In(beat_lines), "new_negatives": In(beat_lines),
            "fetch": In(1), "address": In(range(depth)), "pulses": Out(lanes), "negatives": Out(lanes),
        })

    def elaborate(self, platform):
        m = Module()
        at, part = Signal(range(self.depth)), Signal(range(self.lanes // self.beat_lines))
        with m.If(self.clear):
            m.d.sync += [at.eq(0), part.eq(0)]
        with m.Elif(self.write):
            m.d.sync += part.eq(part + 1)
            with m.If(part == self.lanes // self.beat_lines - 1):
                m.d.sync += [part.eq(0), at.eq(at + 1)]
        for name, new in (("pulses", self.new_pulses), ("negatives", self.new_negatives)):
            m.submodules[name] = memory = Memory(shape=self.lanes, depth=self.depth, init=[], attrs=ANY_ON_COLLISION)
            write, read = memory.write_port(granularity=self.beat_lines), memory.read_port()
            m.d.comb += [write.addr.eq(at), write.data.eq(new.replicate(self.lanes // self.beat_lines)),
                         write.en.eq(self.write << part), read.addr.eq(self.address), read.en.eq(self.fetch),
                         getattr(self, name).eq(read.data)]
        return m


class PulseWalk(Component):
    """Keeps the beats of an update's slots, and visits all chunks of each row that pulses in a slot that was played.

    A visit a cycle: for each slot, for each of its pulsed rows, K = ceil(C / P) chunks; a word of P rows costs two
    cycles where none of them pulses. The walk goes on while the window is open, a slot behind the one that is played.

        rows' words -> lowest pulse -> its number -> chunk after chunk -> columns' words -> visit

    Members: `clear` between updates; `write`, `beat`, `pulses`, `negatives` as in `MacroPort`; `slot`, a strobe, and
    `ended`, the window is closed, in. `coincide` with `place`, `row`, `chunk`, `slot_number`, `mask`, `up`, which stand
    while `blocked`; `done` when all that was played has been visited.
    """

    def __init__(self, config: TileConfig):
        self.config, port = config, MacroPort(config)
        self.row_chunks, self.beat_lines, self.beats = -(-config.rows // config.lanes), port.beat_lines, port.beats
        chunks, lanes = self.row_chunks + config.chunks, config.lanes
        super().__init__({
            "clear": In(1), "write": In(1), "beat": In(range(chunks * self.beats)), "pulses": In(self.beat_lines),
            "negatives": In(self.beat_lines), "slot": In(1), "ended": In(1), "done": Out(1),
            "coincide": Out(1), "blocked": In(1), "place": Out(range(config.rows * config.chunks)),
            "row": Out(range(config.rows)), "chunk": Out(range(config.chunks)), "slot_number": Out(range(MAX_BL + 1)),
            "mask": Out(lanes), "up": Out(lanes),
        })

    def elaborate(self, platform):
        m = Module()
        lanes, row_chunks, chunks = self.config.lanes, self.row_chunks, self.config.chunks
        is_row = self.beat < row_chunks * self.beats
        rows = self._store(m, "rows", MAX_BL * row_chunks, is_row)
        columns = self._store(m, "columns", MAX_BL * chunks, ~is_row)
        n_played = Signal(range(MAX_BL + 1))
        with m.If(self.clear):
            m.d.sync += n_played.eq(0)
        with m.Elif(self.slot):
            m.d.sync += n_played.eq(n_played + 1)

        # the pulsed rows, a word of P after the other, the lowest first; the next word is fetched meanwhile
        word, negatives = Signal(lanes), Signal(lanes)
        slot, next_slot = Signal(range(MAX_BL + 1)), Signal(range(MAX_BL + 1))
        number, next_number, is_fetched = Signal(range(row_chunks)), Signal(range(row_chunks)), Signal()
        rest, is_found, is_taken, fetched = Signal(lanes), Signal(), Signal(), Signal.like(rows.address)
        is_moving = ~is_found | is_taken
        lowest, found_negatives = Signal(lanes, reset_less=True), Signal(lanes, reset_less=True)
        found_number, found_slot = Signal.like(number, reset_less=True), Signal.like(slot, reset_less=True)
        m.d.comb += [rest.eq(word & (word - 1)), rows.address.eq(fetched), rows.fetch.eq(1)]
        m.d.sync += is_fetched.eq(1)
        with m.If(self.clear):
            m.d.sync += [word.eq(0), next_slot.eq(0), next_number.eq(0), fetched.eq(0), is_fetched.eq(0),
                         is_found.eq(0)]
        with m.Elif(is_moving):
            m.d.sync += [lowest.eq(word & ~rest), found_negatives.eq(negatives), found_number.eq(number),
                         found_slot.eq(slot), is_found.eq(word.any()), word.eq(rest)]
            with m.If(~rest.any() & (next_slot != n_played) & is_fetched):
                m.d.sync += [word.eq(rows.pulses), negatives.eq(rows.negatives), number.eq(next_number),
                             slot.eq(next_slot), fetched.eq(fetched + 1), is_fetched.eq(0),
                             next_number.eq(next_number + 1)]
                with m.If(next_number == row_chunks - 1):
                    m.d.sync += [next_number.eq(0), next_slot.eq(next_slot + 1)]

        # its number: the lines of a word by the bits of their number
        steps = ~self.blocked
        row, is_negative, row_slot, is_row_valid = (Signal.like(self.row), Signal(), Signal.like(slot), Signal())
        is_row_taken = Signal()
        place_in_word = Cat(Cat(lowest[line] for line in range(lanes) if line >> bit & 1).any()
                            for bit in range((lanes - 1).bit_length()))
        m.d.comb += is_taken.eq(is_found & (~is_row_valid | is_row_taken))
        with m.If(self.clear):
            m.d.sync += is_row_valid.eq(0)
        with m.Elif(is_taken):
            m.d.sync += [row.eq(found_number * lanes + place_in_word), is_row_valid.eq(1), row_slot.eq(found_slot),
                         is_negative.eq((lowest & found_negatives).any())]
        with m.Elif(is_row_taken):
            m.d.sync += is_row_valid.eq(0)

        # chunk after chunk of that row
        is_visiting, chunk, base, column_base = Signal(), Signal.like(self.chunk), Signal.like(self.place), Signal(
            range(MAX_BL * chunks))
        this_row, this_slot, this_negative, is_last = (Signal.like(row), Signal.like(slot), Signal(), Signal())
        m.d.comb += [is_last.eq(chunk == chunks - 1), is_row_taken.eq(is_row_valid & steps & (~is_visiting | is_last))]
        with m.If(self.clear):
            m.d.sync += is_visiting.eq(0)
        with m.Elif(is_row_taken):
            m.d.sync += [is_visiting.eq(1), chunk.eq(0), base.eq(row * chunks), column_base.eq(row_slot * chunks),
                         this_row.eq(row), this_slot.eq(row_slot), this_negative.eq(is_negative)]
        with m.Elif(steps & is_visiting):
            m.d.sync += [chunk.eq(chunk + 1), is_visiting.eq(~is_last)]

        # its columns' pulses
        is_coming = Signal()
        m.d.comb += [columns.address.eq(column_base + chunk), columns.fetch.eq(steps)]
        late = Signal(data.StructLayout({"place": self.place.shape(), "row": self.row.shape(),
                                         "chunk": self.chunk.shape(), "slot": slot.shape(), "negative": 1}))
        with m.If(steps):
            m.d.sync += [
                is_coming.eq(is_visiting), late.place.eq(base + chunk), late.row.eq(this_row), late.chunk.eq(chunk),
                late.slot.eq(this_slot), late.negative.eq(this_negative),
                self.coincide.eq(is_coming), self.place.eq(late.place), self.row.eq(late.row),
                self.chunk.eq(late.chunk), self.slot_number.eq(late.slot), self.mask.eq(columns.pulses),
                self.up.eq(columns.negatives ^ late.negative.replicate(lanes)),
            ]
        is_empty = ~(word.any() | is_found | is_row_valid | is_visiting | is_coming | self.coincide)
        m.d.comb += self.done.eq(self.ended & (next_slot == n_played) & is_empty)
        return m

    def _store(self, m: Module, name: str, depth: int, is_meant) -> "_Words":
        """A memory of the words of one side."""
        m.submodules[name] = words = _Words(self.config.lanes, self.beat_lines, depth)
        m.d.comb += [words.clear.eq(self.clear), words.write.eq(self.write & is_meant),
                     words.new_pulses.eq(self.pulses), words.new_negatives.eq(self.negatives)]
        return words
