# SPDX-License-Identifier: Apache-2.0
from amaranth.hdl import Assert, Assume, Cat, Cover, Module, Mux, Signal
from amaranth.lib.wiring import Component, In

from golden.registers import FIRST_STATUS, Access, Interrupt
from rtl.formats import delay
from rtl.registers import IMMEDIATE, RegisterBank
from sim.formal import INDUCTION, Job
from tests.formal.configs import SMALL


class _BankProperties(Component):
    """A register bank with free inputs at both ways in; its counters rest.

    `first` and `second`: the way of the packets, or the port beside it, writes an accepted value in this cycle.
    """

    index: In(16)
    value: In(32)
    write: In(1)
    clear: In(1)
    next_event: In(1)
    is_running: In(1)
    interrupts: In(len(Interrupt))
    port_index: In(16)
    port_value: In(32)
    port_write: In(1)

    def __init__(self, make=RegisterBank):
        self.make = make
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        m.submodules.design = design = self.make(SMALL)
        port = design.port
        m.d.comb += [
            *(getattr(design, name).eq(getattr(self, name)) for name in self.signature.members if "port" not in name),
            design.read_index.eq(self.index),
            port.write_index.eq(self.port_index), port.value.eq(self.port_value), port.write.eq(self.port_write),
        ]
        asks, asks_q, self.stands = Cat(self.index, self.value), Signal(48), Signal(range(3))
        m.d.sync += [asks_q.eq(asks), self.stands.eq(Mux(asks != asks_q, 0, Mux(self.stands == 2, 2, self.stands + 1)))]
        has_stood = (asks == asks_q) & (self.stands == 2)
        self.stands = Mux(has_stood, 2, 0)
        m.d.comb += Assume(~self.write | has_stood, "what is written has stood until it was judged")
        m.d.comb += Assume(~self.next_event | (design.event == delay(m, design.event, 1)), "an event that counts stood")
        self.first = self.write & design.accepts
        self.second = self.port_write & port.accepts & ~port.waits
        self.claim(m, design)
        return m

    def written(self, index: int):
        """Whether a register is written in this cycle."""
        return self.first & (self.index == index) | self.second & (self.port_index == index)


class RegisterProperties(_BankProperties):
    """Each register against the writes that it may take."""

    def claim(self, m: Module, design):
        stands = self.stands
        is_late, value_q = Signal(), delay(m, Mux(self.first, self.value, self.port_value), 1)
        m.d.sync += is_late.eq(1)
        changes, takes, in_range = [], [], []
        for register in design.stored:
            name, now = register.name, getattr(design, register.name)
            before, is_written = Signal.like(now, name=f"{name}_q"), Signal(name=f"{name}_is_written")
            m.d.sync += [before.eq(Mux(self.clear, register.reset, now)),
                         is_written.eq(self.written(register.index) & ~self.clear)]
            takes.append(~is_written | (now == value_q))
            if register.name == "event":
                is_counted = delay(m, self.next_event & ~self.clear, 1, reset=True)
                m.d.comb += Assert(~is_late | is_written | (now == (before + is_counted)[:32]), "next_event adds one")
            else:
                changes.append(~is_written & (now != before))
                in_range.append((now >= register.minimum) & (now <= register.maximum))
        writable = [register for register in design.map.values() if register.access != Access.READ]
        m.d.comb += [
            Assert(~is_late | ~Cat(changes).any(), "a register changes only when it is written itself, or by clear"),
            Assert(~is_late | Cat(takes).all(), "a register that is written takes the value"),
            Assert(Cat(in_range).all(), "no register leaves its range"),
            Assert((stands != 2) | (design.writable == Cat(self.index == each.index for each in writable).any()),
                   "only writable registers are writable"),
            Assert(~design.accepts | design.writable, "only writable registers accept a value"),
            Cover((design.seed == 0x12345678) & (design.event == 2) & (design.t_slot == 255), "registers written"),
        ]


class PortProperties(_BankProperties):
    """What the port writes, it writes when it disturbs nothing."""

    def claim(self, m: Module, design):
        control = design.map["control"].index
        is_immediate = Cat(self.port_index == design.map[name].index for name in IMMEDIATE).any()
        is_abort = (self.first & (self.index == control) & self.value[0]
                    | self.second & (self.port_index == control) & self.port_value[0])
        m.d.comb += [
            Assert(~(self.second & (self.write | self.clear | self.next_event)), "the port waits for the packets"),
            Assert(~self.second | ~self.is_running | is_immediate, "settings stand while an operation runs"),
            Assert(design.changes == (self.second & (self.port_index < FIRST_STATUS)), "changes tells of settings"),
            Assert(design.abort == is_abort, "abort is a write of one to control"),
            Cover(self.second & self.is_running, "a write in the midst of an operation"),
            Cover(self.port_write & design.port.accepts & design.port.waits, "a write that waits"),
        ]


class InterruptProperties(_BankProperties):
    """Pending interrupts against those that came, and the ones written to their bits."""

    def claim(self, m: Module, design):
        index = design.map["irq_status"].index
        pending = Signal(len(Interrupt))
        cleared = Mux(self.written(index), Mux(self.first, self.value, self.port_value)[:len(pending)], 0)
        m.d.sync += pending.eq(Mux(self.clear, 0, (pending & ~cleared) | self.interrupts))
        m.d.comb += [
            Assert(design.irq == (pending & design.irq_enable).any(),
                   "irq is an interrupt that is pending and enabled"),
            Assert((delay(m, self.index, design.read_latency, reset=True) != index)
                   | (design.read == delay(m, pending, design.choice_latency, reset=True)),
                   "an interrupt is pending until a one is written to its bit"),
            Cover(pending.all() & design.irq, "all interrupts pending"),
        ]


class CounterProperties(Component):
    """One counter, read both ways; all are made alike."""

    clear: In(1)
    begin: In(1)
    increment: In(32)
    index: In(16)

    def __init__(self, make=RegisterBank):
        self.make = make
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        m.submodules.design = design = self.make(SMALL)
        m.d.comb += [design.slots.eq(self.increment), design.clear.eq(self.clear), design.begin.eq(self.begin),
                     design.read_index.eq(self.index), design.port.read_index.eq(self.index)]
        total, last = Signal(64), Signal(32)
        m.d.sync += [total.eq(Mux(self.clear, 0, total + self.increment)),
                     last.eq(Mux(self.clear, 0, Mux(self.begin, 0, last) + self.increment))]

        def late(value):
            """What a register shows that is a cycle behind, but for a clear, which is at once."""
            register = Signal.like(value)
            m.d.sync += register.eq(Mux(self.clear, 0, value))
            return register

        was, last_was = late(total), late(last)
        was_before = late(was)
        words = {"slots_low": was[:32], "slots_high": was_before[32:], "operation_slots": last_was}
        for name, value in words.items():
            index = design.map[name].index
            read = delay(m, value, design.choice_latency, reset=True)
            is_read = delay(m, self.index == index, design.read_latency, reset=True)
            m.d.comb += Assert((~is_read | (design.read == read))
                               & ((self.index != index) | (design.port.read == value)),
                               f"{name} is what has been added, and reading changes nothing")
        # what the counter's registers are of the sums, so that one cycle follows from the one before
        count = design.counts["slots"]
        m.d.comb += [
            Assert(total == (was + count.added)[:64], "what is added is what the total gains"),
            Assert(Cat(count.low, count.high) == Cat(was[:32], was_before[32:]),
                   "the halves are the total's, the upper one a cycle late"),
            Assert(was[32:] == (count.high + count.carry)[:32], "the carry is what the upper half lacks"),
            Assert(last_was == (count.low - count.base)[:32], "the base is what the counter has gained less"),
            Assert(last == (Mux(count.is_begun, 0, last_was) + count.added)[:32],
                   "an operation's own count begins with what is added in its first cycle"),
        ]
        is_high = self.index == design.map["slots_high"].index
        m.d.comb += Cover(is_high & (design.port.read == 2) & (last != total[:32]), "a count of more than 32 bits")
        return m


JOBS = [
    Job(name="registers", harness=RegisterProperties, engine=INDUCTION, depth=5, cover=16,
        claim="A write changes its own register and no other; none leaves its range."),
    Job(name="register_port", harness=PortProperties, engine=INDUCTION, depth=5, cover=10,
        claim="The second way to the registers disturbs neither packets nor operations."),
    Job(name="interrupts", harness=InterruptProperties, cover=8,
        claim="An interrupt stays pending until a one is written to its bit, or all is cleared."),
    Job(name="counters", harness=CounterProperties, engine=INDUCTION, depth=8, cover=10,
        claim="A counter's 64 bits are what has been added since the last clear; so are an operation's own 32."),
]
