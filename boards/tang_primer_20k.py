# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

from amaranth_boards.tang_primer_20k import TangPrimer20kPlatform

from boards.board import Board
from boards.family import GW2A
from golden.presets import DEVICES, TILES

BOARD = Board(
    name="tang_primer_20k", title="Tang Primer 20K with GW2A-18", platform=TangPrimer20kPlatform, family=GW2A,
    clock_mhz=30, baud=1_000_000, uart="the BL616 of the dock's debugger", programmer="tangprimer20k",
    config=replace(TILES["small training"], weight_bits=18, parameter_bits=9,
                   device=replace(DEVICES["GokmenVlasov"], dw_min_std=0.0), adc=TILES["folded"].adc),
    leaves_out="managed vectors, programming, correction, counters and noise of steps, for want of room",
)
