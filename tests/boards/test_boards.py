# SPDX-License-Identifier: Apache-2.0
"""Boards as they are declared, and what a build says of one."""
import json
from dataclasses import replace

import pytest

pytest.importorskip("amaranth_boards", reason="amaranth-boards is not installed: pip install crosstwin[fpga]")

from boards.build import NAMES, BuildError, Built, build, named
from boards.family import REPORT
from crosstwin.cli import main


@pytest.mark.parametrize("name", NAMES)
def test_a_board_is_what_its_file_says(name):
    board = named(name)
    assert board.name == name
    assert board.platform().default_clk_frequency == board.clock_mhz * 1e6
    assert abs(board.clock_mhz * 1e6 / board.divisor / board.baud - 1) < 0.02, "a UART bears 2 % off on each end"


def test_an_unknown_board_is_refused(capsys):
    with pytest.raises(ValueError, match=r"Board must be one of .*ulx3s_85f.*, not 'nope'"):
        named("nope")
    assert main(["build", "--board", "nope"]) == 2
    assert "Board must be one of" in capsys.readouterr().err


def test_a_baud_rate_beyond_the_clock_is_refused():
    with pytest.raises(ValueError, match="at most half the clock's 25 MHz"):
        replace(named("ulx3s_85f"), baud=20_000_000)


def fake(name: str, files: dict[str, str] | None = None, output: str = "", status: int = 0):
    """A family of one step: a program that leaves files behind."""
    board = named(name)
    body = (f"import sys\nfor name, text in {files or {}!r}.items(): open(name, 'w').write(text)\n"
            f"print({output!r})\nsys.exit({status})")
    step = replace(board.family.steps[0], command=lambda platform, mhz: ["python", "-c", body])
    return board, replace(board.family, steps=(step,))


def report(fmax: float, resources) -> str:
    path = [{"delay": 1.0, "from": {"cell": "tile.a"}, "to": {"cell": "tile.b"}}]
    return json.dumps({"utilization": {cell: {"used": 3, "available": 7} for cell in resources.values()},
                       "fmax": {"clk": {"achieved": fmax}}, "critical_paths": [{"path": path}]})


@pytest.fixture
def small():
    return replace(named("ulx3s_85f").config, rows=2, cols=2, lanes=1)


def run(folder, config, board, family) -> Built:
    return build(replace(board, family=family), config, folder)


def test_a_build_reports_what_was_placed(tmp_path, small):
    board = named("ulx3s_85f")
    board, family = fake(board.name, {REPORT: report(30.0, board.family.resources)})
    built = run(tmp_path, small, board, family)
    assert (built.used["LUT"], built.available["LUT"], built.fmax_mhz) == (3, 7, 30.0)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert list(summary) == ["board", "clock_mhz", "fmax_mhz", "used", "available", "config", "mac_per_s",
                             "updates_per_s"]
    assert 0 < summary["updates_per_s"] < summary["mac_per_s"] < 1e9


def test_a_clock_that_is_not_met_names_the_path(tmp_path, small):
    board = named("ulx3s_85f")
    board, family = fake(board.name, {REPORT: report(20.0, board.family.resources)})
    with pytest.raises(BuildError, match=r"must be 25 MHz, but .* allows 20.0 MHz: from tile.a to tile.b"):
        run(tmp_path, small, board, family)
    assert not (tmp_path / "summary.json").exists()


def test_a_tool_that_fails_or_is_missing_is_named(tmp_path, small):
    board, family = fake("ulx3s_85f", output="ERROR: no room for a DSP", status=1)
    with pytest.raises(BuildError, match="Synthesis for ulx3s_85f must succeed, but: ERROR: no room for a DSP"):
        run(tmp_path, small, board, family)
    step = replace(family.steps[0], command=lambda platform, mhz: ["no-such-tool"])
    with pytest.raises(BuildError, match="no-such-tool must be installed to build for ECP5"):
        run(tmp_path, small, board, replace(family, steps=(step,)))
