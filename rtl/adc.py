# SPDX-License-Identifier: Apache-2.0
"""The digital side of all converters, whatever their kind; what it gives with their analog side is `golden.adc.Adc`."""
from amaranth.hdl import Module, Signal
from amaranth.lib.wiring import Component, In, Out

from golden.adc import AdcKind
from golden.config import TileConfig
from rtl.adc_pins import adc_pins, join
from rtl.cco_adc import CcoLogic
from rtl.formats import shape_of
from rtl.ramp_adc import RampLogic
from rtl.sar_adc import SarLogic
from rtl.spi_adc import SpiLogic

LOGIC = {AdcKind.SAR: SarLogic, AdcKind.RAMP: RampLogic, AdcKind.CCO: CcoLogic, AdcKind.SPI: SpiLogic}


class AdcInterface(Component):
    """Converts all lines: `columns_per_adc` rounds, in each of which every converter takes one of its lines.

    A round has `AdcConfig.steps` steps of `t_convert` cycles, in step for all converters; at the end of a step their
    answers are read. While the array's emulator is `busy` a step waits in its last cycle. `chip_cycle` strobes in the
    cycles that a chip takes, `AdcConfig.cycles` in all; the codes stand from `done` on.

    Members: `start` (one cycle), `stop` (abandons all), `t_convert`, `busy` in; `codes`, `done` (one cycle),
    `chip_cycle` out; the lines of the converters as in `AnalogPort`.
    """

    def __init__(self, config: TileConfig):
        self.config, self.logic = config, LOGIC[config.adc.kind](config)
        super().__init__({
            "start": In(1), "stop": In(1), "t_convert": In(8), "busy": In(1),
            "codes": Out(shape_of(config.adc.code)).array(config.n_converters), "done": Out(1), "chip_cycle": Out(1),
            **adc_pins(config),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.logic = logic = self.logic
        steps, share = self.config.adc.steps, self.config.adc.columns_per_adc

        is_active, is_fresh, elapsed, index = Signal(), Signal(), Signal(8), Signal(range(steps))
        is_over, is_end, is_last = Signal(), Signal(), Signal()
        m.d.comb += [
            is_over.eq(elapsed == self.t_convert - 1),
            is_end.eq(is_active & is_over & ~self.busy),
            is_last.eq(is_end & (index == steps - 1) & (self.adc_select == share - 1)),
            self.chip_cycle.eq(is_active & (~is_over | ~self.busy)),
            self.adc_step.eq(is_fresh), self.adc_start.eq(is_fresh & (index == 0)),
        ]
        m.d.sync += is_fresh.eq(self.start | (is_end & ~is_last & ~self.stop))
        with m.If(self.start):
            m.d.sync += is_active.eq(1)
        with m.Elif(is_last | self.stop):
            m.d.sync += is_active.eq(0)
        with m.If(self.start | self.stop | is_end):
            m.d.sync += elapsed.eq(0)
        with m.Elif(is_active & ~is_over):
            m.d.sync += elapsed.eq(elapsed + 1)

        is_round_end = Signal()
        m.d.comb += is_round_end.eq(is_end & (index == steps - 1))
        with m.If(self.start | self.stop | is_last):
            m.d.sync += [index.eq(0), self.adc_select.eq(0)]
        with m.Elif(is_round_end):
            m.d.sync += [index.eq(0), self.adc_select.eq(self.adc_select + 1)]
        with m.Elif(is_end):
            m.d.sync += index.eq(index + 1)

        m.d.comb += [logic.begin.eq(self.start | (is_round_end & ~is_last)), logic.end.eq(is_end),
                     logic.index.eq(index), logic.first.eq(index == 0)]
        join(m, logic.pins, logic, self)
        self._codes(m, is_round_end, is_last)
        return m

    def _codes(self, m: Module, is_round_end: Signal, is_last: Signal):
        """Results stand behind a round's end until the first step of the next one ends; meanwhile they are stored."""
        share, results = self.config.adc.columns_per_adc, self.logic.results
        is_done = Signal()
        m.d.sync += is_done.eq(is_last & ~self.stop)
        if share == 1:
            m.d.comb += [code.eq(result) for code, result in zip(self.codes, results, strict=True)]
            m.d.comb += self.done.eq(is_done)
            return
        is_stored, select = Signal(), Signal.like(self.adc_select)
        m.d.sync += [is_stored.eq(is_round_end), select.eq(self.adc_select), self.done.eq(is_done & ~self.stop)]
        for line, code in enumerate(self.codes):
            found = Signal.like(code, name=f"code_{line}", reset_less=True)
            m.d.comb += code.eq(found)
            with m.If(is_stored & (select == line % share)):
                m.d.sync += found.eq(results[line // share])
