# SPDX-License-Identifier: Apache-2.0
"""What a macro's pins carry in a sequence, P lines a beat; `rtl.phases` says when."""
from amaranth.hdl import Module
from amaranth.lib.wiring import Component, Out

from golden.config import TileConfig
from rtl.analog_port import Mode
from rtl.folded_converters import FoldedConverters
from rtl.folded_meter import FoldedMeter
from rtl.formats import delay
from rtl.macro_port import MacroPort
from rtl.phases import Phases, sequencer_members
from rtl.trains import TrainSource


class FoldedSequencer(Component):
    """Drives a `MacroPort` through one sequence; engines see in it what they see in `Sequencer`.

    It does no more than pass codes and beats on: lines cost memory and no logic. Programming is not served.

    Members: as in `sequencer_members`, and `port` to the array; the counts of `meter`.
    """

    own_cycles = Phases.own_cycles

    def __init__(self, config: TileConfig):
        port = MacroPort(config)
        self.config, self.phases, self.meter = config, Phases(config), FoldedMeter(config, port.beat_lines)
        self.trains = TrainSource(config, port.beat_lines) if "update" in config.engines else None
        self.adc = FoldedConverters(config, port.beat_lines, config.converter_chunks * port.beats)
        super().__init__({**sequencer_members(config), "port": Out(port)})

    def elaborate(self, platform):
        m = Module()
        port, drive, phases, trains, adc, meter = (
            self.port, self.drive, self.phases, self.trains, self.adc, self.meter)
        phases.attach(m, self)
        m.submodules.meter = meter
        m.d.comb += [
            port.code_write.eq(drive.width_write), port.code_line.eq(drive.width_index),
            port.code.eq(drive.width_code), port.serial.eq(phases.is_serial), port.bit.eq(phases.bit),

            adc.backward.eq(phases.mode == Mode.BACKWARD), adc.first.eq(delay(m, phases.is_first, 1)),
            adc.valid.eq(port.result_valid), adc.beat.eq(port.result_beat),
            *(given.eq(result) for given, result in zip(adc.results, port.results, strict=True)),
            adc.output_index.eq(drive.output_index), drive.output.eq(adc.output),
            self.n_converted.eq(adc.n_converted), self.n_saturated.eq(adc.n_saturated),

            meter.code_write.eq(drive.width_write), meter.code_line.eq(drive.width_index),
            meter.code.eq(drive.width_code), meter.start.eq(drive.start), meter.take_slot.eq(phases.take_slot),
            meter.slot.eq(phases.slot), meter.mode.eq(phases.mode),
            meter.by_bit.eq(phases.is_serial | phases.is_weighted), meter.bit.eq(phases.bit),
        ]
        if trains:
            m.d.comb += [
                port.pulse_write.eq(trains.beat), port.pulse_beat.eq(trains.beat_chunk),
                port.pulses.eq(trains.pulses), port.negatives.eq(trains.negatives),
                meter.beat.eq(trains.beat), meter.beat_is_row.eq(trains.beat_chunk < trains.row_chunks),
                meter.pulses.eq(trains.pulses),
            ]
        return m
