# SPDX-License-Identifier: Apache-2.0
from amaranth_boards.ecpix5 import ECPIX585Platform

from boards.board import Board
from boards.family import ECP5
from golden.presets import TILES

BOARD = Board(
    name="ecpix5_85f", title="ECPIX-5 with LFE5UM5G-85F", platform=ECPIX585Platform, family=ECP5,
    clock_mhz=100, baud=1_000_000, uart="channel B of the FT2232H of the USB port", programmer="ecpix5",
    config=TILES["training"],
    leaves_out="managed vectors, programming, correction and most counters: it is for training, and for its clock",
)
