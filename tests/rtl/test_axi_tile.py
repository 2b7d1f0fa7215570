# SPDX-License-Identifier: Apache-2.0
"""Runs the cocotb bench of the AXI tile."""
import re

import pytest

from rtl.axi_tile import TOP, AxiTile
from rtl.verilog import verilog_of
from sim.cocotb_runner import run_bench
from tests.rtl import bench_axi_tile


def run(timeout: float = 300.0, **env: str) -> list[str]:
    text = verilog_of(AxiTile(bench_axi_tile.CONFIG), TOP)
    return run_bench(text, TOP, bench_axi_tile.__name__, opt="-O0", env=env, timeout=timeout)


@pytest.mark.cocotb
def test_bench():
    assert len(run()) == 4 + 4 + 2 + 1 + 1 + 1 + 1 + 2 + 4 + 1 + 1


@pytest.mark.cocotb
@pytest.mark.regress
def test_ten_thousand_transactions():
    assert len(run(1200.0, TRANSACTIONS="10000", COCOTB_TEST_FILTER="random_transactions")) == 1


def test_ports_have_the_standard_names():
    """What tools that infer interfaces look for: every signal of a bus by its prefix, clock and reset."""
    text = verilog_of(AxiTile(bench_axi_tile.CONFIG), TOP)
    ports = re.search(rf"module {TOP}\(([^)]*)\)", text)[1]
    lite = ["awaddr", "awprot", "awvalid", "awready", "wdata", "wstrb", "wvalid", "wready", "bresp", "bvalid",
            "bready", "araddr", "arprot", "arvalid", "arready", "rdata", "rresp", "rvalid", "rready"]
    stream = ["tdata", "tlast", "tvalid", "tready"]
    expected = ["aclk", "aresetn", "irq", *(f"s_axil_{name}" for name in lite),
                *(f"{prefix}_{name}" for prefix in ("s_axis", "m_axis") for name in stream)]
    assert sorted(name.strip() for name in ports.split(",")) == sorted(expected)
