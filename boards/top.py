# SPDX-License-Identifier: Apache-2.0
"""What goes into a board's chip: its clock, and a tile behind its serial line, at its pins."""
from amaranth.hdl import ClockDomain, Elaboratable, Module
from amaranth.lib import io
from amaranth.lib.wiring import Component

from boards.board import Board
from boards.clock import BoardClock


class BoardTop(Elaboratable):
    """A component with a serial line, `rx` and `tx`, at the board's first UART."""

    def __init__(self, board: Board, tile: Component):
        self.board, self.tile = board, tile

    def elaborate(self, platform):
        m = Module()
        board = self.board
        if board.setting:  # otherwise the platform itself makes the domain of its oscillator
            has_global_reset = board.family.has_global_reset
            m.domains.sync = ClockDomain(reset_less=has_global_reset)
            m.submodules.clock = BoardClock(board.pll or board.family.pll, board.setting, has_global_reset)
        m.submodules.tile = tile = self.tile
        lines = platform.lookup("uart", 0).ios  # some boards have handshake lines beside these two
        uart = platform.request("uart", 0, dir={line.name: "-" for line in lines})
        m.submodules.rx, m.submodules.tx = rx, tx = io.Buffer("i", uart.rx), io.Buffer("o", uart.tx)
        m.d.comb += [tile.rx.eq(rx.i), tx.o.eq(tile.tx)]
        return m
