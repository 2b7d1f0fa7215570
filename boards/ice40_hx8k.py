# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

from amaranth_boards.ice40_hx8k_b_evn import ICE40HX8KBEVNPlatform

from boards.board import Board
from boards.family import ICE40HX
from golden.presets import TILES

BOARD = Board(
    name="ice40_hx8k", title="iCE40-HX8K breakout board", platform=ICE40HX8KBEVNPlatform, family=ICE40HX,
    clock_mhz=48, baud=1_000_000, uart="channel B of the FT2232H of the USB port", programmer="ice40_generic",
    config=replace(TILES["small training"], max_bl=31),
    leaves_out="managed vectors, programming, correction, counters, noise, and updates beyond 31 slots, for want of "
               "room",
)
