# SPDX-License-Identifier: Apache-2.0
from amaranth.hdl import Assert, Assume, Cat, Cover, Module, Signal, signed
from amaranth.lib.wiring import Component, In

from rtl.adc import AdcInterface
from rtl.formats import saturate
from sim.formal import Job
from tests.formal.configs import SMALL

MOST_CYCLES = 3


class SarProperties(Component):
    """Successive approximation with an ideal comparator, against the nearest code."""

    def __init__(self, make=AdcInterface):
        self.make = make
        n, bits = SMALL.n_converters, SMALL.adc.bits
        super().__init__({
            "start": In(1), "t_convert": In(8), "noise": In(n), "charge": In(signed(bits + 2)).array(n),
        })

    def elaborate(self, platform):
        m = Module()
        bits, n = SMALL.adc.bits, SMALL.n_converters
        m.submodules.design = design = self.make(SMALL)
        m.d.comb += [design.start.eq(self.start), design.t_convert.eq(self.t_convert)]

        # a conversion's elapsed cycles, and those of the trial at hand
        is_on, cycle, total = Signal(), Signal(range(MOST_CYCLES + 1)), Signal(range(bits * MOST_CYCLES + 2))
        with m.If(self.start):
            m.d.sync += [is_on.eq(1), cycle.eq(0), total.eq(0)]
        with m.Elif(is_on):
            m.d.sync += [cycle.eq(cycle + 1), total.eq(total + 1)]
            with m.If(cycle == self.t_convert - 1):
                m.d.sync += cycle.eq(0)
            with m.If(design.done):
                m.d.sync += is_on.eq(0)
        t_convert = Signal(8)
        m.d.sync += t_convert.eq(self.t_convert)
        m.d.comb += [
            Assume((self.t_convert >= 1) & (self.t_convert <= MOST_CYCLES), f"t_convert is in 1..{MOST_CYCLES}"),
            Assume(~is_on | (t_convert == self.t_convert), "t_convert stands during a conversion"),
            Assume(~(is_on & self.start), "no start during a conversion"),
            Assert(~design.done | is_on, "done only once after a start"),
            Assert(~is_on | (design.done == (total == bits * self.t_convert)),
                   "done comes bits x t_convert cycles after the start"),
        ]
        # the comparators may say anything until the last cycle of a trial
        is_settled = cycle == self.t_convert - 1
        charges, trials = Cat(self.charge), Cat(design.adc_trial)
        charges_q, trials_q = Signal.like(charges), Signal.like(trials)
        m.d.sync += [charges_q.eq(charges), trials_q.eq(trials)]
        is_above = Cat(charge >= trial for charge, trial in zip(self.charge, design.adc_trial, strict=True))
        m.d.comb += [
            design.adc_compare.eq(is_above ^ (self.noise & ~is_settled.replicate(n))),
            Assume(~is_on | (charges == charges_q), "charges stand during a conversion"),
            Assert(~is_on | (cycle == 0) | (trials == trials_q), "trials stand for t_convert cycles"),
            Assert(~design.done | Cat(code == saturate(charge, SMALL.adc.code) for code, charge in
                                      zip(design.codes, self.charge, strict=True)).all(),
                   "each code is the one nearest to its charge"),
        ]
        m.d.comb += [
            Cover(design.done & (design.codes[0] == SMALL.adc.code.min) & (design.codes[1] == SMALL.adc.code.max),
                  "both rails"),
            Cover(design.done & (total == bits * MOST_CYCLES) & (design.codes[2] == -3), "a slow conversion"),
        ]
        return m


JOBS = [
    Job(name="sar_adc", harness=SarProperties,
        claim="AdcInterface finds the code nearest to the charge in bits x t_convert cycles."),
]
