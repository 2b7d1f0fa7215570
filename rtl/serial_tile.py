# SPDX-License-Identifier: Apache-2.0
"""A tile behind a serial line: what a board holds, but for its clock and its pads."""
from amaranth.hdl import Module
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import Component, In, Out, connect, flipped

from golden.config import TileConfig
from golden.frame import longest_packet
from rtl.crossbar_pins import pins_signature
from rtl.link import Link
from rtl.pins_tile import PinsTile
from rtl.stream import StreamRegister
from rtl.tile import Tile
from rtl.uart import UartReceiver, UartTransmitter


class SerialTile(Component):
    """Tile, link and UART. The line's rate is the clock's over `divisor`.

    Members: `rx` (asynchronous) and `tx`, the serial line; `irq` (a level, high while an enabled interrupt is
    pending); `is_busy` while there is anything left to do, for a lamp, or a simulation that need not go on otherwise;
    `pins` where the configuration has a real array.
    """

    def __init__(self, config: TileConfig, divisor: int):
        self.config = config
        self.tile = PinsTile(config) if config.pins else Tile(config)
        self.link = Link(longest_packet(config), registered=not config.rolled)
        self.receiver, self.transmitter = UartReceiver(divisor), UartTransmitter(divisor)
        pins = {"pins": Out(pins_signature(config))} if config.pins else {}
        super().__init__({"rx": In(1, init=1), "tx": Out(1, init=1), "irq": Out(1), "is_busy": Out(1), **pins})

    def elaborate(self, platform):
        m = Module()
        m.submodules.tile, m.submodules.link = tile, link = self.tile, self.link
        m.submodules.receiver, m.submodules.transmitter = receiver, transmitter = self.receiver, self.transmitter
        m.submodules.rx_synchronizer = FFSynchronizer(self.rx, receiver.rx, init=1)
        connect(m, receiver.o, link.i)
        self._connect(m, "bytes", link.o, transmitter.i)
        self._connect(m, "command", link.command, tile.i)
        self._connect(m, "response", tile.o, link.response)
        if self.config.pins:
            connect(m, tile.pins, flipped(self.pins))
        m.d.comb += [
            link.break_off.eq(receiver.error), self.tx.eq(transmitter.tx), self.irq.eq(tile.controller.irq),
            self.is_busy.eq(link.is_busy | ~transmitter.is_idle),
        ]
        return m

    def _connect(self, m: Module, name: str, source, target) -> None:
        """One stream to another, through a register on the way, which the clock of a rolled tile can do without."""
        if not self.config.rolled:
            m.submodules[f"{name}_register"] = register = StreamRegister(source.payload.shape())
            connect(m, source, register.i)
            source = register.o
        connect(m, source, target)
