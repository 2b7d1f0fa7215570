# SPDX-License-Identifier: Apache-2.0
"""The register bank, made from the register map; mirrors golden."""
from amaranth.hdl import Module, Mux, Signal
from amaranth.lib.wiring import Component, In, Out

from golden.config import TileConfig
from golden.registers import COUNTERS, register_map


class RegisterBank(Component):
    """Registers of a tile, read and written one at a time.

    Members: `index` and `value` in; `read`, `writable` and `accepts` (writable, and the value in range) out,
    combinationally; `write` stores an accepted value; `clear` resets all. Each writable register is an output
    of its name; each counter has an input of its name that is added in every cycle. `next_event` increments
    the event.
    """

    def __init__(self, config: TileConfig):
        self.map = register_map(config)
        self.stored = [register for register in self.map.values() if register.writable]
        increments = {name: In(32) for name in COUNTERS}
        super().__init__({
            "index": In(16), "value": In(32), "write": In(1), "clear": In(1), "next_event": In(1),
            "writable": Out(1), "accepts": Out(1), "read": Out(32),
            **{register.name: Out(register.bits, init=register.reset) for register in self.stored},
            **increments,
        })

    def elaborate(self, platform):
        m = Module()

        values = {register.name: register.reset for register in self.map.values()}
        values |= {register.name: getattr(self, register.name) for register in self.stored}
        for name in COUNTERS:
            counter = Signal(64, name=name)
            m.d.sync += counter.eq(Mux(self.clear, 0, counter + getattr(self, name)))
            values |= {f"{name}_low": counter[:32], f"{name}_high": counter[32:]}

        bits = max(register.index for register in self.map.values()).bit_length()
        with m.Switch(self.index[:bits]):
            for register in self.map.values():
                with m.Case(register.index):
                    m.d.comb += self.read.eq(values[register.name])
        with m.If(self.next_event):
            m.d.sync += self.event.eq(self.event + 1)
        for register in self.stored:
            value = getattr(self, register.name)
            with m.If(self.index == register.index):
                m.d.comb += self.writable.eq(1)
                m.d.comb += self.accepts.eq((self.value >= register.minimum) & (self.value < 1 << register.bits))
                with m.If(self.write & self.accepts):
                    m.d.sync += value.eq(self.value)
        with m.If(self.clear):
            for register in self.stored:
                m.d.sync += getattr(self, register.name).eq(register.reset)
        return m
