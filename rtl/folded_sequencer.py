# SPDX-License-Identifier: Apache-2.0
"""What a macro's pins carry in a sequence, P lines a beat; `rtl.phases` says when."""
from amaranth.hdl import Module, Mux, Signal
from amaranth.lib.wiring import Component, In, Out

from golden.config import TileConfig
from rtl.analog_port import Mode
from rtl.folded_meter import FoldedMeter
from rtl.formats import delay, popcount, shape_of
from rtl.macro_port import MacroPort
from rtl.phases import Phases, sequencer_members
from rtl.planes import LaneMemory
from rtl.position import place_of
from rtl.trains import TrainSource


class FoldedConverters(Component):
    """Times the conversions of converters that are inside a macro, and keeps their codes as outputs.

    A conversion takes `AdcConfig.cycles` chip cycles; codes come in beats meanwhile. With `serial`, outputs are sums
    over the bits, shifted and added; `first` begins them anew. Parameters: `lanes` of a beat, `n_beats` of them.

    Members: `start`, `stop`, `t_convert`, `busy`; `backward`, `serial`, `first`; `valid`, `beat`, `results` in;
    `chip_cycle`, `done`; `n_converted`, `n_saturated` from `done` on; `output` two cycles behind `output_index`.
    """

    def __init__(self, config: TileConfig, lanes: int, n_beats: int):
        self.config, self.lanes, self.n_beats = config, lanes, n_beats
        n = config.n_converters
        super().__init__({
            "start": In(1), "stop": In(1), "t_convert": In(8), "busy": In(1), "chip_cycle": Out(1), "done": Out(1),
            "backward": In(1), "first": In(1), "valid": In(1), "beat": In(range(n_beats)),
            "results": In(shape_of(config.adc.code)).array(lanes),
            "n_converted": Out(range(n + 1)), "n_saturated": Out(range(n + 1)),
            "output_index": In(range(n)), "output": Out(shape_of(config.output)),
        })

    @property
    def latency(self) -> int:
        """Cycles from `start` to `done` where codes take longer than conversions."""
        return self.n_beats + 6

    def elaborate(self, platform):
        m = Module()
        config, lanes = self.config, self.lanes

        # time
        steps = config.adc.columns_per_adc * config.adc.steps
        is_active, elapsed, step, is_last = Signal(), Signal(8), Signal(range(steps)), Signal()
        m.d.comb += [self.chip_cycle.eq(is_active), is_last.eq(is_active & (elapsed == self.t_convert - 1))]
        with m.If(self.start):
            m.d.sync += [is_active.eq(1), elapsed.eq(0), step.eq(0)]
        with m.Elif(self.stop):
            m.d.sync += is_active.eq(0)
        with m.Elif(is_active):
            m.d.sync += elapsed.eq(Mux(is_last, 0, elapsed + 1))
            with m.If(is_last):
                m.d.sync += [step.eq(step + 1), is_active.eq(step != steps - 1)]

        # codes to outputs
        m.submodules.outputs = outputs = LaneMemory(config.output, self.n_beats, lanes)
        place, lane = place_of(self.output_index, lanes, config.n_converters)
        is_storing, is_complete, is_waiting = delay(m, self.valid, 1, reset=True), Signal(), Signal()
        at = delay(m, self.beat, 1)
        m.d.comb += [outputs.address.eq(Mux(self.valid, self.beat, place)), outputs.write_address.eq(at),
                     outputs.write_mask.eq(is_storing.replicate(lanes))]
        n_lines, is_rail = Mux(self.backward, config.rows, config.cols), Signal(lanes)
        code = config.adc.code
        for n, (result, old, new) in enumerate(zip(self.results, outputs.values, outputs.write_values, strict=True)):
            found = delay(m, result, 1)
            m.d.comb += new.eq(Mux(self.first, 0, old << 1) + found)
            is_line = (at * lanes + n) < n_lines
            m.d.comb += is_rail[n].eq(is_storing & is_line & ((found == code.max) | (found == code.min)))
        found, late_lane = Signal.like(self.output, reset_less=True), delay(m, lane, 1)
        for n, value in enumerate(outputs.values):
            with m.If(late_lane == n):
                m.d.sync += found.eq(value)

        # rails, counted behind the codes
        rails, late = Signal(range(lanes + 1), reset_less=True), delay(m, is_storing, 1, reset=True)
        m.d.sync += rails.eq(popcount(is_rail))
        m.d.comb += [self.n_converted.eq(n_lines), self.output.eq(found),
                     self.done.eq(is_waiting & is_complete & ~is_active)]
        m.d.sync += is_complete.eq((is_complete | (late & (delay(m, at, 1) == self.n_beats - 1)))
                                   & ~self.start)
        with m.If(self.start):
            m.d.sync += [self.n_saturated.eq(0), is_waiting.eq(1)]
        with m.Else():
            m.d.sync += self.n_saturated.eq(self.n_saturated + Mux(late, rails, 0))
            with m.If(self.done | self.stop):
                m.d.sync += is_waiting.eq(0)
        return m


class FoldedSequencer(Component):
    """Drives a `MacroPort` through one sequence; engines see in it what they see in `Sequencer`.

    It does no more than pass codes and beats on: lines cost memory and no logic. Programming is not served.

    Members: as in `sequencer_members`, and `port` to the array; the counts of `meter`.
    """

    def __init__(self, config: TileConfig):
        port = MacroPort(config)
        self.config, self.phases, self.meter = config, Phases(config), FoldedMeter(config, port.beat_lines)
        self.trains = TrainSource(config, port.beat_lines) if "update" in config.engines else None
        self.adc = FoldedConverters(
            config, port.beat_lines, config.converter_chunks * port.beats)
        super().__init__({**sequencer_members(config), "port": Out(port)})

    @property
    def own_cycles(self) -> int:
        """Cycles of a window beside the chip's, those for which pulses are not ready, and those of `busy`."""
        return self.phases.own_cycles

    def elaborate(self, platform):
        m = Module()
        port, drive, phases, trains, adc, meter = (
            self.port, self.drive, self.phases, self.trains, self.adc, self.meter)
        phases.attach(m, self)
        m.submodules.meter = meter
        m.d.comb += [
            port.code_write.eq(drive.width_write), port.code_line.eq(drive.width_index),
            port.code.eq(drive.width_code), port.serial.eq(phases.is_serial), port.bit.eq(phases.bit),

            adc.backward.eq(phases.mode == Mode.BACKWARD), adc.first.eq(phases.is_first),
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
        with m.If(drive.start):
            m.d.sync += drive.saturated.eq(0)
        with m.Elif(self.converted & adc.n_saturated.any()):
            m.d.sync += drive.saturated.eq(1)
        return m
