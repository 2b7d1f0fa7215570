# SPDX-License-Identifier: Apache-2.0
"""Runs the cocotb bench of the whole tile: one build, all tests in one simulator process."""
import pytest

from rtl.verilog import TOP, tile_verilog
from sim.cocotb_runner import run_bench
from tests.rtl import bench_tile


@pytest.mark.cocotb
def test_bench():
    names = run_bench(tile_verilog(bench_tile.CONFIG), TOP, bench_tile.__name__, opt="-O0")
    assert len(names) == 2 * 2 * 3 + 2 + 1
