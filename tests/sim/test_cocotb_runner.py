# SPDX-License-Identifier: Apache-2.0
"""The cocotb runner: a pass is a pass, anything else is named, and only ports are public."""

import pytest

from sim.cache import build_root
from sim.cocotb_runner import BenchError, run_bench
from tests.sim.designs import increment

BENCH = "tests.sim.bench_increment"

pytestmark = pytest.mark.cocotb


def test_bench_passes():
    names = run_bench(increment(), "top", BENCH)
    assert len(names) == 13
    assert "one_word_a_cycle" in names


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        ("drop", "o: valid must hold until the transfer"),
        ("change", "o: payload must hold"),
        ("unframed", "o: first must mark"),
        ("unended", "o: first must mark"),
        ("mute", "SimTimeoutError"),
    ],
)
def test_broken_design_is_caught(fault, rule):
    with pytest.raises(BenchError, match=r"of 13 tests failed: .*stall=0.5/length=33") as caught:
        run_bench(increment(fault), "top", BENCH)
    log = str(caught.value).rpartition("see ")[2]
    with open(log) as lines:
        assert any(rule in line for line in lines)


def test_bench_without_tests(tmp_path, monkeypatch):
    (tmp_path / "bench_empty.py").write_text('"""Holds no tests."""\n')
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BenchError, match="bench_empty must"):
        run_bench(increment(), "top", "bench_empty")


def test_bench_that_never_ends(tmp_path, monkeypatch):
    (tmp_path / "bench_endless.py").write_text(
        "import cocotb\n"
        "from cocotb.triggers import Timer\n"
        "@cocotb.test()\n"
        "async def endless(dut):\n"
        "    while True:\n"
        "        await Timer(1, 'ns')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BenchError, match="must end within 2 s"):
        run_bench(increment(), "top", "bench_endless", timeout=2)


def test_environment_and_visibility(tmp_path, monkeypatch):
    (tmp_path / "bench_sees.py").write_text(
        "import os\n"
        "import cocotb\n"
        "@cocotb.test()\n"
        "async def sees(dut):\n"
        "    assert os.environ['PARAMETER'] == '7'\n"
        "    names = {handle._name for handle in dut}\n"
        "    assert {'clk', 'rst', 'i__payload', 'o__ready'} <= names\n"
        "    assert not any(name.startswith('$') for name in names), names\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert run_bench(increment(), "top", "bench_sees", env={"PARAMETER": "7"}) == ["sees"]


def test_waves_on_request(monkeypatch):
    def dumps():
        found = (build_root() / "bench").glob(f"{BENCH}-*/dump.vcd")
        return {path: path.stat().st_mtime_ns for path in found}

    before = dumps()
    run_bench(increment(), "top", BENCH)
    assert dumps() == before
    monkeypatch.setenv("WAVES", "1")
    run_bench(increment(), "top", BENCH)
    assert dumps() != before
