# SPDX-License-Identifier: Apache-2.0
"""The register bank, made from the register map; mirrors golden."""
from amaranth.hdl import Module, Mux, Signal
from amaranth.lib.wiring import Component, In, Out

from golden.config import TileConfig
from golden.registers import COUNTERS, Access, Interrupt, register_map


class RegisterBank(Component):
    """Registers of a tile, read and written one at a time.

    Members: `index` and `value` in; `read`, `writable` and `accepts` (writable, and the value in range) out,
    combinationally; `write` acts on an accepted value; `clear` resets all. Each stored register is an output
    of its name; each counter has an input of its name that is added in every cycle, to the total and to the
    operation's own count, which `begin` starts anew. `next_event` increments the event. `interrupts` (bits of
    `Interrupt`) become pending, `irq` is the line. `abort` is a write to `control`; `aborted_slots` is read as given.
    """

    def __init__(self, config: TileConfig):
        self.map = register_map(config)
        self.stored = [register for register in self.map.values() if register.stored]
        increments = {name: In(32) for name in COUNTERS}
        super().__init__({
            "index": In(16), "value": In(32), "write": In(1), "clear": In(1), "next_event": In(1), "begin": In(1),
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
        for name in COUNTERS:
            total, last, increment = Signal(64, name=name), Signal(32, name=f"operation_{name}"), getattr(self, name)
            m.d.sync += [total.eq(Mux(self.clear, 0, total + increment)),
                         last.eq(Mux(self.clear, 0, Mux(self.begin, 0, last) + increment))]
            values |= {f"{name}_low": total[:32], f"{name}_high": total[32:], f"operation_{name}": last}

        bits = max(register.index for register in self.map.values()).bit_length()
        with m.Switch(self.index[:bits]):
            for register in self.map.values():
                with m.Case(register.index):
                    m.d.comb += self.read.eq(values[register.name])
        with m.If(self.next_event):
            m.d.sync += self.event.eq(self.event + 1)
        cleared = Signal(len(Interrupt))
        for register in self.map.values():
            if not register.writable:
                continue
            with m.If(self.index == register.index):
                m.d.comb += [self.writable.eq(1), self.accepts.eq(
                    (self.value >= register.minimum) & (self.value <= register.maximum))]
                with m.If(self.write & self.accepts):
                    match register.access:
                        case Access.WRITE:
                            m.d.sync += getattr(self, register.name).eq(self.value)
                        case Access.CLEAR:
                            m.d.comb += cleared.eq(self.value)
                        case Access.COMMAND:
                            m.d.comb += self.abort.eq(self.value)
        m.d.sync += pending.eq((pending & ~cleared) | self.interrupts)
        m.d.comb += self.irq.eq((pending & self.irq_enable).any())
        with m.If(self.clear):
            m.d.sync += [pending.eq(0), *(getattr(self, register.name).eq(register.reset) for register in self.stored)]
        return m
