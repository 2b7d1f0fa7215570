# SPDX-License-Identifier: Apache-2.0
"""The driver, the twin and the comparison on the verilated RTL. Tests that need a built model live here."""
import json

import numpy as np
import pytest

import crosstwin
from crosstwin import cli, links
from crosstwin.driver import LinkedTile
from crosstwin.links import VerilatedLink
from crosstwin.twin import Twin
from golden.presets import TILES
from golden.tile import Tile

CONFIG = TILES["tiny"]


def test_a_twin_on_the_rtl_gives_the_same_bits(tmp_path):
    rng = np.random.default_rng(7)
    weights, x, d = rng.uniform(-0.6, 0.6, (5, 6)), rng.uniform(-2, 2, (9, 5)), rng.uniform(-1, 1, (9, 6))
    with crosstwin.open("golden", CONFIG, seed=3) as golden, crosstwin.open("verilator", CONFIG, seed=3) as rtl:
        results = []
        for twin in (golden, rtl):
            twin.load(weights)
            results.append([twin.forward(x), twin.backward(d), twin.update(x, d, 0.05), twin.read()])
        for expected, actual in zip(*results, strict=True):
            np.testing.assert_array_equal(expected, actual)
        counters = golden.counters(), rtl.counters()
        assert counters[1].pop("emulation_cycles") > 0
        counters[0].pop("emulation_cycles")
        assert counters[0] == counters[1]
        assert golden.chip_time_s == rtl.chip_time_s

        golden.save(tmp_path / "state.npz")
        expected = golden.forward(x)
        rtl.restore(tmp_path / "state.npz")
        np.testing.assert_array_equal(rtl.forward(x), expected)


def test_held_up_streams_change_no_bit():
    twins = (Twin(Tile(CONFIG), 1),
             Twin(LinkedTile(CONFIG, VerilatedLink(CONFIG, idle=0.6, stall=0.6, seed=5, quiet=True)), 1))
    x = np.random.default_rng(1).uniform(-1, 1, (5, 5))
    first, second = (twin.forward(x) for twin in twins)
    np.testing.assert_array_equal(first, second)
    twins[1].close()


@pytest.mark.regress
def test_random_configurations_agree(capsys):
    assert cli.main(["compare", "--configs", "4", "--ops", "100", "--seed", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["mismatches"] == 0


def test_the_verilog_is_made_once_for_a_configuration(monkeypatch):
    first = links._verilog(CONFIG, True)
    monkeypatch.setattr("rtl.verilog.tile_verilog", None)
    assert links._verilog(CONFIG, True) == first
    assert "module crosstwin_tile" in first


def test_the_verilog_command_writes_the_tile(tmp_path, capsys):
    path = tmp_path / "tile.v"
    assert cli.main(["verilog", "--config", "tiny", "--lanes", "2", "-o", str(path), "--json"]) == 0
    written = json.loads(capsys.readouterr().out)
    assert written["top"] == "crosstwin_tile"
    assert "lanes=2" in written["config"]
    assert "module crosstwin_tile" in path.read_text()
