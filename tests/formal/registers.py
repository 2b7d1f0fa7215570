# SPDX-License-Identifier: Apache-2.0
from amaranth.hdl import Assert, Cat, Cover, Module, Mux, Signal
from amaranth.lib.wiring import Component, In

from golden.registers import Access, Interrupt
from rtl.formats import delay
from rtl.registers import RegisterBank
from sim.formal import INDUCTION, Job
from tests.formal.configs import SMALL


class _BankProperties(Component):
    """A register bank with free inputs; its counters rest."""

    index: In(16)
    value: In(32)
    write: In(1)
    clear: In(1)
    next_event: In(1)
    interrupts: In(len(Interrupt))

    def __init__(self, make=RegisterBank):
        self.make = make
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        m.submodules.design = design = self.make(SMALL)
        m.d.comb += [getattr(design, name).eq(getattr(self, name)) for name in self.signature.members]
        self.claim(m, design)
        return m


class RegisterProperties(_BankProperties):
    """Each register against the writes that it may take."""

    def claim(self, m: Module, design):
        is_late, value_q = Signal(), delay(m, self.value, 1)
        m.d.sync += is_late.eq(1)
        changes, takes, in_range = [], [], []
        for register in design.stored:
            name, now = register.name, getattr(design, register.name)
            before, is_written = Signal.like(now, name=f"{name}_q"), Signal(name=f"{name}_is_written")
            is_own = self.write & design.accepts & (self.index == register.index)
            m.d.sync += [before.eq(Mux(self.clear, register.reset, now)), is_written.eq(is_own & ~self.clear)]
            takes.append(~is_written | (now == value_q))
            if register.name == "event":
                is_counted = delay(m, self.next_event & ~self.clear, 1, reset=True)
                m.d.comb += Assert(~is_late | is_written | (now == (before + is_counted)[:32]), "next_event adds one")
            else:
                changes.append(~is_written & (now != before))
                in_range.append((now >= register.minimum) & (now <= register.maximum))
        writable = [register for register in design.map.values() if register.access != Access.READ]
        is_abort = (self.index == design.map["control"].index) & (self.value == 1)
        m.d.comb += [
            Assert(~is_late | ~Cat(changes).any(), "a register changes only when it is written itself, or by clear"),
            Assert(~is_late | Cat(takes).all(), "a register that is written takes the value"),
            Assert(Cat(in_range).all(), "no register leaves its range"),
            Assert(design.writable == Cat(self.index == register.index for register in writable).any(),
                   "only writable registers are writable"),
            Assert(~design.accepts | design.writable, "only writable registers accept a value"),
            Assert(design.abort == (self.write & is_abort), "abort is a write of one to control"),
            Cover((design.seed == 0x12345678) & (design.event == 2) & (design.t_slot == 255), "registers written"),
        ]


class InterruptProperties(_BankProperties):
    """Pending interrupts against those that came, and the ones written to their bits."""

    def claim(self, m: Module, design):
        index = design.map["irq_status"].index
        pending = Signal(len(Interrupt))
        cleared = Mux(self.write & design.accepts & (self.index == index), self.value[:len(pending)], 0)
        m.d.sync += pending.eq(Mux(self.clear, 0, (pending & ~cleared) | self.interrupts))
        m.d.comb += [
            Assert(design.irq == (pending & design.irq_enable).any(),
                   "irq is an interrupt that is pending and enabled"),
            Assert((self.index != index) | (design.read == pending),
                   "an interrupt is pending until a one is written to its bit"),
            Cover(pending.all() & design.irq, "all interrupts pending"),
        ]


JOBS = [
    Job(name="registers", harness=RegisterProperties, engine=INDUCTION, depth=2, cover=6,
        claim="A write changes its own register and no other; none leaves its range."),
    Job(name="interrupts", harness=InterruptProperties, cover=6,
        claim="An interrupt stays pending until a one is written to its bit, or all is cleared."),
]
