# SPDX-License-Identifier: Apache-2.0
from amaranth_boards.icebreaker import ICEBreakerPlatform

from boards.board import Board
from boards.family import ICE40UP
from boards.pll import SB_PLL40_PAD
from golden.presets import TILES

BOARD = Board(
    name="icebreaker", title="iCEBreaker with iCE40UP5K", platform=ICEBreakerPlatform, family=ICE40UP,
    clock_mhz=24, pll=SB_PLL40_PAD, baud=1_000_000, uart="channel B of the FT2232H of the USB port",
    programmer="ice40_generic",
    config=TILES["small"],
    leaves_out="updates, managed vectors, programming, correction, counters and noise, for want of room",
)
