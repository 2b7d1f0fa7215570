# SPDX-License-Identifier: Apache-2.0
"""Successive approximation: the search on the digital side, the comparators on the analog side."""
from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib.wiring import Component

from golden.adc import HELD_FRAC
from golden.config import TileConfig
from rtl.adc_pins import cell_members, chosen, kind_pins, logic_members
from rtl.formats import round_half_even


class SarLogic(Component):
    """The search of all converters, in step with each other: a trial a step, most significant bit first.

    Codes are signed symmetric: what compares below every trial is the lower rail.

    Members: `begin`, `end`, `first`, `index` in, `results` out, as in `logic_members`; `adc_trial` out, `adc_compare`
    in.
    """

    def __init__(self, config: TileConfig):
        self.config, self.pins = config, kind_pins(config)
        super().__init__(logic_members(config))

    def elaborate(self, platform):
        m = Module()
        bits, code = self.config.adc.bits, self.config.adc.code

        # codes in offset binary
        trial_bit = Signal(bits)
        m.d.comb += trial_bit.eq(Cat(self.index == trial for trial in reversed(range(bits))))
        for n, (trial, result) in enumerate(zip(self.adc_trial, self.results, strict=True)):
            found, known = (Signal(bits, name=f"{name}_{n}", reset_less=True) for name in ("found", "known"))
            tried = known | trial_bit
            m.d.comb += [
                known.eq(Mux(self.first, 0, found)),
                trial.eq(Cat(tried[:-1], ~tried[-1])),
                result.eq(Mux(found == 0, code.min, Cat(found[:-1], ~found[-1]).as_signed())),
            ]
            with m.If(self.end):
                m.d.sync += found.eq(known | (trial_bit & self.adc_compare[n].replicate(bits)))
        return m


class SarCells(Component):
    """Comparators: whether the nearest code of the chosen line is the trial code or above it.

    Comparing the nearest code decides as comparing the charge with the trial's level would, ties to the even code.

    Members: `values` (a line) in; `adc_select`, `adc_trial` in, `adc_compare` out.
    """

    def __init__(self, config: TileConfig):
        self.config = config
        self.shape = signed(config.adc.compared.bits - HELD_FRAC + 1)
        super().__init__(cell_members(config, self.shape))

    def settle(self, charge: Value, phase: Value) -> Value:
        """What is stored of a line's charge, in 1/256 LSB."""
        del phase
        return round_half_even(charge, HELD_FRAC)

    def elaborate(self, platform):
        m = Module()
        values = chosen(m, self.config, self.values, self.adc_select)
        is_above = (value >= trial for value, trial in zip(values, self.adc_trial, strict=True))
        m.d.comb += self.adc_compare.eq(Cat(is_above))
        return m
