# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

from amaranth_boards.tang_primer_20k import TangPrimer20kPlatform

from boards.board import Board
from boards.family import GW2A
from golden.presets import TILES

BOARD = Board(
    name="tang_primer_20k", title="Tang Primer 20K with GW2A-18", platform=TangPrimer20kPlatform, family=GW2A,
    clock_mhz=30, baud=1_000_000, uart="the BL616 of the dock's debugger", programmer="tangprimer20k",
    config=replace(TILES["folded"], rows=64, cols=64, lanes=2, engines=("update",), counters=("chip_cycles",),
                   operation_counters=False, parameter_bits=9),
    leaves_out="managed vectors, programming, correction and most counters, for want of room",
)
