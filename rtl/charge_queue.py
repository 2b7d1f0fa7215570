# SPDX-License-Identifier: Apache-2.0
"""Charges of P lines that come at once, a beat of fewer lines after the other."""
from amaranth.hdl import Cat, Module, Signal
from amaranth.lib.wiring import Component, In, Out

from golden.config import TileConfig
from rtl.formats import shape_of


class ChargeQueue(Component):
    """Takes P charges with `push` and hands them on, `lanes` of them every `period` cycles, from the next cycle on.

    There is room for P charges: pushes must be `parts` periods apart. `lanes` divides P, and `parts` = P / lanes is a
    power of two. A beat stands for its period; where that is more than a cycle, so must `charges`, each until
    the last cycle of its beat.

    Members: `push`, `push_chunk`, `charges` in; `give`, `beat` (parts of a chunk in order), `given` out.
    """

    def __init__(self, config: TileConfig, lanes: int, period: int = 1):
        self.config, self.lanes, self.parts, self.period = config, lanes, config.lanes // lanes, period
        charge = shape_of(config.charge)
        super().__init__({
            "push": In(1), "push_chunk": In(range(config.converter_chunks)), "charges": In(charge).array(config.lanes),
            "give": Out(1), "beat": Out(range(config.converter_chunks * self.parts)), "given": Out(charge).array(lanes),
        })

    def elaborate(self, platform):
        m = Module()
        part, chunk = Signal(range(self.parts)), Signal.like(self.push_chunk, reset_less=True)
        m.d.comb += self.beat.eq(Cat(part, chunk))
        elapsed, is_full = Signal(range(self.period)), Signal()
        m.d.comb += self.give.eq(is_full & (elapsed == 0))
        m.d.sync += elapsed.eq(elapsed + 1)
        with m.If(self.push):
            m.d.sync += [is_full.eq(1), part.eq(0), elapsed.eq(0), chunk.eq(self.push_chunk)]
        with m.Elif(elapsed == self.period - 1):
            m.d.sync += [elapsed.eq(0), part.eq(part + 1)]
            with m.If(part == self.parts - 1):
                m.d.sync += is_full.eq(0)

        if self.period > 1:
            self._choose(m, part)
        else:
            self._keep(m)
        return m

    def _choose(self, m: Module, part: Signal):
        """Charges stand: a beat is a choice among them."""
        with m.Switch(part):
            for number in range(self.parts):
                with m.Case(number):
                    m.d.comb += [given.eq(each) for given, each in
                                 zip(self.given, self.charges[number * self.lanes:], strict=False)]

    def _keep(self, m: Module):
        """Charges are kept, and move down a beat a cycle."""
        kept = [Signal.like(charge, name=f"kept_{lane}", reset_less=True)
                for lane, charge in enumerate(self.charges)]
        m.d.comb += [given.eq(each) for given, each in zip(self.given, kept, strict=False)]
        with m.If(self.push):
            m.d.sync += [old.eq(new) for old, new in zip(kept, self.charges, strict=True)]
        with m.Else():
            m.d.sync += [old.eq(new) for old, new in zip(kept, kept[self.lanes:], strict=False)]
