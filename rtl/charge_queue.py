# SPDX-License-Identifier: Apache-2.0
"""Charges of P lines that come at once, a beat of fewer lines after the other."""
from amaranth.hdl import Cat, Module, Signal
from amaranth.lib.wiring import Component, In, Out

from golden.config import TileConfig
from rtl.formats import shape_of


class ChargeQueue(Component):
    """Takes P charges with `push` and hands them on, `lanes` of them a cycle, from the next cycle on.

    There is room for P charges: pushes must be `parts` cycles apart. `lanes` divides P, and `parts` = P / lanes is a
    power of two.

    Members: `push`, `push_chunk`, `charges` in; `give`, `beat` (parts of a chunk in order), `given` out.
    """

    def __init__(self, config: TileConfig, lanes: int):
        self.config, self.lanes, self.parts = config, lanes, config.lanes // lanes
        charge = shape_of(config.charge)
        super().__init__({
            "push": In(1), "push_chunk": In(range(config.converter_chunks)), "charges": In(charge).array(config.lanes),
            "give": Out(1), "beat": Out(range(config.converter_chunks * self.parts)), "given": Out(charge).array(lanes),
        })

    def elaborate(self, platform):
        m = Module()
        kept = [Signal.like(charge, name=f"kept_{lane}", reset_less=True)
                for lane, charge in enumerate(self.charges)]
        part, chunk = Signal(range(self.parts)), Signal.like(self.push_chunk, reset_less=True)
        m.d.comb += [self.beat.eq(Cat(part, chunk)),
                     *(given.eq(each) for given, each in zip(self.given, kept, strict=False))]
        with m.If(self.push):
            m.d.sync += [self.give.eq(1), part.eq(0), chunk.eq(self.push_chunk),
                         *(old.eq(new) for old, new in zip(kept, self.charges, strict=True))]
        with m.Else():
            m.d.sync += [part.eq(part + 1), *(old.eq(new) for old, new in zip(kept, kept[self.lanes:], strict=False))]
            with m.If(part == self.parts - 1):
                m.d.sync += self.give.eq(0)
        return m
