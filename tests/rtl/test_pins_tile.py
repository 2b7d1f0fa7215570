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


def run_with(adc: str) -> None:
    verilog = tile_verilog(bench_pins_tile.config_of(adc))
    names = run_bench(verilog, TOP, bench_pins_tile.__name__, opt="-O0", timeout=240, env={"ADC": adc})
    assert len(names) == 2 + 2 + 3 + 1


@pytest.mark.cocotb
def test_bench():
    run_with("sar")


@pytest.mark.cocotb
@pytest.mark.regress
@pytest.mark.parametrize("adc", [name for name in bench_pins_tile.ADCS if name != "sar"])
def test_bench_with_other_converters(adc):
    run_with(adc)


@pytest.mark.parametrize("tile", [Tile, PinsTile])
def test_each_tile_is_of_its_configuration(tile):
    def refuse():
        with pytest.raises(ValueError, match="Configuration must be one with"):
            tile(replace(bench_pins_tile.CONFIG, pins=tile is Tile))

    asked(refuse, lambda _: None)
