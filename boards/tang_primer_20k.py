# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

from amaranth_boards.tang_primer_20k import TangPrimer20kDockPlatform

from boards.board import Board
from golden.presets import TILES

BOARD = Board(
    name="tang_primer_20k", title="Tang Primer 20K on its dock", platform=TangPrimer20kDockPlatform,
    clock_mhz=27, baud=1_000_000, uart="the BL616 of the dock's USB port",
    config=replace(TILES["default"], rows=16, cols=16, lanes=2),
    leaves_out="nothing",
    cable="tangprimer20k",
)
