# SPDX-License-Identifier: Apache-2.0
"""Single slope: a counter shared by all converters on the digital side, ramp and comparators on the analog side."""
from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib.wiring import Component

from golden.adc import HELD_FRAC
from golden.config import TileConfig
from golden.conversion import BOW_SHIFT, LSB
from rtl.adc_pins import cell_members, chosen, kind_pins, logic_members
from rtl.formats import round_half_even


class RampLogic(Component):
    """One counter for all, from the lowest code but one up; a converter keeps the last count that its line reached.

    Members: `begin`, `end`, `first`, `index` in, `results` out, as in `logic_members`; `adc_count` out, `adc_compare`
    in.
    """

    def __init__(self, config: TileConfig):
        self.config, self.pins = config, kind_pins(config)
        super().__init__(logic_members(config))

    def elaborate(self, platform):
        m = Module()
        code = self.config.adc.code

        count = Signal.like(self.adc_count)
        m.d.comb += self.adc_count.eq(count)
        with m.If(self.begin):
            m.d.sync += count.eq(code.min + 1)
        with m.Elif(self.end):
            m.d.sync += count.eq(count + 1)
        is_above = Signal(len(self.adc_compare))
        with m.If(self.end):
            m.d.sync += is_above.eq(self.adc_compare & (is_above | self.first.replicate(len(is_above))))
        for n, result in enumerate(self.results):
            latched = Signal.like(result, name=f"latched_{n}", reset_less=True)
            m.d.comb += result.eq(latched)
            with m.If(self.end & self.first):
                m.d.sync += latched.eq(Mux(self.adc_compare[n], count, code.min))
            with m.Elif(self.end & is_above[n] & self.adc_compare[n]):
                m.d.sync += latched.eq(count)
        return m


class RampCells(Component):
    """Comparators behind one ramp, which follows the counter: whether the chosen line has reached the level.

    Without bow the nearest codes are compared, with ties to the even code; with bow the charges with the level.

    Members: `values` (a line) in; `adc_select`, `adc_count` in, `adc_compare` out.
    """

    def __init__(self, config: TileConfig):
        self.config = config
        compared = config.adc.compared.bits
        self.shape = signed(compared if config.adc.bow_factor else compared - HELD_FRAC + 1)
        super().__init__(cell_members(config, self.shape))

    def settle(self, charge: Value, phase: Value) -> Value:
        """What is stored of a line's charge, in 1/256 LSB."""
        del phase
        return charge if self.config.adc.bow_factor else round_half_even(charge, HELD_FRAC)

    def elaborate(self, platform):
        m = Module()
        adc, level = self.config.adc, self.adc_count
        if adc.bow_factor:
            count = self.adc_count
            below = Const(adc.code.max ** 2) - count * count
            level = count * LSB - LSB // 2 + count[0] + round_half_even(below * adc.bow_factor, BOW_SHIFT)
        values = chosen(m, self.config, self.values, self.adc_select)
        m.d.comb += self.adc_compare.eq(Cat(value >= level for value in values))
        return m
