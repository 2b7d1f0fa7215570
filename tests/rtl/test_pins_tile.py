# SPDX-License-Identifier: Apache-2.0
"""Runs the cocotb bench of the tile with pins: one build, all tests in one simulator process."""
from dataclasses import replace

import pytest

from rtl.pins_tile import PinsTile
from rtl.tile import Tile
from rtl.verilog import TOP, tile_verilog
from sim.cocotb_runner import run_bench
from tests.rtl import bench_pins_tile
from tests.rtl.simulation import asked


@pytest.mark.cocotb
def test_bench():
    names = run_bench(tile_verilog(bench_pins_tile.CONFIG), TOP, bench_pins_tile.__name__, opt="-O0", timeout=120)
    assert len(names) == 2 + 2 + 3 + 1


@pytest.mark.parametrize("tile", [Tile, PinsTile])
def test_each_tile_is_of_its_configuration(tile):
    def refuse():
        with pytest.raises(ValueError, match="Configuration must be one with"):
            tile(replace(bench_pins_tile.CONFIG, pins=tile is Tile))

    asked(refuse, lambda _: None)
