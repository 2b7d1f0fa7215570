# SPDX-License-Identifier: Apache-2.0
"""What the lines of the analog port carry in a sequence, a wire a line; `rtl.phases` says when."""
from amaranth.hdl import Array, Module, Mux, Signal
from amaranth.lib.wiring import Component, Out

from golden.config import TileConfig
from rtl.adc import AdcInterface
from rtl.adc_pins import adc_pins, join
from rtl.analog_port import AnalogPort, Bias, Mode
from rtl.drive import OUTPUT_LATENCY
from rtl.formats import delay, popcount, shape_of
from rtl.phases import Phases, sequencer_members
from rtl.pulses import PulseTrain, PulseWidth


class Sequencer(Component):
    """Drives the analog port through one sequence, the same with an emulator or a chip behind it.

    `rtl.phases.Phases` says when; here is what the lines carry. A line has one pulse and one polarity, which is a
    register that changes only while all lines are off: no line can be driven both ways.

    Members: as in `sequencer_members`, and `port` to the array.
    """

    own_cycles = Phases.own_cycles

    def __init__(self, config: TileConfig):
        self.config, self.phases = config, Phases(config)
        self.widths, self.adc = PulseWidth(config), AdcInterface(config)
        self.trains = PulseTrain(config) if "update" in config.engines else None
        super().__init__({**sequencer_members(config), "port": Out(AnalogPort(config))})

    def elaborate(self, platform):
        m = Module()
        port, drive, widths, phases = self.port, self.drive, self.widths, self.phases
        m.submodules.widths = widths
        phases.attach(m, self)
        m.d.comb += [
            port.reference.eq(drive.reference), self.adc.busy.eq(port.busy),
            port.half_select.eq(Mux(phases.mode == Mode.PROGRAM, self.half_select, Bias.NONE)),
            widths.write.eq(drive.width_write), widths.index.eq(drive.width_index), widths.code.eq(drive.width_code),
            widths.restart.eq(drive.start), widths.advance.eq(phases.take_slot), widths.bit.eq(phases.bit),
        ]
        self._set_polarities(m)
        self._drive_lines(m)
        self._convert(m)
        return m

    def _set_polarities(self, m: Module):
        """Of the driven lines; rows are positive in programming."""
        port, widths, trains = self.port, self.widths, self.trains
        with m.If(self.phases.set_polarities):
            m.d.sync += [port.row_negative.eq(0), port.col_negative.eq(0)]
            with m.Switch(port.mode):
                with m.Case(Mode.FORWARD):
                    m.d.sync += port.row_negative.eq(widths.negative)
                with m.Case(Mode.BACKWARD, Mode.PROGRAM):
                    m.d.sync += port.col_negative.eq(widths.negative)
                if trains:
                    with m.Case(Mode.UPDATE):
                        m.d.sync += [port.row_negative.eq(trains.row_negative),
                                     port.col_negative.eq(trains.col_negative)]

    def _drive_lines(self, m: Module):
        """Lines change only when a slot is taken."""
        port, drive, widths, trains, phases = self.port, self.drive, self.widths, self.trains, self.phases
        row_pulse, col_pulse, inputs = (Signal.like(lines) for lines in (port.row_pulse, port.col_pulse, widths.pulses))
        m.d.comb += [
            inputs.eq(Mux(phases.is_serial | phases.is_weighted, widths.serial, widths.pulses)),
            port.row_pulse.eq(row_pulse & phases.is_on.replicate(len(row_pulse))),
            port.col_pulse.eq(col_pulse & phases.is_on.replicate(len(col_pulse))),
        ]
        with m.If(phases.take_slot):
            m.d.sync += [row_pulse.eq(0), col_pulse.eq(0)]
            with m.Switch(port.mode):
                with m.Case(Mode.FORWARD):
                    m.d.sync += row_pulse.eq(inputs)
                with m.Case(Mode.BACKWARD):
                    m.d.sync += col_pulse.eq(inputs)
                if trains:
                    with m.Case(Mode.UPDATE):
                        m.d.sync += [row_pulse.eq(trains.row_pulses), col_pulse.eq(trains.col_pulses)]
                with m.Case(Mode.PROGRAM):
                    m.d.sync += [row_pulse.eq(Mux(drive.row_all, ~0, 1 << drive.row_index)),
                                 col_pulse.eq(widths.pulses)]

    def _convert(self, m: Module):
        """Codes of the converters to outputs: shifted and added over the bits of a bit-serial input."""
        drive, phases, config = self.drive, self.phases, self.config
        code, n = config.adc.code, config.n_converters
        join(m, adc_pins(config), self.adc, self.port)
        outputs = [Signal(shape_of(config.output), name=f"output_{line}", reset_less=True) for line in range(n)]
        is_rail, lines = Signal(n), Signal(n)
        m.d.comb += [lines.eq(~0), self.n_converted.eq(n)]
        for each, count in ((Mode.FORWARD, config.cols), (Mode.BACKWARD, config.rows)):
            with m.If(phases.mode == each):
                m.d.comb += [lines.eq((1 << count) - 1), self.n_converted.eq(count)]
        for line, (output, found) in enumerate(zip(outputs, self.adc.codes, strict=True)):
            m.d.comb += is_rail[line].eq(lines[line] & ((found == code.max) | (found == code.min)))
            with m.If(self.converted):
                m.d.sync += output.eq(Mux(phases.is_first, 0, output << 1) + found)
        found = Array(outputs)[delay(m, drive.output_index, 1)]
        m.d.comb += [self.n_saturated.eq(popcount(is_rail)), drive.output.eq(delay(m, found, OUTPUT_LATENCY - 1))]
