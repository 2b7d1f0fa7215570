# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

from amaranth_boards.ulx3s import ULX3S_85F_Platform

from boards.board import Board
from boards.family import ECP5
from golden.presets import FEW, TILES

BOARD = Board(
    name="ulx3s_85f", title="ULX3S with LFE5U-85F", platform=ULX3S_85F_Platform, family=ECP5,
    clock_mhz=100, baud=1_000_000, uart="the FT231X of the USB port US1", programmer="ulx3s",
    config=replace(TILES["folded"], rows=128, cols=128, lanes=16, engines=(), counters=FEW, operation_counters=False),
    leaves_out="updates, managed vectors, correction and most counters: it is for inference, and for its clock",
)
