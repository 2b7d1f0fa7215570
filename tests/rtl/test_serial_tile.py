# SPDX-License-Identifier: Apache-2.0
"""Runs the cocotb bench of the serial tile: one build, all tests in one simulator process."""
import pytest

from rtl.verilog import SERIAL_TOP, serial_verilog
from sim.cocotb_runner import run_bench
from tests.rtl import bench_serial_tile as bench


@pytest.mark.cocotb
def test_bench():
    names = run_bench(serial_verilog(bench.CONFIG, bench.DIVISOR), SERIAL_TOP, bench.__name__, opt="-O0",
                      env={"COCOTB_LOG_LEVEL": "WARNING"})  # a line for each byte would be most of the time
    assert len(names) == 3 + 1 + 2 + 1
