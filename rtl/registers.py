# SPDX-License-Identifier: Apache-2.0
"""The register bank, made from the register map; mirrors golden."""
from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib.wiring import Component, In, Out, Signature

from golden.config import COUNTERS, TileConfig
from golden.registers import (
    FIRST_COUNTER,
    FIRST_OPERATION_COUNTER,
    FIRST_STATUS,
    Access,
    Interrupt,
    Register,
    register_map,
)
from rtl.formats import delay, within

IMMEDIATE = ("irq_status", "irq_enable", "control")
"""Registers that are written at once, also in the midst of an operation."""
RegisterPort = Signature({
    "read_index": Out(16), "read": In(32), "readable": In(1),
    "write_index": Out(16), "value": Out(32), "write": Out(1), "accepts": In(1), "waits": In(1),
})
"""A way to the registers beside the packets: `read` and `readable` (there is such a register) follow `read_index`,
`accepts` (it may be written, and the value is in range) and `waits` (not in this cycle) follow `write_index` and
`value`, combinationally. `write` stores a value that is accepted and need not wait."""
_GROUP = 8
"""Registers among which a read chooses in one cycle."""


def setting(config: TileConfig, name: str, signal) -> Value:
    """A register as a part has it as `signal`, or what it is fixed at."""
    return Const(register_map(config)[name].reset, len(signal)) if name in config.fixed else signal


class Count:
    """Registers of a counter: two halves with a carry between them, where it stood when the operation began (`base`),
    and what is added next.
    """

    def __init__(self, name: str):
        self.low, self.high, self.base, self.added = (
            Signal(32, name=f"{name}_{what}") for what in ("low", "high", "base", "added"))
        self.carry, self.is_begun = (Signal(name=f"{name}_{what}") for what in ("carry", "begun"))


class RegisterBank(Component):
    """Registers of a tile, read and written one at a time.

    `read` comes `read_latency` cycles behind `read_index`, as the register was `choice_latency` cycles before;
    `writable` and `accepts` (writable, and the value in range) `write_latency` cycles behind `index` and `value`, which
    stand. A counter shows what has been added `count_latency` cycles later: then both of its words are right. An
    operation's own count is what the counter has gained since `begin`, so that it costs a register that stands, and no
    adder but the one of all reads.

    Members: `read_index`, `index` and `value` in; `read`, `writable` and `accepts` out; `write` acts on an accepted
    value; `clear` resets all. Each setting is an output of its name, a constant where it is fixed; each counter has an
    input of its name that is added in every cycle; `begin` starts the operation's own counts anew. `next_event`
    increments the event, which has stood for two cycles. `interrupts` (bits of `Interrupt`) become pending, `irq` is
    the line. `abort` is a write to `control`; `aborted_slots` is read as given. `port` is a second way in: what it
    writes waits for the first way, and, but for IMMEDIATE, while `is_running`; `changes` says that it writes a setting.
    """

    write_latency = 2
    count_latency = 3

    def __init__(self, config: TileConfig):
        self.config, self.map = config, register_map(config)
        self.more = config.way_registers
        self.stored = [register for register in self.map.values() if register.stored]
        settings = [*self.stored, *(self.map[name] for name in config.fixed if name in self.map)]
        # a rolled tile without counts of operations has no difference to take
        self.has_difference = config.operation_counters or not config.rolled
        increments = {name: In(32) for name in config.counters}
        self.counts = {name: Count(name) for name in config.counters}
        super().__init__({
            "read_index": In(16), "index": In(16), "value": In(32), "write": In(1), "clear": In(1),
            "next_event": In(1), "begin": In(1), "port": In(RegisterPort), "is_running": In(1), "changes": Out(1),
            "writable": Out(1), "accepts": Out(1), "read": Out(32),
            "interrupts": In(len(Interrupt)), "irq": Out(1), "abort": Out(1), "aborted_slots": In(32),
            **{register.name: Out(register.bits, init=register.reset) for register in settings},
            **increments,
        })

    @property
    def choice_latency(self) -> int:
        return 2 + self.has_difference

    @property
    def read_latency(self) -> int:
        return 1 + self.more + self.choice_latency

    def elaborate(self, platform):
        m = Module()

        pending = Signal(len(Interrupt))
        values: dict[int, Value] = {
            register.index: Const(register.reset, 32) for register in self.map.values() if not register.stored}
        values |= {register.index: getattr(self, register.name) for register in self.stored}
        values |= {self.map["irq_status"].index: pending, self.map["aborted_slots"].index: self.aborted_slots}
        bases: dict[int, Value] = {}
        for name in self.config.counters:
            self._count(m, name, values, bases)

        self._read(m, values, bases)
        self._read_port(m, values, bases)
        following = Signal.like(self.event, init=self.map["event"].reset + 1)  # known ahead
        m.d.sync += following.eq(self.event + 1)
        with m.If(self.next_event):
            m.d.sync += self.event.eq(following)
        self._write(m, pending)
        with m.If(self.clear):
            m.d.sync += [pending.eq(0), *(getattr(self, register.name).eq(register.reset) for register in self.stored)]
        return m

    def _count(self, m: Module, name: str, values: dict[int, Value], bases: dict[int, Value]):
        """A counter and where its words are read."""
        count = self.counts[name]
        m.d.sync += [count.added.eq(getattr(self, name)), count.is_begun.eq(self.begin),
                     Cat(count.low, count.carry).eq(count.low + count.added), count.high.eq(count.high + count.carry)]
        with m.If(count.is_begun):
            m.d.sync += count.base.eq(count.low)
        with m.If(self.clear):
            m.d.sync += [register.eq(0) for register in vars(count).values()]
        values |= {self.map[f"{name}_low"].index: count.low, self.map[f"{name}_high"].index: count.high}
        if self.config.operation_counters:
            bases[self.map[f"operation_{name}"].index] = count.base

    def _read(self, m: Module, values: dict[int, Value], bases: dict[int, Value]):
        """Which register, in its group, which group, and the difference that an operation's own count is."""
        index, found, base = Signal(8), Signal(32, reset_less=True), Signal(32, reset_less=True)
        if not self.has_difference:
            m.d.sync += [index.eq(self.read_index), self.read.eq(self._choose(m, "value", index, values))]
            return
        number = self.read_index[:len(COUNTERS).bit_length()]
        is_operation = self.read_index[:8] >= FIRST_OPERATION_COUNTER
        m.d.sync += index.eq(Mux(is_operation, FIRST_COUNTER + (number << 1), self.read_index))
        own = Signal(8, reset_less=True)
        m.d.sync += own.eq(Mux(is_operation, self.read_index, 0))
        index, own = delay(m, index, self.more), delay(m, own, self.more)
        m.d.sync += [found.eq(self._choose(m, "value", index, values)), base.eq(self._choose(m, "base", own, bases)),
                     self.read.eq(found - base)]

    def _choose(self, m: Module, name: str, index: Signal, values: dict[int, Value]):
        """The value of an index, in the next cycle but for one choice of groups; of one that is not there, anything."""
        groups, low = [], (_GROUP - 1).bit_length()
        for start in range(0, max(values, default=0) + 1, _GROUP):
            some = {n: value for n, value in values.items() if start <= n < start + _GROUP}
            if not some:
                continue
            group, is_chosen = Signal(32, name=f"{name}_{start}", reset_less=True), Signal(name=f"is_{name}_{start}")
            m.d.sync += is_chosen.eq(index[low:] == start // _GROUP)
            with m.Switch(index[:low]):
                for n, value in some.items():
                    with m.Case(n - start) if n != [*some][-1] else m.Default():
                        m.d.sync += group.eq(value)
            groups.append(Mux(is_chosen, group, 0))
        total = Const(0, 32)
        for group in groups:
            total |= group
        return total

    def _read_port(self, m: Module, values: dict[int, Value], bases: dict[int, Value]):
        """The same for the second way in, at once."""
        port, found, base = self.port, Signal(32), Signal(32)
        for target, registers in ((found, self._with_totals(values, bases)), (base, bases)):
            with m.Switch(port.read_index):
                for index, value in registers.items():
                    with m.Case(index):
                        m.d.comb += target.eq(value)
        m.d.comb += [port.read.eq(found - base),
                     port.readable.eq(Cat(port.read_index == register.index for register in self.map.values()).any())]

    @staticmethod
    def _with_totals(values: dict[int, Value], bases: dict[int, Value]) -> dict[int, Value]:
        """Registers, and for an operation's own count the total that its base is taken from."""
        return values | {index: values[FIRST_COUNTER + 2 * (index - FIRST_OPERATION_COUNTER)] for index in bases}

    def _write(self, m: Module, pending: Signal):
        """What a write does, from either way."""
        port, cleared = self.port, Signal(len(Interrupt))
        is_immediate = Cat(port.write_index == self.map[name].index for name in IMMEDIATE).any()
        m.d.comb += port.waits.eq(self.write | self.clear | self.next_event | self.is_running & ~is_immediate)
        m.d.comb += self.changes.eq(port.write & port.accepts & ~port.waits & (port.write_index < FIRST_STATUS))

        writable = [register for register in self.map.values() if register.writable]
        ranges = {(register.minimum, register.maximum): Signal(name=f"is_in_{register.minimum}_{register.maximum}")
                  for register in writable}
        for (low, high), is_within in ranges.items():
            m.d.sync += is_within.eq(within(self.value, low, high))
        chosen = {register.name: Signal(name=f"is_{register.name}") for register in writable}
        m.d.sync += [
            *(is_chosen.eq(self.index == self.map[name].index) for name, is_chosen in chosen.items()),
            self.writable.eq(Cat(*chosen.values()).any()),
            self.accepts.eq(Cat(chosen[register.name] & ranges[register.minimum, register.maximum]
                                for register in writable).any()),
        ]
        for register in writable:
            is_at_port = port.write_index == register.index
            is_within = within(port.value, register.minimum, register.maximum)
            with m.If(is_at_port & is_within):
                m.d.comb += port.accepts.eq(1)
            for value, is_written in ((self.value, self.write & self.accepts & chosen[register.name]),
                                      (port.value, port.write & ~port.waits & is_at_port & is_within)):
                with m.If(is_written):
                    self._store(m, register, value, cleared)
        m.d.sync += pending.eq((pending & ~cleared) | self.interrupts)
        m.d.comb += self.irq.eq((pending & self.irq_enable).any())

    def _store(self, m: Module, register: Register, value, cleared: Signal):
        match register.access:
            case Access.WRITE:
                m.d.sync += getattr(self, register.name).eq(value)
            case Access.CLEAR:
                m.d.comb += cleared.eq(value)
            case Access.COMMAND:
                m.d.comb += self.abort.eq(value)
