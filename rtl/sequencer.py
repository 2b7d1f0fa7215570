# SPDX-License-Identifier: Apache-2.0
"""Phases of an operation on the analog port: settle, window, hold, convert."""
from amaranth.hdl import Module, Mux, Signal
from amaranth.lib.wiring import Component, In, Out

from golden.config import MAX_BL, TileConfig
from rtl.adc import SarAdc
from rtl.analog_port import AnalogPort, Mode
from rtl.formats import shape_of
from rtl.pulses import PulseTrain, PulseWidth


class Sequencer(Component):
    """Drives the analog port through one operation, the same with an emulator or a chip behind it.

    From `start`: SETTLE for `t_settle` cycles, then each slot for `t_slot` (forward and backward as many as the
    largest code, an update `bl`), then for forward and backward HOLD for `t_hold` and the converters' trials of
    `t_convert` each; `done` strobes at the end. The lines rest between slots whose pulses are not ready, and the
    next phase waits for `busy`: `chip_cycles` strobes only in the cycles that a real array would take.

    Members: `start`, `mode`, `bl`, the four times, `seed`, `event` and the generators' load ports in;
    `codes`, `done`, `chip_cycle`, `row_count`, `col_count` out; `port` the digital side of the pins.
    """

    def __init__(self, config: TileConfig):
        self.config = config
        self.width, self.train, self.adc = PulseWidth(config), PulseTrain(config), SarAdc(config)
        super().__init__({
            "start": In(1), "mode": In(Mode), "bl": In(range(MAX_BL + 1)),
            "t_slot": In(8), "t_settle": In(8), "t_hold": In(8), "t_convert": In(8),
            "seed": In(32), "event": In(32),
            "codes": Out(shape_of(config.adc.code)).array(config.n_converters),
            "done": Out(1), "chip_cycle": Out(1),
            "row_count": Out(range(config.lanes + 1)), "col_count": Out(range(config.lanes + 1)),
            "port": Out(AnalogPort(config)),
        })

    def elaborate(self, platform):
        m = Module()
        port, width, train, adc = self.port, self.width, self.train, self.adc
        m.submodules.width, m.submodules.train, m.submodules.adc = width, train, adc

        mode, slot, elapsed = Signal(Mode), Signal(range(max(self.config.code.max, MAX_BL) + 1)), Signal(8)
        is_update, n_slots, is_on = mode == Mode.UPDATE, Signal.like(slot), Signal()
        m.d.comb += n_slots.eq(Mux(is_update, self.bl, self.config.code.max))
        take_slot, is_slot_end = Signal(), Signal()
        with m.FSM():
            with m.State("IDLE"):  # no operation
                m.d.sync += [slot.eq(0), elapsed.eq(0)]
                with m.If(self.start):
                    m.d.comb += train.start.eq(self.mode == Mode.UPDATE)
                    m.d.sync += mode.eq(self.mode)
                    m.next = "SETTLE"
            with m.State("SETTLE"):  # the window is open, the lines at rest
                m.d.comb += [port.integrate.eq(1), self.chip_cycle.eq(1)]
                m.d.sync += elapsed.eq(elapsed + 1)
                with m.If(elapsed == self.t_settle - 1):
                    m.next = "REST"
            with m.State("REST"):  # the lines at rest until the next slot's pulses are ready
                m.d.comb += port.integrate.eq(1)
                with m.If(~is_update | train.ready):
                    m.d.comb += take_slot.eq(1)
                    m.next = "SLOT"
            with m.State("SLOT"):  # the lines carry the pulses of a slot
                m.d.comb += [port.integrate.eq(1), self.chip_cycle.eq(1),
                             is_slot_end.eq(elapsed == self.t_slot - 1), port.slot.eq(is_slot_end)]
                m.d.sync += elapsed.eq(elapsed + 1)
                with m.If(is_slot_end):
                    with m.If(slot == n_slots):
                        m.d.sync += [is_on.eq(0), elapsed.eq(0)]
                        m.next = "HOLD"
                    with m.Elif(~is_update | train.ready):
                        m.d.comb += take_slot.eq(1)
                    with m.Else():
                        m.d.sync += is_on.eq(0)
                        m.next = "REST"
            with m.State("HOLD"):  # the window is closed; an update has nothing to hold
                m.d.comb += self.chip_cycle.eq(~is_update)
                m.d.sync += elapsed.eq(elapsed + 1)
                with m.If(is_update | (elapsed == self.t_hold - 1)):
                    m.next = "WAIT"
            with m.State("WAIT"):  # an emulator may still compute
                with m.If(~port.busy):
                    with m.If(is_update):
                        m.d.comb += self.done.eq(1)
                        m.d.sync += mode.eq(Mode.IDLE)
                        m.next = "IDLE"
                    with m.Else():
                        m.d.comb += [port.hold.eq(1), adc.start.eq(1)]
                        m.next = "CONVERT"
            with m.State("CONVERT"):  # successive approximation
                m.d.comb += self.chip_cycle.eq(~adc.done)
                with m.If(adc.done):
                    m.d.comb += self.done.eq(1)
                    m.d.sync += mode.eq(Mode.IDLE)
                    m.next = "IDLE"

        # lines change only when a slot is taken
        rows, cols = self.config.rows, self.config.cols
        row_pulse, col_pulse = Signal(rows), Signal(cols)
        with m.If(take_slot):
            m.d.sync += [slot.eq(slot + 1), elapsed.eq(0), is_on.eq(1), row_pulse.eq(0), col_pulse.eq(0)]
            with m.Switch(mode):
                with m.Case(Mode.FORWARD):
                    m.d.sync += row_pulse.eq(width.pulses)
                with m.Case(Mode.BACKWARD):
                    m.d.sync += col_pulse.eq(width.pulses)
                with m.Case(Mode.UPDATE):
                    m.d.sync += [row_pulse.eq(train.row_pulses), col_pulse.eq(train.col_pulses)]
        m.d.comb += [
            train.advance.eq(take_slot & is_update),
            width.restart.eq(self.start), width.advance.eq(take_slot),
            port.row_pulse.eq(row_pulse & is_on.replicate(rows)), port.col_pulse.eq(col_pulse & is_on.replicate(cols)),
            port.row_negative.eq(Mux(is_update, train.row_negative, width.negative)),
            port.col_negative.eq(Mux(is_update, train.col_negative, width.negative)),
        ]

        m.d.comb += [
            *(code.eq(found) for code, found in zip(self.codes, adc.codes, strict=True)),
            *(pin.eq(trial) for pin, trial in zip(port.adc_trial, adc.trial, strict=True)),
            port.mode.eq(mode), train.bl.eq(self.bl), train.seed.eq(self.seed), train.event.eq(self.event),
            adc.t_convert.eq(self.t_convert), adc.compare.eq(port.adc_compare),
            self.row_count.eq(train.row_count), self.col_count.eq(train.col_count),
        ]
        return m
