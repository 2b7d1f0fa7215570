# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

from amaranth_boards.icebreaker import ICEBreakerPlatform

from boards.board import Board
from boards.family import ICE40UP
from boards.pll import SB_PLL40_PAD
from golden.config import SETTINGS
from golden.presets import TILES

BOARD = Board(
    name="icebreaker", title="iCEBreaker with iCE40UP5K", platform=ICEBreakerPlatform, family=ICE40UP,
    clock_mhz=24, pll=SB_PLL40_PAD, baud=1_000_000, uart="channel B of the FT2232H of the USB port",
    programmer="ice40_generic",
    config=replace(TILES["small training"], max_bl=31, fixed=SETTINGS),
    leaves_out="managed vectors, programming, correction, counters, noise, updates of more than 31 slots, and other "
               "settings than those at reset, for want of room",
)
