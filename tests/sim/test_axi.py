# SPDX-License-Identifier: Apache-2.0
"""The checker of AXI ports catches what it is there to catch, and nothing else."""
import pytest

from sim.axi import CHANNELS, frames
from sim.bus import FIRST, LAST, packet
from sim.cocotb_runner import run_bench


def listeners() -> str:
    """A module with all ports of an AXI tile as inputs."""
    ports = ["input aclk", "input aresetn"]
    for prefix, payload in CHANNELS.items():
        ports += [f"input {prefix}valid", f"input {prefix}ready", *(f"input [31:0] {prefix}{name}" for name in payload)]
    return f"module top({', '.join(ports)});\nendmodule\n"


@pytest.mark.cocotb
def test_checker():
    names = run_bench(listeners(), "top", "tests.sim.bench_axi", opt="-O0", waivers=("UNUSEDSIGNAL",))
    assert len(names) == 1 + 2 * len(CHANNELS) + 4 + 1


def test_words_are_cut_into_packets():
    words = [*packet([1, 2]), *packet([3])]
    assert frames(words) == [[1, 2], [3]]
    assert frames([FIRST | 4, 5]) == [[4, 5]]
    assert frames([]) == []
    assert frames([LAST | 6]) == [[6]]
