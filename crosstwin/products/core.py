# SPDX-License-Identifier: Apache-2.0
"""What a tile is packaged as: a top module with a bus, and what must be said about its ports."""
from collections.abc import Callable
from dataclasses import dataclass, field

from amaranth.hdl import Value
from amaranth.lib.wiring import Component, In

from golden.config import TileConfig
from rtl import axi_tile, verilog
from rtl.tile import Tile


@dataclass(frozen=True)
class Core:
    """A top module: how it is made, and what its ports are for, by the beginning of their names."""

    top: str
    make: Callable[[TileConfig], Component]
    summary: str
    ports: dict[str, str]
    hidden: dict[str, str] = field(default_factory=dict)
    """Ports that Amaranth adds when it writes Verilog."""

    def port_list(self, component: Component) -> list[tuple[str, str, int, str]]:
        """Name, direction, width and purpose of every port, in the order of the module."""
        found = [("__".join(map(str, path)), "input" if member.flow is In else "output", len(Value.cast(value)))
                 for path, member, value in component.signature.flatten(component)]
        found += [(name, "input", 1) for name in self.hidden]
        return [(*port, self._purpose(port[0])) for port in found]

    def _purpose(self, name: str) -> str:
        ports = self.hidden | self.ports
        return ports[max((prefix for prefix in ports if name.startswith(prefix)), key=len)]


CORES = {
    "axi": Core(axi_tile.TOP, axi_tile.AxiTile, "registers by AXI4-Lite, packets by AXI4-Stream", {
        "aclk": "clock of everything", "aresetn": "reset, active low, synchronous to aclk",
        "irq": "interrupt, a level, high while irq_status & irq_enable is not 0",
        "s_axil_": "AXI4-Lite subordinate: registers", "s_axis_": "AXI4-Stream receiver: command packets",
        "m_axis_": "AXI4-Stream transmitter: response packets"}),
    "stream": Core(verilog.TOP, Tile, "bare streams of 34-bit words", {
        "i__": "command words: data in 31..0, first in 32, last in 33; a transfer where valid and ready are high",
        "o__": "response words, alike"},
        {"clk": "clock of everything", "rst": "reset, active high, synchronous to clk"}),
}
"""By the name of the bus."""
