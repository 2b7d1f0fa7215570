# SPDX-License-Identifier: Apache-2.0
"""Phases of a sequence on the analog port: precharge, settle, guard, slots, hold, convert, recover."""
from amaranth.hdl import Array, Module, Mux, Signal, Value
from amaranth.lib.wiring import Component, In, Out

from golden.config import MAX_BL, TileConfig
from golden.protocol import Status
from golden.pulses import Encoding, Train
from rtl.adc import AdcInterface
from rtl.adc_pins import adc_pins, join
from rtl.analog_port import AnalogPort, Bias, Mode
from rtl.drive import OUTPUT_LATENCY, Drive
from rtl.formats import delay, popcount, shape_of
from rtl.pulses import PulseTrain, PulseWidth

TIMES = ("t_precharge", "t_settle", "t_slot", "t_guard", "t_hold", "t_convert", "t_recover")
"""Registers of times, in cycles."""
MEASURED = (Mode.FORWARD, Mode.BACKWARD, Mode.REFERENCE)
"""Modes that end with a conversion."""


class Sequencer(Component):
    """Drives the analog port through one sequence, the same with an emulator or a chip behind it.

    From `start`: PRECHARGE, with the window closed; SETTLE, with it open and the lines at rest; at its end the
    polarities change, and the lines rest for `t_guard` before the first slot; each slot for `t_slot` (as many as the
    largest code, an update or programming `bl`); where something is measured, HOLD and the converters' trials; RECOVER.
    A bit-serial code with shift-and-add is a sequence of one slot for each bit, the most significant first.

    The lines rest between slots whose pulses are not ready, and what comes next waits for `busy`: `chip_cycle` strobes
    only in the cycles that a real array would take. A line has one pulse and one polarity, which is a register that
    changes only while all lines are off: no line can be driven both ways.

    `abort` ends a forward, backward or update before its next slot, if there is one to come; what was played of an
    update stays, and `resume` goes on behind it. More than `watchdog` cycles of `busy` end a sequence with TIMEOUT.
    Beside the chip's cycles a window takes `own_cycles`, those for which pulses are not ready, and those of `busy`.

    Members: `drive` from an engine; registers of times, `watchdog`, `encoding`, `train`, `half_select`, `seed` and
    `event`, and `abort` in; `chip_cycle`, `played` (slots of this sequence so far), `first_slot` and `noise_row` for an
    emulator, and for each conversion `converted` with `n_converted` and `n_saturated` out; `port` to the array.
    """

    own_cycles = 5

    def __init__(self, config: TileConfig):
        self.config = config
        self.widths, self.trains, self.adc = PulseWidth(config), PulseTrain(config), AdcInterface(config)
        n = config.n_converters
        super().__init__({
            "drive": In(Drive(config)), **{name: In(8) for name in TIMES},
            "watchdog": In(32), "encoding": In(Encoding), "train": In(Train), "half_select": In(Bias),
            "seed": In(32), "event": In(32), "abort": In(1),
            "chip_cycle": Out(1), "played": Out(range(max(config.code.max, MAX_BL) + 1)),
            "first_slot": Out(range(MAX_BL + 1)), "noise_row": Out(6),
            "converted": Out(1), "n_converted": Out(range(n + 1)), "n_saturated": Out(range(n + 1)),
            "port": Out(AnalogPort(config)),
        })

    def elaborate(self, platform):
        m = Module()
        port, drive, widths, trains, adc = self.port, self.drive, self.widths, self.trains, self.adc
        m.submodules.widths, m.submodules.trains, m.submodules.adc = widths, trains, adc

        mode, elapsed, waited = Signal(Mode), Signal(8), Signal(32)
        slot, n_slots, bit = Signal.like(self.played), Signal.like(self.played), Signal(3)
        is_aborted, is_on, take_slot, is_late = Signal(), Signal(), Signal(), Signal()
        is_update, is_measured, is_input = Signal(), Signal(), Signal()
        is_serial, is_weighted, encoding = Signal(), Signal(), Signal(Encoding)
        m.d.comb += [
            encoding.eq(Mux(drive.raw, Encoding.WIDTH, self.encoding)),
            is_update.eq(mode == Mode.UPDATE), is_measured.eq(Value.cast(mode).matches(*MEASURED)),
            is_input.eq((mode == Mode.FORWARD) | (mode == Mode.BACKWARD)),
            is_serial.eq(is_input & (encoding == Encoding.SERIAL)),
            is_weighted.eq(is_input & (encoding == Encoding.SERIAL_ANALOG)),
            is_late.eq(self.watchdog.any() & (waited == self.watchdog)),
        ]
        is_ready, is_stopped = Signal(), Signal()
        m.d.comb += [is_ready.eq(~is_update | trains.ready), is_stopped.eq(self.abort & (is_update | is_input))]
        self._count_slots(m, mode, encoding, n_slots)

        with m.FSM():
            with m.State("IDLE"):  # no sequence
                m.d.sync += [slot.eq(0), elapsed.eq(0), waited.eq(0), is_aborted.eq(0), drive.saturated.eq(0),
                             bit.eq(self.config.code_bits - 2)]
                with m.If(drive.start):
                    m.d.sync += [mode.eq(drive.mode), self.first_slot.eq(0), self.played.eq(0)]
                    with m.If(drive.resume & (drive.mode == Mode.UPDATE)):
                        m.d.sync += [slot.eq(self.played), self.first_slot.eq(self.played), self.played.eq(self.played)]
                    m.next = "PRECHARGE"
            with m.State("PRECHARGE"):  # the window is closed, and the array free
                m.d.comb += self.chip_cycle.eq(elapsed != self.t_precharge)
                with m.If(self.chip_cycle):
                    m.d.sync += elapsed.eq(elapsed + 1)
                with m.Elif(~port.busy):
                    m.d.sync += elapsed.eq(0)
                    m.next = "SETTLE"
                with m.Else():
                    m.d.sync += waited.eq(waited + 1)
                    with m.If(is_late):
                        m.next = "TIMEOUT"
            with m.State("SETTLE"):  # the window is open, the lines at rest
                m.d.comb += [port.integrate.eq(1), self.chip_cycle.eq(1)]
                m.d.sync += elapsed.eq(elapsed + 1)
                with m.If(elapsed == self.t_settle - 1):
                    self._set_polarities(m, mode)
                    m.d.sync += elapsed.eq(0)
                    m.next = "REST"
            with m.State("REST"):  # guard time; then the lines rest until the next slot's pulses are ready
                m.d.comb += [port.integrate.eq(1), self.chip_cycle.eq(elapsed != self.t_guard)]
                with m.If(self.chip_cycle):
                    m.d.sync += elapsed.eq(elapsed + 1)
                with m.Elif((slot == n_slots) | is_stopped):
                    m.d.sync += [is_aborted.eq(slot != n_slots), elapsed.eq(0)]
                    m.next = "HOLD"
                with m.Elif(is_ready):
                    m.d.comb += take_slot.eq(1)
                    m.next = "SLOT"
            with m.State("SLOT"):  # the lines carry the pulses of a slot
                m.d.comb += [port.integrate.eq(1), self.chip_cycle.eq(1), port.slot.eq(elapsed == self.t_slot - 1)]
                m.d.sync += elapsed.eq(elapsed + 1)
                with m.If(port.slot):
                    m.d.sync += self.played.eq(self.played + 1)
                    with m.If((slot == n_slots) | is_stopped):
                        m.d.sync += [is_aborted.eq(slot != n_slots), is_on.eq(0), elapsed.eq(0)]
                        m.next = "HOLD"
                    with m.Elif(is_ready):
                        m.d.comb += take_slot.eq(1)
                    with m.Else():
                        m.d.sync += [is_on.eq(0), elapsed.eq(self.t_guard)]
                        m.next = "REST"
            with m.State("HOLD"):  # the window is closed; only what is measured is held
                m.d.comb += self.chip_cycle.eq(is_measured & ~is_aborted)
                m.d.sync += elapsed.eq(elapsed + 1)
                with m.If(~self.chip_cycle | (elapsed == self.t_hold - 1)):
                    m.d.sync += elapsed.eq(0)
                    m.next = "WAIT"
            with m.State("WAIT"):  # an emulator may still compute
                with m.If(port.busy):
                    m.d.sync += waited.eq(waited + 1)
                    with m.If(is_late):
                        m.next = "TIMEOUT"
                with m.Elif(is_measured & ~is_aborted):
                    m.d.comb += [port.hold.eq(1), adc.start.eq(1)]
                    m.next = "CONVERT"
                with m.Else():
                    m.next = "RECOVER"
            with m.State("CONVERT"):  # the converters' trials
                m.d.comb += self.chip_cycle.eq(adc.chip_cycle)
                with m.If(adc.done):
                    m.d.comb += self.converted.eq(1)
                    m.next = "RECOVER"
                with m.Elif(port.busy & ~adc.chip_cycle):
                    m.d.sync += waited.eq(waited + 1)
                    with m.If(is_late):
                        m.d.comb += adc.stop.eq(1)
                        m.next = "TIMEOUT"
            with m.State("RECOVER"):  # then the next bit, or the end
                m.d.comb += self.chip_cycle.eq(elapsed != self.t_recover)
                m.d.sync += elapsed.eq(elapsed + 1)
                with m.If(~self.chip_cycle):
                    m.d.sync += elapsed.eq(0)
                    with m.If(is_serial & (bit != 0) & ~is_aborted):
                        m.d.sync += [bit.eq(bit - 1), slot.eq(0)]
                        m.next = "PRECHARGE"
                    with m.Else():
                        m.d.comb += [drive.done.eq(1), drive.status.eq(Mux(is_aborted, Status.ABORTED, Status.OK))]
                        m.d.sync += mode.eq(Mode.IDLE)
                        m.next = "IDLE"
            with m.State("TIMEOUT"):  # the array was busy for too long
                m.d.comb += [drive.done.eq(1), drive.status.eq(Status.TIMEOUT)]
                m.d.sync += mode.eq(Mode.IDLE)
                m.next = "IDLE"

        m.d.comb += [
            port.mode.eq(mode), port.weighted.eq(is_weighted), port.reference.eq(drive.reference),
            port.half_select.eq(Mux(mode == Mode.PROGRAM, self.half_select, Bias.NONE)),
            drive.abort.eq(self.abort),
            self.noise_row.eq(drive.attempt | Mux(is_serial, bit, 0) << 3),
            widths.bit.eq(Mux(is_serial, bit, slot)),
        ]
        self._drive_lines(m, mode, take_slot, is_on, is_serial | is_weighted)
        self._generate(m, take_slot & is_update, take_slot)
        self._convert(m, mode, encoding, bit)
        with m.If(take_slot):
            m.d.sync += [slot.eq(slot + 1), elapsed.eq(0), is_on.eq(1)]
        return m

    def _count_slots(self, m: Module, mode: Signal, encoding: Signal, n_slots: Signal):
        """Slots of a window."""
        with m.Switch(mode):
            with m.Case(Mode.FORWARD, Mode.BACKWARD):
                with m.Switch(encoding):
                    with m.Case(Encoding.WIDTH):
                        m.d.comb += n_slots.eq(self.config.code.max)
                    with m.Case(Encoding.SERIAL):
                        m.d.comb += n_slots.eq(1)
                    with m.Default():
                        m.d.comb += n_slots.eq(self.config.code_bits - 1)
            with m.Case(Mode.UPDATE, Mode.PROGRAM):
                m.d.comb += n_slots.eq(self.drive.bl)

    def _set_polarities(self, m: Module, mode: Signal):
        """Of the driven lines; rows are positive in programming."""
        port, widths, trains = self.port, self.widths, self.trains
        m.d.sync += [port.row_negative.eq(0), port.col_negative.eq(0)]
        with m.Switch(mode):
            with m.Case(Mode.FORWARD):
                m.d.sync += port.row_negative.eq(widths.negative)
            with m.Case(Mode.BACKWARD, Mode.PROGRAM):
                m.d.sync += port.col_negative.eq(widths.negative)
            with m.Case(Mode.UPDATE):
                m.d.sync += [port.row_negative.eq(trains.row_negative), port.col_negative.eq(trains.col_negative)]

    def _drive_lines(self, m: Module, mode: Signal, take_slot: Signal, is_on: Signal, is_by_bit):
        """Lines change only when a slot is taken."""
        port, drive, widths, trains = self.port, self.drive, self.widths, self.trains
        row_pulse, col_pulse, inputs = (Signal.like(lines) for lines in (port.row_pulse, port.col_pulse, widths.pulses))
        m.d.comb += [
            inputs.eq(Mux(is_by_bit, widths.serial, widths.pulses)),
            port.row_pulse.eq(row_pulse & is_on.replicate(len(row_pulse))),
            port.col_pulse.eq(col_pulse & is_on.replicate(len(col_pulse))),
        ]
        with m.If(take_slot):
            m.d.sync += [row_pulse.eq(0), col_pulse.eq(0)]
            with m.Switch(mode):
                with m.Case(Mode.FORWARD):
                    m.d.sync += row_pulse.eq(inputs)
                with m.Case(Mode.BACKWARD):
                    m.d.sync += col_pulse.eq(inputs)
                with m.Case(Mode.UPDATE):
                    m.d.sync += [row_pulse.eq(trains.row_pulses), col_pulse.eq(trains.col_pulses)]
                with m.Case(Mode.PROGRAM):
                    m.d.sync += [row_pulse.eq(Mux(drive.row_all, ~0, 1 << drive.row_index)),
                                 col_pulse.eq(widths.pulses)]

    def _generate(self, m: Module, take_train, take_width):
        drive, widths, trains = self.drive, self.widths, self.trains
        m.d.comb += [
            widths.write.eq(drive.width_write), widths.index.eq(drive.width_index), widths.code.eq(drive.width_code),
            widths.restart.eq(drive.start), widths.advance.eq(take_width),
            trains.write.eq(drive.train_write), trains.chunk.eq(drive.train_chunk), trains.lane.eq(drive.train_lane),
            trains.value.eq(drive.train_value), trains.bl.eq(drive.bl),
            trains.kind.eq(Mux(drive.levels & (self.train == Train.WORDS), Train.STOCHASTIC, self.train)),
            trains.start.eq(drive.start & (drive.mode == Mode.UPDATE) & drive.bl.any()),
            trains.first_slot.eq(Mux(drive.resume, self.played, 0)), trains.advance.eq(take_train),
            trains.stop.eq(drive.done), trains.seed.eq(self.seed), trains.event.eq(self.event),
        ]

    def _convert(self, m: Module, mode: Signal, encoding: Signal, bit: Signal):
        """Codes of the converters to outputs: shifted and added over the bits of a bit-serial input."""
        port, drive, adc, config = self.port, self.drive, self.adc, self.config
        code, n = config.adc.code, config.n_converters
        m.d.comb += [
            adc.t_convert.eq(self.t_convert), adc.busy.eq(port.busy),
        ]
        join(m, adc_pins(config), adc, port)
        outputs = [Signal(shape_of(config.output), name=f"output_{line}", reset_less=True) for line in range(n)]
        is_rail, lines = Signal(n), Signal(n)
        m.d.comb += [lines.eq(~0), self.n_converted.eq(n)]
        for each, count in ((Mode.FORWARD, config.cols), (Mode.BACKWARD, config.rows)):
            with m.If(mode == each):
                m.d.comb += [lines.eq((1 << count) - 1), self.n_converted.eq(count)]
        is_first = (bit == config.code_bits - 2) | (encoding != Encoding.SERIAL)
        for line, (output, found) in enumerate(zip(outputs, adc.codes, strict=True)):
            m.d.comb += is_rail[line].eq(lines[line] & ((found == code.max) | (found == code.min)))
            with m.If(self.converted):
                m.d.sync += output.eq(Mux(is_first, 0, output << 1) + found)
        found = Array(outputs)[delay(m, drive.output_index, 1)]
        m.d.comb += [self.n_saturated.eq(popcount(is_rail)), drive.output.eq(delay(m, found, OUTPUT_LATENCY - 1))]
        with m.If(self.converted & is_rail.any()):
            m.d.sync += drive.saturated.eq(1)
