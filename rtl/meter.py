# SPDX-License-Identifier: Apache-2.0
"""What the array is asked to do, counted at its port: slots, pulses, and cross-points while programming."""
from amaranth.hdl import Module, Mux, Signal
from amaranth.lib.wiring import Component, In, Out

from golden.config import TileConfig
from rtl.analog_port import AnalogPort, Bias, Mode
from rtl.formats import delay, popcount


class Meter(Component):
    """Listens to an `AnalogPort`; each slot is counted two cycles later.

    In a slot with r rows and c columns on, while programming, r * c cross-points are pulsed; half-selected are those
    that see a part of the voltage: with V/2 those in a line that is on, but not both, r * (C - c) + c * (R - r); with
    V/3 all that are not pulsed, R * C - r * c.

    Members: `port` in; `slots`, `row_pulses`, `col_pulses`, `update_row_pulses`, `update_col_pulses`,
    `program_pulses`, `half_selects` out, increments of the counters of these names.
    """

    def __init__(self, config: TileConfig):
        self.config = config
        rows, cols, points = (range(n + 1) for n in (config.rows, config.cols, config.rows * config.cols))
        super().__init__({
            "port": In(AnalogPort(config)), "slots": Out(1), "row_pulses": Out(rows), "col_pulses": Out(cols),
            "update_row_pulses": Out(rows), "update_col_pulses": Out(cols),
            "program_pulses": Out(points), "half_selects": Out(points),
        })

    def elaborate(self, platform):
        m = Module()
        config, port = self.config, self.port
        n_rows, n_cols = config.rows, config.cols

        is_slot, is_counted = delay(m, port.slot, 1, reset=True), delay(m, port.slot, 2, reset=True)
        rows, cols = Signal(range(n_rows + 1), reset_less=True), Signal(range(n_cols + 1), reset_less=True)
        m.d.sync += [rows.eq(popcount(port.row_pulse)), cols.eq(popcount(port.col_pulse))]

        # a row or all rows are on while programming, so that products are with constants
        is_all, is_programming, is_updating = Signal(), Signal(), Signal()
        is_half, is_third = Signal(), Signal()
        pulsed, half = Signal.like(self.program_pulses), Signal.like(self.half_selects)
        m.d.sync += [is_all.eq(port.row_pulse.all()), is_programming.eq(port.mode == Mode.PROGRAM),
                     is_updating.eq(port.mode == Mode.UPDATE),
                     is_half.eq(port.half_select == Bias.HALF), is_third.eq(port.half_select == Bias.THIRD)]
        m.d.comb += pulsed.eq(Mux(is_all, cols * n_rows, cols))
        with m.If(is_third):
            m.d.comb += half.eq(n_rows * n_cols - pulsed)
        with m.Elif(is_half):
            m.d.comb += half.eq(Mux(is_all, n_rows * n_cols - pulsed, n_cols + cols * (n_rows - 2)))

        for count, amount, is_meant in (
                (self.row_pulses, rows, is_slot & ~is_programming), (self.col_pulses, cols, is_slot & ~is_programming),
                (self.update_row_pulses, rows, is_slot & is_updating),
                (self.update_col_pulses, cols, is_slot & is_updating),
                (self.program_pulses, pulsed, is_slot & is_programming),
                (self.half_selects, half, is_slot & is_programming)):
            m.d.sync += count.eq(Mux(is_meant, amount, 0))
        m.d.comb += self.slots.eq(is_counted)
        return m
