# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from functools import partial

from amaranth.hdl import Assert, Assume, Cat, Cover, Module, Mux, Signal
from amaranth.lib.wiring import Component, In

from golden.device import SoftBounds
from rtl.formats import delay
from rtl.updater import Updater
from sim.formal import Job
from tests.formal.configs import SMALL

NOISE_LATENCY = 5


class UpdaterProperties(Component):
    """One cross-point chunk, any one, followed through the pipeline."""

    def __init__(self, config, make=Updater):
        self.config, self.make = config, make
        depth = config.rows * config.chunks
        super().__init__({
            "valid": In(1), "place": In(range(depth)), "mask": In(config.lanes), "watched": In(range(depth)),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.design = design = self.make(self.config, NOISE_LATENCY)
        m.d.comb += [getattr(design, name).eq(getattr(self, name)) for name in ("valid", "place", "mask")]

        watched = Signal.like(self.watched)
        m.d.sync += watched.eq(self.watched)
        is_late = Signal()
        m.d.sync += is_late.eq(1)
        m.d.comb += Assume(~is_late | (self.watched == watched), "one place is watched")

        # what was taken and waits for its turn; the last one's turn is next
        is_waiting, place = (delay(m, each, design.entry, reset=True, when=~design.blocked)
                             for each in (self.valid, self.place))
        m.d.comb += [Assert(~design.visit | is_waiting, "a visit begins only if it was taken"),
                     Assert(design.blocked == (is_waiting & ~design.visit), "nothing is taken while a visit waits")]

        fetch, write = design.fetch_latency, design.write_latency
        is_here = Signal()
        m.d.comb += is_here.eq(design.visit & (place == self.watched))
        visits = [is_here]
        for _ in range(write):
            visits.append(delay(m, visits[-1], 1, reset=True))
        mask = delay(m, self.mask, write - design.lanes_latency, reset=True)
        with m.If(visits[fetch]):
            m.d.comb += [
                Assert(design.address == self.watched, "a visit is fetched fetch_latency cycles later"),
                Assert(~Cat(visits[fetch + 1:]).any(), "no place is fetched while a write to it is pending"),
            ]
        with m.If(visits[write]):
            m.d.comb += [Assert(design.write_place == self.watched, "a visit is written write_latency cycles later"),
                         Assert(design.write_mask == mask, "exactly the masked lanes are written")]
        with m.If((design.write_place == self.watched) & design.write_mask.any()):
            m.d.comb += Assert(visits[write], "nothing is written but by a visit")

        with m.If(is_waiting & (place == self.watched)):
            m.d.comb += Assert(design.visit | Cat(visits[1:design.wait + 1]).any(),
                               "a visit waits only for one of the same place")

        waited = Signal(range(design.wait + 2))
        m.d.sync += waited.eq(Mux(design.blocked, waited + 1, 0))
        m.d.comb += [
            Assert(waited <= design.wait, "a visit waits for at most `wait` cycles"),
            Cover(waited == design.wait, "it waits for as long as may be"),
            Cover(visits[write] & (sum(visits) == 2) & mask.all(), "the same place twice in the pipeline"),
        ]
        return m


JOBS = [
    Job(name=f"updater_{name}", harness=partial(UpdaterProperties, replace(SMALL, device=device)), quick=quick,
        cover=40,
        claim=f"The updater's interlock: no place is read while a write to it is pending ({name} devices).")
    for name, device, quick in (("noisy", SoftBounds(dw_min=0.05), False), ("noiseless", SMALL.device, True))
]
