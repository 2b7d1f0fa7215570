#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# pyright: basic, reportMissingImports=false
"""A CrossTwin tile in a LiteX system: registers on its bus, packets by DMA, an interrupt.

`CrossTwin` wraps the core, `add_crosstwin` puts it into any LiteX SoC. Run as a program, it writes the Verilog of a
small system for simulation into build/litex (needs `pip install litex`); Verilog and registers of the tile are those of
the folder above this file.
"""
from pathlib import Path

from litex.build.generic_platform import Pins
from litex.build.sim import SimPlatform
from litex.gen import LiteXModule
from litex.soc.cores.dma import WishboneDMAReader, WishboneDMAWriter
from litex.soc.integration import export
from litex.soc.integration.soc import SoCRegion
from litex.soc.integration.soc_core import SoCMini
from litex.soc.interconnect import stream, wishbone
from litex.soc.interconnect.axi import AXILiteInterface
from litex.soc.interconnect.csr_eventmanager import EventManager, EventSourceLevel
from migen import ClockSignal, Constant, Instance, ResetSignal, Signal
from migen.genlib.io import CRG

TOP = "crosstwin_axi_tile"
PACKAGE = Path(__file__).resolve().parents[1]
ORIGIN, SIZE = 0x9000_0000, 0x1000


class CrossTwin(LiteXModule):
    """The core: `bus` for its registers, `sink` and `source` for command and response packets, `ev` for interrupts."""

    def __init__(self, platform, name: str = TOP):
        self.bus = bus = AXILiteInterface(data_width=32, address_width=32)
        self.sink = stream.Endpoint([("data", 32)])
        self.source = stream.Endpoint([("data", 32)])
        irq = Signal()
        self.ev = EventManager()
        self.ev.tile = EventSourceLevel(description="An enabled bit of the tile's irq_status is set.")
        self.ev.finalize()
        self.comb += self.ev.tile.trigger.eq(irq)
        self.specials += Instance(
            name,
            i_aclk=ClockSignal("sys"), i_aresetn=~ResetSignal("sys"), o_irq=irq,
            i_s_axil_awaddr=bus.aw.addr[:12], i_s_axil_awprot=Constant(0, 3), i_s_axil_awvalid=bus.aw.valid,
            o_s_axil_awready=bus.aw.ready,
            i_s_axil_wdata=bus.w.data, i_s_axil_wstrb=bus.w.strb, i_s_axil_wvalid=bus.w.valid,
            o_s_axil_wready=bus.w.ready,
            o_s_axil_bresp=bus.b.resp, o_s_axil_bvalid=bus.b.valid, i_s_axil_bready=bus.b.ready,
            i_s_axil_araddr=bus.ar.addr[:12], i_s_axil_arprot=Constant(0, 3), i_s_axil_arvalid=bus.ar.valid,
            o_s_axil_arready=bus.ar.ready,
            o_s_axil_rdata=bus.r.data, o_s_axil_rresp=bus.r.resp, o_s_axil_rvalid=bus.r.valid,
            i_s_axil_rready=bus.r.ready,
            i_s_axis_tdata=self.sink.data, i_s_axis_tlast=self.sink.last, i_s_axis_tvalid=self.sink.valid,
            o_s_axis_tready=self.sink.ready,
            o_m_axis_tdata=self.source.data, o_m_axis_tlast=self.source.last, o_m_axis_tvalid=self.source.valid,
            i_m_axis_tready=self.source.ready,
        )
        platform.add_source(str(PACKAGE / "rtl" / f"{name}.v"))


def add_crosstwin(soc, origin: int = ORIGIN) -> None:
    """Registers at `origin`; a DMA reader that sends one command packet a transfer, and a DMA writer that ends its
    transfer with the response packet.
    """
    soc.crosstwin = CrossTwin(soc.platform)
    soc.bus.add_slave("crosstwin", soc.crosstwin.bus, SoCRegion(origin=origin, size=SIZE, cached=False))
    for name, dma in (("commands", WishboneDMAReader), ("responses", WishboneDMAWriter)):
        bus = wishbone.Interface(data_width=32, address_width=32, addressing="word")
        soc.add_module(f"crosstwin_{name}", dma(bus, endianness="big", with_csr=True))  # words as they are
        soc.bus.add_master(f"crosstwin_{name}", master=bus)
    soc.comb += [soc.crosstwin_commands.source.connect(soc.crosstwin.sink),
                 soc.crosstwin.source.connect(soc.crosstwin_responses.sink)]
    if soc.irq.enabled:
        soc.irq.add("crosstwin", use_loc_if_exists=True)


class ExampleSoC(SoCMini):
    """No processor: the DMA engines and the registers on one bus with a small memory."""

    def __init__(self, platform):
        super().__init__(platform, clk_freq=int(100e6), ident="CrossTwin in LiteX")
        self.crg = CRG(platform.request("sys_clk"))
        self.add_ram("packets", origin=0x4000_0000, size=0x2000)
        add_crosstwin(self)


if __name__ == "__main__":
    soc = ExampleSoC(SimPlatform("SIM", [("sys_clk", 0, Pins(1))]))
    soc.finalize()
    output = Path("build/litex")
    output.mkdir(parents=True, exist_ok=True)
    soc.platform.get_verilog(soc, name="crosstwin_soc").write(str(output / "crosstwin_soc.v"))
    (output / "csr.json").write_text(export.get_csr_json(soc.csr_regions, soc.constants, soc.mem_regions))
    print(f"Wrote {output / 'crosstwin_soc.v'}")
