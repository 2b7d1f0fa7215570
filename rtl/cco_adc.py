# SPDX-License-Identifier: Apache-2.0
"""Current-controlled oscillators: their cycles are counted on the digital side."""
from amaranth.hdl import Cat, Module, Mux, Signal, Value, unsigned
from amaranth.lib.wiring import Component

from golden.adc import HELD_FRAC
from golden.config import TileConfig
from golden.conversion import LSB
from rtl.adc_pins import cell_members, chosen, kind_pins, logic_members


class CcoLogic(Component):
    """Counts the changes of each oscillator's line from one step to the next, and takes its sign at the first.

    A line that changes once a cycle, from a flip-flop behind the oscillator, is counted right whatever the width of the
    oscillator's pulses, as long as there is at most one cycle a step.

    Members: `begin`, `end`, `first`, `index` in, `results` out, as in `logic_members`; `adc_cycle`, `adc_negative` in.
    """

    def __init__(self, config: TileConfig):
        self.config, self.pins = config, kind_pins(config)
        super().__init__(logic_members(config))

    def elaborate(self, platform):
        m = Module()
        last, negative = Signal.like(self.adc_cycle), Signal.like(self.adc_negative)
        with m.If(self.begin | self.end):
            m.d.sync += last.eq(self.adc_cycle)
        with m.If(self.end & self.first):
            m.d.sync += negative.eq(self.adc_negative)
        for n, result in enumerate(self.results):
            count = Signal(self.config.adc.bits - 1, name=f"count_{n}", reset_less=True)
            m.d.comb += result.eq(Mux(negative[n], -count, count))
            with m.If(self.end):
                m.d.sync += count.eq(Mux(self.first, 0, count) + (self.adc_cycle[n] ^ last[n]))
        return m


class CcoCells(Component):
    """Oscillators as phase accumulators modulo A windows' worth: a cycle ends where one overflows.

    Each step adds the charge's magnitude, at most A LSB, to a phase of modulus 256 A that begins at A times the drawn
    phase: after A steps the cycles are floor((|charge| + phase) / 256).

    Members: `values` (a line) in; `adc_select`, `adc_start`, `adc_step` in, `adc_cycle`, `adc_negative` out.
    """

    def __init__(self, config: TileConfig):
        self.config = config
        self.modulus = config.adc.code.max * LSB
        self.n_magnitude = self.modulus.bit_length()
        self.n_phase = HELD_FRAC if config.adc.phase_noise else 0
        self.shape = unsigned(self.n_magnitude + 1 + self.n_phase)
        super().__init__(cell_members(config, self.shape))

    def settle(self, charge: Value, phase: Value) -> Value:
        """What is stored of a line's charge, in 1/256 LSB: its magnitude, its sign, its phase."""
        magnitude = Mux(charge < 0, -charge, charge)
        limited = Mux(magnitude > self.modulus, self.modulus, magnitude)[:self.n_magnitude]
        return Cat(limited, charge < 0, phase[:self.n_phase])

    def elaborate(self, platform):
        m = Module()
        top = self.config.adc.code.max
        cycle = Signal.like(self.adc_cycle)
        for n, value in enumerate(chosen(m, self.config, self.values, self.adc_select)):
            magnitude, negative, drawn = (value[:self.n_magnitude], value[self.n_magnitude],
                                          value[self.n_magnitude + 1:])
            phase = Signal(range(self.modulus), name=f"phase_{n}", reset_less=True)
            total = Signal(range(2 * self.modulus), name=f"total_{n}")
            is_over = Signal(name=f"is_over_{n}")
            begin = drawn * top if self.n_phase else 0
            m.d.comb += [
                total.eq(Mux(self.adc_start, begin, phase) + magnitude),
                is_over.eq(total >= self.modulus),
                self.adc_cycle[n].eq(cycle[n] ^ (self.adc_step & is_over)),
                self.adc_negative[n].eq(negative),
            ]
            with m.If(self.adc_step):
                m.d.sync += [phase.eq(Mux(is_over, total - self.modulus, total)), cycle[n].eq(self.adc_cycle[n])]
        return m
