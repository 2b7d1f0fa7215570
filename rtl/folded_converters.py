# SPDX-License-Identifier: Apache-2.0
"""Converters that are inside a macro, as a folded tile's sequencer has them: their time, and their codes as outputs."""
from amaranth.hdl import Module, Mux, Signal
from amaranth.lib.wiring import Component, In, Out

from golden.config import TileConfig
from rtl.countdown import Countdown
from rtl.formats import delay, popcount, shape_of
from rtl.planes import LaneMemory, choose
from rtl.position import place_of
from rtl.registers import setting


class FoldedConverters(Component):
    """Times the conversions of converters that are inside a macro, and keeps their codes as outputs.

    A conversion takes `AdcConfig.cycles` chip cycles; codes come in beats meanwhile. Outputs of a bit-serial input are
    sums over its bits, shifted and added, which `first` begins anew.

    Parameters: `lanes` of a beat, `n_beats` of them.

    Members: `start`, `stop`, `t_convert`; `backward`, `first`; `valid`, `beat`, `results` in;
    `chip_cycle`, `done`; `n_converted`, `n_saturated` from `done` on; `output` two cycles behind `output_index`.
    """

    def __init__(self, config: TileConfig, lanes: int, n_beats: int):
        self.config, self.lanes, self.n_beats = config, lanes, n_beats
        n = config.n_converters
        super().__init__({
            "start": In(1), "stop": In(1), "t_convert": In(8), "chip_cycle": Out(1), "done": Out(1),
            "backward": In(1), "first": In(1), "valid": In(1), "beat": In(range(n_beats)),
            "results": In(shape_of(config.adc.code)).array(lanes),
            "n_converted": Out(range(n + 1)), "n_saturated": Out(range(n + 1)),
            "output_index": In(range(n)), "output": Out(shape_of(config.output)),
        })

    @property
    def latency(self) -> int:
        """Cycles from `start` to `done` where codes take longer than conversions."""
        return self.n_beats + 8

    def elaborate(self, platform):
        m = Module()
        is_active = self._time(m)
        is_storing, at = delay(m, self.valid, 1, reset=True), delay(m, self.beat, 1)
        n_rails = self._store(m, is_storing, at)

        # done when the time is over, and the rails of the last beat are counted
        is_counted, is_last = delay(m, is_storing, 2, reset=True), delay(m, delay(m, at, 1) == self.n_beats - 1, 1)
        is_complete, is_waiting, is_done = Signal(), Signal(), Signal()
        m.d.comb += is_done.eq(is_waiting & is_complete & ~is_active)
        m.d.sync += self.done.eq(is_done)
        with m.If(self.start):
            m.d.sync += [self.n_saturated.eq(0), is_waiting.eq(1), is_complete.eq(0)]
        with m.Else():
            m.d.sync += [self.n_saturated.eq(self.n_saturated + Mux(is_counted, n_rails, 0)),
                         is_complete.eq(is_complete | is_counted & is_last)]
            with m.If(is_done | self.stop):
                m.d.sync += is_waiting.eq(0)
        return m

    def _time(self, m: Module) -> Signal:
        """Chip cycles of all conversions; whether one is yet to come."""
        steps = self.config.adc.columns_per_adc * self.config.adc.steps
        is_active, step, trial = Signal(), Signal(range(steps)), Countdown(
            m, setting(self.config, "t_convert", self.t_convert), 1)
        m.d.comb += self.chip_cycle.eq(is_active)
        with m.If(self.start):
            m.d.sync += [is_active.eq(1), step.eq(0)]
        with m.Elif(self.stop):
            m.d.sync += is_active.eq(0)
        with m.Elif(is_active):
            m.d.sync += trial.run
            with m.If(trial.is_over):
                m.d.sync += [step.eq(step + 1), is_active.eq(step != steps - 1), *trial.restart]
        return is_active

    def _store(self, m: Module, is_storing, at) -> Signal:
        """Codes to outputs, and outputs to who asks for them; how many codes of a beat are rails, two cycles later."""
        config, lanes, code = self.config, self.lanes, self.config.adc.code
        m.submodules.outputs = outputs = LaneMemory(config.output, self.n_beats, lanes)
        place, lane = place_of(self.output_index, lanes, config.n_converters)
        m.d.comb += [outputs.address.eq(Mux(self.valid, self.beat, place)), outputs.write_address.eq(at),
                     outputs.write_mask.eq(is_storing.replicate(lanes))]
        found, late_lane = Signal.like(self.output, reset_less=True), delay(m, lane, 1)
        choose(m, late_lane, outputs.values, found)
        m.d.comb += self.output.eq(found)

        is_rail = Signal(lanes)
        m.d.comb += self.n_converted.eq(Mux(self.backward, config.rows, config.cols))
        for n, (result, old, new) in enumerate(zip(self.results, outputs.values, outputs.write_values, strict=True)):
            given = delay(m, result, 1)
            is_line = at * lanes + n < self.n_converted
            m.d.comb += [new.eq(Mux(self.first, 0, old << 1) + given),
                         is_rail[n].eq(is_storing & is_line & ((given == code.max) | (given == code.min)))]
        n_rails = Signal(range(lanes + 1), reset_less=True)
        m.d.sync += n_rails.eq(popcount(delay(m, is_rail, 1)))
        return n_rails
