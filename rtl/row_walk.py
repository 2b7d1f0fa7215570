# SPDX-License-Identifier: Apache-2.0
"""The rows that pulse in the slots of an update, one after the other."""
from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Module, ResetInserter, Signal, Value
from amaranth.lib import data, stream
from amaranth.lib.wiring import Component, In, Out, connect, flipped

from golden.config import MAX_BL, TileConfig
from rtl.stream import StreamRegister

_PART = 8
"""Lines among which the lowest is found in a cycle."""


class RowWalk(Component):
    """Lists the rows that pulse in the slots that were played, slot after slot, the lowest row first.

    A row a cycle, but at least two cycles for a word of P rows, and one more than it has parts with a pulse.
    The next word is fetched meanwhile, and a register says whether a pulse is the last one of its part.

        words -> parts of 8 lines that pulse -> lowest pulse -> its number

    In a rolled tile words are not divided, and follow from their memory without a register.

    Members: `clear` between updates; `n_played` slots in; `address` of a word of a slot out, its `pulses` and
    `negatives` in a cycle later; `o`, the rows; `done` when those of all that was played were given.
    """

    def __init__(self, config: TileConfig):
        self.config, self.row_chunks = config, -(-config.rows // config.lanes)
        self.part_lines = config.lanes if config.rolled else min(config.lanes, _PART)
        self.parts = -(-config.lanes // self.part_lines)
        slot = range(MAX_BL + 1)
        self._part = data.StructLayout({
            "pulses": self.part_lines, "negatives": self.part_lines, "number": range(self.parts),
            "word": range(self.row_chunks), "slot": slot,
        })
        super().__init__({
            "clear": In(1), "n_played": In(slot), "address": Out(range(config.max_bl * self.row_chunks)),
            "pulses": In(config.lanes), "negatives": In(config.lanes), "done": Out(1),
            "o": Out(stream.Signature(data.StructLayout({"row": range(config.rows), "negative": 1, "slot": slot}))),
        })

    @property
    def latency(self) -> int:
        """Cycles from a slot that was played to its first row."""
        return 4 if self.config.rolled else 7

    def elaborate(self, platform):
        m = Module()
        is_part, is_part_taken, part = Signal(), Signal(), Signal(self._part)
        is_empty = self._parts(m, is_part, is_part_taken, part) if not self.config.rolled else (
            self._fetch(m, is_part, is_part_taken, part))

        # the lowest pulse of a part
        at, is_last = Signal(self._part), Signal(init=1)
        lines, rest = at.pulses, at.pulses & (at.pulses - 1)
        is_found, is_taken, found = Signal(), Signal(), Signal(self._part, reset_less=True)
        is_moving = ~is_found | is_taken
        m.d.comb += is_part_taken.eq(is_part & is_moving & is_last)
        with m.If(self.clear):
            m.d.sync += [lines.eq(0), is_last.eq(1), is_found.eq(0)]
        with m.Elif(is_moving):
            m.d.sync += [found.eq(at), found.pulses.eq(lines & ~rest), is_found.eq(lines.any()), lines.eq(rest),
                         is_last.eq(~_at_least(lines, 3))]
            with m.If(is_part_taken):
                m.d.sync += [at.eq(part), is_last.eq(~_at_least(part.pulses, 2))]

        # its number: the lines of a part by the bits of their number
        line = Cat(Cat(found.pulses[line] for line in range(self.part_lines) if line >> bit & 1).any()
                   for bit in range((self.part_lines - 1).bit_length()))
        row = {"row": found.word * self.config.lanes + Cat(line, found.number), "slot": found.slot,
               "negative": (found.pulses & found.negatives).any()}
        self._give(m, is_found, is_taken, row)
        m.d.comb += self.done.eq(is_empty & ~(lines.any() | is_found | self.o.valid))
        return m

    def _give(self, m: Module, is_found, is_taken, row: dict):
        """A row through a register, whose `ready` looks ahead in a rolled tile alone: much waits for it."""
        if not self.config.rolled:
            register = StreamRegister(self.o.payload.shape())
            m.submodules.register = ResetInserter(self.clear)(register)
            connect(m, register.o, flipped(self.o))
            m.d.comb += [register.i.valid.eq(is_found), is_taken.eq(is_found & register.i.ready),
                         *(register.i.payload[name].eq(value) for name, value in row.items())]
            return
        m.d.comb += is_taken.eq(is_found & (~self.o.valid | self.o.ready))
        with m.If(self.clear):
            m.d.sync += self.o.valid.eq(0)
        with m.Elif(is_taken):
            m.d.sync += [self.o.valid.eq(1), *(self.o.payload[name].eq(value) for name, value in row.items())]
        with m.Elif(self.o.ready):
            m.d.sync += self.o.valid.eq(0)

    def _fetch(self, m: Module, is_there, is_taken, word) -> Value:
        """Word after word of the slots that were played, every other cycle at most; whether there is none to come."""
        slot, number = Signal.like(self.n_played), Signal(range(self.row_chunks))
        has_more = slot != self.n_played
        m.d.comb += [word.pulses.eq(self.pulses), word.negatives.eq(self.negatives), word.word.eq(number),
                     word.slot.eq(slot)]
        with m.If(self.clear):
            m.d.sync += [is_there.eq(0), slot.eq(0), number.eq(0), self.address.eq(0)]
        with m.Elif(is_taken):
            m.d.sync += [is_there.eq(0), self.address.eq(self.address + 1), number.eq(number + 1)]
            with m.If(number == self.row_chunks - 1):
                m.d.sync += [number.eq(0), slot.eq(slot + 1)]
        with m.Else():
            m.d.sync += is_there.eq(has_more)
        return ~has_more

    def _parts(self, m: Module, is_part, is_taken, part) -> Value:
        """Those parts of a word that pulse. Words meet a register before and after, which waits for none behind it."""
        shape = data.StructLayout({"pulses": data.ArrayLayout(self.part_lines, self.parts),
                                   "negatives": data.ArrayLayout(self.part_lines, self.parts),
                                   "word": range(self.row_chunks), "slot": self.n_played.shape()})
        is_there, fetched, is_new, new = Signal(), Signal(shape), Signal(), Signal(shape, reset_less=True)
        none_to_come = self._fetch(m, is_there, is_there & ~is_new, fetched)
        word, left = Signal(shape, reset_less=True), Signal(self.parts)
        with m.If(self.clear):
            m.d.sync += [is_new.eq(0), left.eq(0), is_part.eq(0)]
        with m.Else():
            with m.If(~is_part | is_taken):
                lowest = left & ~(left - 1)
                m.d.sync += [is_part.eq(left.any()), left.eq(left & (left - 1)), part.word.eq(word.word),
                             part.slot.eq(word.slot),
                             part.number.eq(Cat(Cat(lowest[n] for n in range(self.parts) if n >> bit & 1).any()
                                                for bit in range((self.parts - 1).bit_length())))]
                for name in ("pulses", "negatives"):
                    m.d.sync += part[name].eq(reduce(or_, (word[name][n] & lowest[n].replicate(self.part_lines)
                                                           for n in range(self.parts))))
            with m.If(~left.any()):
                m.d.sync += [word.eq(new), left.eq(Cat(lines.any() for lines in new.pulses) & is_new.replicate(
                    self.parts))]
            with m.If(~is_new):
                m.d.sync += [new.eq(fetched), is_new.eq(is_there)]
            with m.Elif(~left.any()):
                m.d.sync += is_new.eq(0)
        return none_to_come & ~(is_new | left.any() | is_part)


def _at_least(lines: Value, n: int) -> Value:
    """Whether so many lines are on: of halves, which are counted side by side."""
    if n <= 1 or n > len(lines):
        return lines.any() if n == 1 else Const(n <= 0, 1)
    low, high = lines[:len(lines) // 2], lines[len(lines) // 2:]
    return reduce(or_, (_at_least(low, k) & _at_least(high, n - k) for k in range(n + 1)))
