# SPDX-License-Identifier: Apache-2.0
"""Runs the cocotb bench of the serial converters; their codes against golden are in test_adc."""
import pytest

from rtl.adc import AdcInterface
from rtl.verilog import verilog_of
from sim.cocotb_runner import run_bench
from tests.rtl import bench_spi_adc


@pytest.mark.cocotb
def test_bench():
    text = verilog_of(AdcInterface(bench_spi_adc.CONFIG), "serial_adcs")
    assert len(run_bench(text, "serial_adcs", bench_spi_adc.__name__, opt="-O0", timeout=120)) == 2 + 1
