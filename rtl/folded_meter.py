# SPDX-License-Identifier: Apache-2.0
"""Slots and pulses of a folded tile, counted without a wire a line: by how many lines have which width."""
from amaranth.hdl import Module, Mux, Signal
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from golden.config import TileConfig
from rtl.analog_port import Mode
from rtl.formats import delay, popcount, shape_of
from rtl.memory import ANY_ON_COLLISION


class FoldedMeter(Component):
    """Counts what `Meter` counts, of codes and beats; each slot is counted four cycles later.

    While a vector of codes comes, it counts the lines of each width and those with each bit set. In the first slot all
    lines that are not zero are on, and behind each slot those rest whose width has been played.

    Members: `code_write`, `code_line`, `code`; `start`; `take_slot`, `slot`, `mode`, `by_bit` and `bit` of the slot
    that is taken; `beat`, `beat_is_row`, `pulses` of the next slot in; increments of the counters of their names out.
    """

    latency = 4
    """Cycles from a slot to its counts."""
    counts = ("slots", "row_pulses", "col_pulses", "update_row_pulses", "update_col_pulses")

    def __init__(self, config: TileConfig, beat_lines: int):
        self.config, self.beat_lines = config, beat_lines
        n = config.n_converters
        rows, cols = range(config.rows + 1), range(config.cols + 1)
        super().__init__({
            "code_write": In(1), "code_line": In(range(n)), "code": In(shape_of(config.code)),
            "start": In(1), "take_slot": In(1), "slot": In(1), "mode": In(Mode), "by_bit": In(1), "bit": In(3),
            "beat": In(1), "beat_is_row": In(1), "pulses": In(beat_lines),
            "slots": Out(1), "row_pulses": Out(rows), "col_pulses": Out(cols),
            "update_row_pulses": Out(rows), "update_col_pulses": Out(cols),
        })

    def elaborate(self, platform):
        m = Module()
        on = self._widths(m)
        update_rows, update_cols = self._trains(m)

        is_slot = delay(m, self.slot, 3, reset=True)
        is_update = self.mode == Mode.UPDATE
        rows, cols = (Mux(is_update, trained, Mux(self.mode == mode, on, 0)) for trained, mode in
                      ((update_rows, Mode.FORWARD), (update_cols, Mode.BACKWARD)))
        m.d.sync += [
            self.slots.eq(is_slot), self.row_pulses.eq(Mux(is_slot, rows, 0)),
            self.col_pulses.eq(Mux(is_slot, cols, 0)),
            self.update_row_pulses.eq(Mux(is_slot & is_update, update_rows, 0)),
            self.update_col_pulses.eq(Mux(is_slot & is_update, update_cols, 0)),
        ]
        return m

    def _widths(self, m: Module):
        """Lines that are on in a slot of codes, three cycles behind its strobe."""
        config, n = self.config, self.config.n_converters
        bits = config.code_bits - 1
        m.submodules.widths = widths = Memory(shape=range(n + 1), depth=1 << bits, init=[],
                                              attrs=ANY_ON_COLLISION)
        write, read = widths.write_port(), widths.read_port()
        width, is_new = Signal(bits), self.code_line == 0
        m.d.comb += width.eq(Mux(self.code < 0, -self.code, self.code))

        # one more line of a width; the count that was written last has not reached the memory yet
        is_known, last_width, last_count = Signal(1 << bits), Signal(bits, reset_less=True), Signal(range(n + 1))
        this_width, is_counted = delay(m, width, 1), delay(m, self.code_write, 1, reset=True)
        was_known, is_first = Signal(), delay(m, is_new, 1)
        count = Mux(was_known & ~is_first, Mux(this_width == last_width, last_count, read.data), 0) + 1
        m.d.comb += [write.addr.eq(this_width), write.data.eq(count), write.en.eq(is_counted)]
        with m.If(self.code_write):
            m.d.sync += [was_known.eq(is_known.bit_select(width, 1)),
                         is_known.eq(Mux(is_new, 0, is_known) | (1 << width))]
        with m.If(is_counted):
            m.d.sync += [last_width.eq(this_width), last_count.eq(count)]

        lines = Signal(range(n + 1))
        ones = [Signal(range(n + 1), name=f"ones_{bit}") for bit in range(bits)]
        with m.If(self.code_write):
            for total, bit in ((lines, width.any()), *zip(ones, width, strict=True)):
                m.d.sync += total.eq(Mux(is_new, 0, total) + bit)

        # behind each slot those rest whose width has been played
        on, played, by_bit = Signal(range(n + 1)), Signal(bits), Signal(range(n + 1))
        is_slot = delay(m, self.slot, 1, reset=True)
        m.d.comb += read.addr.eq(Mux(self.code_write, width, played))
        ended = Mux(delay(m, is_known.bit_select(played, 1), 1), read.data, 0)
        with m.If(self.start):
            m.d.sync += [played.eq(1), on.eq(lines)]
        with m.Elif(self.slot):
            m.d.sync += played.eq(played + 1)
        amount, which = Signal.like(on), Signal(3)
        with m.If(self.take_slot):
            m.d.sync += which.eq(self.bit)
        with m.Switch(which):
            for bit, total in enumerate(ones):
                with m.Case(bit):
                    m.d.comb += by_bit.eq(total)
        this_bit = delay(m, by_bit, 1)
        with m.If(is_slot):
            m.d.sync += [amount.eq(Mux(self.by_bit, this_bit, on)), on.eq(on - ended)]
        return delay(m, amount, 1)

    def _trains(self, m: Module) -> tuple[Signal, Signal]:
        """Rows and columns that are on in a slot of an update, three cycles behind its strobe."""
        n_pulses = Signal(range(self.beat_lines + 1), reset_less=True)
        m.d.sync += n_pulses.eq(popcount(self.pulses))
        is_beat, is_row, is_taken = (delay(m, self.beat, 1, reset=True), delay(m, self.beat_is_row, 1),
                                     delay(m, self.take_slot, 1, reset=True))
        found = []
        for side, is_meant in (("row", is_row), ("col", ~is_row)):
            most = range((self.config.rows if side == "row" else self.config.cols) + 1)
            coming, taken = Signal(most, name=f"coming_{side}"), Signal(most, name=f"taken_{side}")
            more = Mux(is_beat & is_meant, n_pulses, 0)
            m.d.sync += coming.eq(Mux(is_taken, 0, coming) + more)
            with m.If(self.start):
                m.d.sync += coming.eq(0)
            with m.If(is_taken):
                m.d.sync += taken.eq(coming)
            found.append(delay(m, taken, 2))  # the next slot may be taken while this one strobes
        return found[0], found[1]
