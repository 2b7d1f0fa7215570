# SPDX-License-Identifier: Apache-2.0
"""The register bank, made from the register map; mirrors golden."""
from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib.wiring import Component, In, Out, Signature

from golden.config import TileConfig
from golden.registers import FIRST_STATUS, Access, Interrupt, register_map

IMMEDIATE = ("irq_status", "irq_enable", "control")
"""Registers that are written at once, also in the midst of an operation."""
RegisterPort = Signature({
    "read_index": Out(16), "read": In(32), "readable": In(1),
    "write_index": Out(16), "value": Out(32), "write": Out(1), "accepts": In(1), "waits": In(1),
})
"""A way to the registers beside the packets: `read` and `readable` (there is such a register) follow `read_index`,
`accepts` (it may be written, and the value is in range) and `waits` (not in this cycle) follow `write_index` and
`value`, combinationally. `write` stores a value that is accepted and need not wait."""


class RegisterBank(Component):
    """Registers of a tile, read and written one at a time.

    Members: `index` and `value` in; `read`, `writable` and `accepts` (writable, and the value in range) out,
    combinationally; `write` acts on an accepted value; `clear` resets all. Each stored register is an output
    of its name; each counter has an input of its name that is added in every cycle, to the total and to the
    operation's own count, which `begin` starts anew. `next_event` increments the event. `interrupts` (bits of
    `Interrupt`) become pending, `irq` is the line. `abort` is a write to `control`; `aborted_slots` is read as given.
    `port` is a second way in: what it writes waits for the first way, and, but for IMMEDIATE, while `is_running`;
    `changes` says that it writes a setting.
    """

    def __init__(self, config: TileConfig):
        self.config, self.map = config, register_map(config)
        self.stored = [register for register in self.map.values() if register.stored]
        increments = {name: In(32) for name in config.counters}
        super().__init__({
            "index": In(16), "value": In(32), "write": In(1), "clear": In(1), "next_event": In(1), "begin": In(1),
            "port": In(RegisterPort), "is_running": In(1), "changes": Out(1),
            "writable": Out(1), "accepts": Out(1), "read": Out(32),
            "interrupts": In(len(Interrupt)), "irq": Out(1), "abort": Out(1), "aborted_slots": In(32),
            **{register.name: Out(register.bits, init=register.reset) for register in self.stored},
            **increments,
        })

    def elaborate(self, platform):
        m = Module()

        pending = Signal(len(Interrupt))
        values = {register.name: register.reset for register in self.map.values()}
        values |= {register.name: getattr(self, register.name) for register in self.stored}
        values |= {"irq_status": pending, "aborted_slots": self.aborted_slots}
        for name in self.config.counters:
            total, last, increment = Signal(64, name=name), Signal(32, name=f"operation_{name}"), getattr(self, name)
            m.d.sync += [total.eq(Mux(self.clear, 0, total + increment)),
                         last.eq(Mux(self.clear, 0, Mux(self.begin, 0, last) + increment))]
            values |= {f"{name}_low": total[:32], f"{name}_high": total[32:], f"operation_{name}": last}

        port = self.port
        bits = max(register.index for register in self.map.values()).bit_length()
        for index, read in ((self.index[:bits], self.read), (port.read_index, port.read)):
            with m.Switch(index):
                for register in self.map.values():
                    with m.Case(register.index):
                        m.d.comb += read.eq(values[register.name])
        m.d.comb += port.readable.eq(Cat(port.read_index == register.index for register in self.map.values()).any())
        with m.If(self.next_event):
            m.d.sync += self.event.eq(self.event + 1)
        self._write(m, pending)
        with m.If(self.clear):
            m.d.sync += [pending.eq(0), *(getattr(self, register.name).eq(register.reset) for register in self.stored)]
        return m

    def _write(self, m: Module, pending: Signal):
        """What a write does, from either way."""
        port, cleared = self.port, Signal(len(Interrupt))
        is_immediate = Cat(port.write_index == self.map[name].index for name in IMMEDIATE).any()
        m.d.comb += port.waits.eq(self.write | self.clear | self.next_event | self.is_running & ~is_immediate)
        m.d.comb += self.changes.eq(port.write & port.accepts & ~port.waits & (port.write_index < FIRST_STATUS))
        for register in self.map.values():
            if not register.writable:
                continue
            with m.If(self.index == register.index):
                m.d.comb += self.writable.eq(1)
            for index, value, write, accepts in (
                    (self.index, self.value, self.write, self.accepts),
                    (port.write_index, port.value, port.write & ~port.waits, port.accepts)):
                with m.If(index == register.index):
                    m.d.comb += accepts.eq((value >= register.minimum) & (value <= register.maximum))
                    with m.If(write & accepts):
                        match register.access:
                            case Access.WRITE:
                                m.d.sync += getattr(self, register.name).eq(value)
                            case Access.CLEAR:
                                m.d.comb += cleared.eq(value)
                            case Access.COMMAND:
                                m.d.comb += self.abort.eq(value)
        m.d.sync += pending.eq((pending & ~cleared) | self.interrupts)
        m.d.comb += self.irq.eq((pending & self.irq_enable).any())
