# SPDX-License-Identifier: Apache-2.0
"""What the array is asked to do, counted at its port: slots, pulses, and cross-points while programming."""
from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib.wiring import Component, In, Out

from golden.config import TileConfig
from rtl.analog_port import AnalogPort, Bias, Mode
from rtl.dsp import levels, tree
from rtl.formats import delay, popcount

_WORD = 8
"""Lines that are counted in one cycle; then pairs of counts are added up, one level a cycle."""


class Meter(Component):
    """Listens to an `AnalogPort`; each slot is counted `latency` cycles later.

    In a slot with r rows and c columns on, while programming, r * c cross-points are pulsed; half-selected are those
    that see a part of the voltage: with V/2 those in a line that is on, but not both, r * (C - c) + c * (R - r); with
    V/3 all that are not pulsed, R * C - r * c.

    Members: `port` in; increments of the counters of `counts` out, those of `slots`, `row_pulses`, `col_pulses`,
    `update_row_pulses`, `update_col_pulses`, `program_pulses`, `half_selects` that the tile has.
    """

    def __init__(self, config: TileConfig):
        self.config = config
        rows, cols, points = (range(n + 1) for n in (config.rows, config.cols, config.rows * config.cols))
        shapes = {"slots": 1, "row_pulses": rows, "col_pulses": cols, "update_row_pulses": rows,
                  "update_col_pulses": cols, "program_pulses": points, "half_selects": points}
        self.counts = [name for name in shapes if name in config.counters]
        super().__init__({"port": In(AnalogPort(config)), **{name: Out(shapes[name]) for name in self.counts}})

    @property
    def _levels(self) -> int:
        """Cycles to count the lines of a side."""
        return 2 + levels(-(-self.config.n_converters // _WORD))

    @property
    def latency(self) -> int:
        """Cycles from a slot to its counts."""
        return self._levels + 3

    def elaborate(self, platform):
        m = Module()
        config, port, n_levels = self.config, self.port, self._levels
        n_rows, n_cols = config.rows, config.cols

        def late(value):
            return delay(m, value, n_levels)

        is_slot = delay(m, port.slot, n_levels, reset=True)
        is_programming, is_updating = late(port.mode == Mode.PROGRAM), late(port.mode == Mode.UPDATE)
        is_half, is_third = late(port.half_select == Bias.HALF), late(port.half_select == Bias.THIRD)
        rows, cols = self._count(m, "rows", port.row_pulse), self._count(m, "cols", port.col_pulse)

        # a row or all rows are on while programming, so that products are with constants
        is_all = Signal(reset_less=True)
        of_all, of_others = (Signal(range(n_rows * n_cols + 1), reset_less=True) for _ in range(2))
        m.d.sync += [is_all.eq(rows == n_rows), of_all.eq(cols * n_rows), of_others.eq(n_cols + cols * (n_rows - 2))]
        few = delay(m, cols, 1)
        pulsed, half = (Signal(range(n_rows * n_cols + 1), reset_less=True) for _ in range(2))
        m.d.sync += pulsed.eq(Mux(is_all, of_all, few))
        with m.If(delay(m, is_third, 1) | is_all):
            m.d.sync += half.eq(n_rows * n_cols - Mux(is_all, of_all, few))
        with m.Else():
            m.d.sync += half.eq(of_others)

        def later(value):
            return delay(m, value, 2)

        is_slot = delay(m, is_slot, 2, reset=True)
        is_read, is_biased = later(~is_programming), later(is_programming & (is_half | is_third))
        rows, cols, is_updating, is_programming = (later(each) for each in (rows, cols, is_updating, is_programming))
        amounts = {"slots": (Const(1), Const(1)), "row_pulses": (rows, is_read), "col_pulses": (cols, is_read),
                   "update_row_pulses": (rows, is_updating), "update_col_pulses": (cols, is_updating),
                   "program_pulses": (pulsed, is_programming), "half_selects": (half, is_biased)}
        for name in self.counts:
            amount, is_meant = amounts[name]
            m.d.sync += getattr(self, name).eq(Mux(is_slot & is_meant, amount, 0))
        return m

    def _count(self, m: Module, name: str, lines) -> Value:
        """How many lines are on."""
        lines = delay(m, lines, 1)
        counts = [delay(m, popcount(lines[n:n + _WORD]), 1) for n in range(0, len(lines), _WORD)]
        total = tree(m, name, counts)
        return delay(m, total, self._levels - 2 - levels(len(counts)))  # as late as those of the longer side
