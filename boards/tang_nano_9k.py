# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

from amaranth_boards.tang_nano_9k import TangNano9kPlatform

from boards.board import Board
from boards.family import GW1N
from golden.presets import TILES

BOARD = Board(
    name="tang_nano_9k", title="Tang Nano 9K with GW1NR-9", platform=TangNano9kPlatform, family=GW1N,
    clock_mhz=24, baud=1_000_000, uart="the BL702 of the USB port", programmer="tangnano9k",
    config=replace(TILES["small training"], weight_bits=18),
    leaves_out="managed vectors, programming, correction, counters and noise, for want of room",
)
