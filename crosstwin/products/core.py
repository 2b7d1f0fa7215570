# SPDX-License-Identifier: Apache-2.0
"""What a tile is packaged as: a top module with a bus, and what must be said about its ports."""
from collections.abc import Callable
from dataclasses import dataclass, field

from amaranth.hdl import Value
from amaranth.lib.wiring import Component, In

from golden.config import TileConfig
from rtl import axi_tile, verilog
from rtl.analog_port import Mode
from rtl.pins_tile import PinsTile
from rtl.serial_tile import SerialTile
from rtl.tile import Tile


@dataclass(frozen=True)
class Core:
    """A top module: how it is made of a configuration and the divisor of a serial line, and what its ports are for, by
    the beginning of their names.
    """

    top: str
    make: Callable[[TileConfig, int], Component]
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
        ports = self.hidden | self.ports | _PINS
        return ports[max((prefix for prefix in ports if name.startswith(prefix)), key=len)]


_PINS = {
    "pins__": "line or strobe of the array", "pins__adc_": "a converter's trial code, or the comparators' answers",
    "pins__mode": "what the array is connected for: " + ", ".join(f"{mode.value} {mode.name}" for mode in Mode),
    "pins__row_": "pulse lines of the rows, or their polarity: 1 negative",
    "pins__col_": "pulse lines of the columns, or their polarity: 1 negative",
}
_CLOCK = {"clk": "clock of everything", "rst": "reset, active high, synchronous to clk"}
CORES = {
    "axi": Core(axi_tile.TOP, lambda config, _: axi_tile.AxiTile(config),
                "registers by AXI4-Lite, packets by AXI4-Stream", {
        "aclk": "clock of everything", "aresetn": "reset, active low, synchronous to aclk",
        "irq": "interrupt, a level, high while irq_status & irq_enable is not 0",
        "s_axil_": "AXI4-Lite subordinate: registers", "s_axis_": "AXI4-Stream receiver: command packets",
        "m_axis_": "AXI4-Stream transmitter: response packets"}),
    "uart": Core(verilog.SERIAL_TOP, SerialTile, "a serial line with the framed link of docs/link.md", {
        "rx": "serial line in, asynchronous to clk, 8N1", "tx": "serial line out, 8N1",
        "is_busy": "high while there is anything left to do",
        "irq": "interrupt, a level, high while irq_status & irq_enable is not 0"}, _CLOCK),
    "stream": Core(verilog.TOP, lambda config, _: PinsTile(config) if config.pins else Tile(config),
                   "bare streams of 34-bit words", {
        "i__": "command words: data in 31..0, first in 32, last in 33; a transfer where valid and ready are high",
        "o__": "response words, alike"}, _CLOCK),
}
"""By the name of the bus."""
