# SPDX-License-Identifier: Apache-2.0
"""What goes into a board's chip: a tile behind its serial line, at its pins."""
from amaranth.hdl import Elaboratable, Module
from amaranth.lib import io

from boards.board import Board
from golden.config import TileConfig
from rtl.serial_tile import SerialTile


class BoardTop(Elaboratable):
    """`SerialTile` at the board's first UART, on the board's own clock."""

    def __init__(self, board: Board, config: TileConfig):
        self.tile = SerialTile(config, board.divisor)

    def elaborate(self, platform):
        m = Module()
        m.submodules.tile = tile = self.tile
        lines = platform.lookup("uart", 0).ios  # some boards have handshake lines beside these two
        uart = platform.request("uart", 0, dir={line.name: "-" for line in lines})
        m.submodules.rx, m.submodules.tx = rx, tx = io.Buffer("i", uart.rx), io.Buffer("o", uart.tx)
        m.d.comb += [tile.rx.eq(rx.i), tx.o.eq(tile.tx)]
        return m
