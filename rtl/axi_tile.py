# SPDX-License-Identifier: Apache-2.0
"""The tile behind AXI: registers by AXI4-Lite, commands and responses by AXI4-Stream."""
from amaranth.hdl import ClockDomain, Module
from amaranth.lib.wiring import Component, In, Out, connect, flipped

from golden.config import TileConfig
from rtl.axi_lite import AXI_LITE, AxiLite
from rtl.axi_stream import AXI_STREAM, AxiStreamReceiver, AxiStreamTransmitter
from rtl.crossbar_pins import pins_signature
from rtl.pins_tile import PinsTile
from rtl.tile import Tile

TOP = "crosstwin_axi_tile"
BUSES = {"s_axil": (In, AXI_LITE), "s_axis": (In, AXI_STREAM), "m_axis": (Out, AXI_STREAM)}
"""By the prefix of their ports: registers, command packets, response packets."""


class AxiTile(Component):
    """A tile with the ports of an AXI core; everything runs on `aclk`, with `aresetn` synchronous, active low.

    Both ways to the registers may be used at any time, GET and SET packets and `s_axil_*`. A write over `s_axil_*`
    waits while an operation runs, but for those of `rtl.registers.IMMEDIATE`. Every output comes from a register, or
    through one inverter from it.

    Members: `aclk`, `aresetn`, `irq` (a level, high while an enabled interrupt is pending), the ports of each bus of
    BUSES, as `s_axil_awaddr`, and `pins` where the configuration has a real array.
    """

    def __init__(self, config: TileConfig):
        self.config = config
        self.tile = PinsTile(config) if config.pins else Tile(config)
        ports = {f"{prefix}_{name}": member if flow is Out else member.flip()
                 for prefix, (flow, bus) in BUSES.items() for name, member in bus.members.items()}
        if config.pins:
            ports["pins"] = Out(pins_signature(config))
        super().__init__({"aclk": In(1), "aresetn": In(1), "irq": Out(1), **ports})

    def elaborate(self, platform):
        m = Module()
        bank = self.tile.controller.bank
        m.domains.sync = sync = ClockDomain()
        sync.clk = self.aclk
        m.d.comb += sync.rst.eq(~self.aresetn)
        m.submodules.tile = tile = self.tile
        m.submodules.registers = registers = AxiLite()
        m.submodules.commands = commands = AxiStreamReceiver()
        m.submodules.responses = responses = AxiStreamTransmitter()
        m.d.sync += self.irq.eq(bank.irq)
        connect(m, registers.registers, bank.port)
        connect(m, commands.o, tile.i)
        connect(m, tile.o, responses.i)
        if self.config.pins:
            connect(m, tile.pins, flipped(self.pins))
        for prefix, bus in (("s_axil", registers.bus), ("s_axis", commands.bus), ("m_axis", responses.bus)):
            for name in BUSES[prefix][1].members:
                outer, inner = getattr(self, f"{prefix}_{name}"), getattr(bus, name)
                is_input = self.signature.members[f"{prefix}_{name}"].flow is In
                m.d.comb += inner.eq(outer) if is_input else outer.eq(inner)
        return m
