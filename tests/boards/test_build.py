# SPDX-License-Identifier: Apache-2.0
"""What a build says: of what was placed, of what does not fit, and of tools that fail or are missing."""
import json
from dataclasses import replace

import pytest

pytest.importorskip("amaranth_boards", reason="amaranth-boards is not installed: pip install crosstwin[fpga]")

from boards import report
from boards.build import BuildError, Built, build, named
from boards.family import PLACEMENT, REPORT, TOP

PATHS = [
    {"from": "posedge clk", "to": "posedge clk", "path": [
        {"delay": 1.0, "from": {"cell": "tile.link.n_words_SB_DFFESR_Q_4_DFFLC"},
         "to": {"cell": "tile.tile.controller.$signal$54_DFFRE_Q"}}]},
    {"from": "posedge clk", "to": "<async>", "path": [
        {"delay": 9.0, "from": {"cell": "tile.x"}, "to": {"cell": "pad"}}]},
]
LOG = "Info: Device utilisation:\nInfo: \t{}: {:>5}/ {:>5}    30%\nInfo: \t   {}: {:>5}/ {:>5}   0%\n"


def fake(bodies: list[str], name: str = "ulx3s_85f"):
    """A board whose tools are a line of Python each, in which `top` is the configuration's size in the design."""
    board = named(name)
    steps = [replace(step, command=lambda platform, mhz, body=body: ["python", "-c", body])
             for step, body in zip(board.family.steps, bodies, strict=False)]
    return replace(board, clock_mhz=25, family=replace(board.family, steps=tuple(steps)))


def leaves(name: str, text: str) -> str:
    return f"open({name!r}, 'w').write({text!r})"


def placed(fmax: float, constraint: float = 25.0) -> str:
    cells = {cell: {"used": 3, "available": 7} for cells in named("ulx3s_85f").family.resources.values()
             for cell in cells}
    return leaves(REPORT, json.dumps({
        "utilization": cells, "critical_paths": PATHS,
        "fmax": {"clk": {"achieved": fmax, "constraint": constraint},
                 "clk_100": {"achieved": 1.0, "constraint": 100.0}}}))


@pytest.fixture
def small():
    return replace(named("ulx3s_85f").config, rows=2, cols=2, lanes=1, engines=("update",))


def test_a_build_reports_what_was_placed_for_the_boards_clock(tmp_path, small):
    built = build(fake([placed(30.0)]), small, tmp_path)
    assert isinstance(built, Built)
    assert (built.placed.used["LUT"], built.placed.available["LUT"], built.placed.fmax_mhz) == (3, 7, 30.0)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert list(summary) == ["board", "clock_mhz", "fmax_mhz", "used", "available", "config", "mac_per_s",
                             "updates_per_s"]
    assert 0 < summary["updates_per_s"] < summary["mac_per_s"] < 1e9


@pytest.mark.parametrize("seed", [None, 7])
def test_a_seed_is_the_placements(tmp_path, small, seed):
    tells = "import sys; open('told', 'a').write(str(sys.argv[1:]) + chr(10)); "
    board = named("ulx3s_85f")
    n = [step.name for step in board.family.steps].index(PLACEMENT)
    build(replace(fake([tells] * n + [tells + placed(30.0)]), seed=seed), small, tmp_path)
    assert (tmp_path / "told").read_text().splitlines() == ["[]"] * n + [str([] if seed is None else ["--seed", "7"])]


def test_the_page_takes_the_figures_of_a_build_of_the_default_tile(tmp_path):
    board = named("ulx3s_85f")
    summary = {"board": board.name, "clock_mhz": round(board.mhz, 3), "fmax_mhz": 40.71, "config": repr(board.config),
               "used": {"LUT": 34324, "FF": 9}, "available": {"LUT": 83640, "FF": 83640},
               "mac_per_s": 26.4e6, "updates_per_s": 10e6}
    folder = tmp_path / board.name
    folder.mkdir()
    (folder / "summary.json").write_text(json.dumps(summary))
    row = "| `ulx3s_85f` | 34,324 of 83,640 | 9 of 83,640 | - | - | - | 40.7 | 26.4 | 10.0 |\n"
    assert report.measured("", tmp_path).endswith(row)
    assert report.measured(row, None).endswith(row), "kept where nothing was built"
    (folder / "summary.json").write_text(json.dumps(summary | {"config": "another"}))
    assert row not in report.measured("", tmp_path)


def test_a_clock_that_is_not_met_names_the_path_by_its_components(tmp_path, small):
    (tmp_path / "summary.json").write_text("of an earlier build")
    with pytest.raises(BuildError, match=r"must be 25 MHz, but .* allows 20.0 MHz: its longest path runs from "
                                         r"tile.link.n_words to tile.tile.controller$"):
        build(fake([placed(20.0)]), small, tmp_path)
    assert not (tmp_path / "summary.json").exists()


def test_a_design_that_was_placed_for_another_clock_is_refused(tmp_path, small):
    with pytest.raises(BuildError, match=r"Clock clk must be placed for 25 MHz, not 12 MHz"):
        build(fake([placed(30.0, 12.0)]), small, tmp_path)


def test_a_tile_that_does_not_fit_is_told_what_would(tmp_path, small):
    config = replace(small, rows=32, cols=32, lanes=11)
    sizes = ("import os, sys\nsmall = os.getcwd().endswith('smallest')\n"
             f"text = {LOG!r}.format('TRELLIS_COMB', 10_000 if small else 110_000, 83_640, 'DP16KD', "
             "2 if small else 302, 208)\n"
             f"open('{TOP}.tim', 'w').write(text)\nprint('ERROR: no BELs')\nsys.exit(not small)")
    steps = []
    with pytest.raises(BuildError, match=(
            r"A tile of 32 x 32 on 11 lanes must fit ulx3s_85f, but takes 26,360 too many LUT \(110,000 of 83,640\), "
            r"94 too many block RAM \(302 of 208\); the largest tile that would is about 22 x 32 on 8 lanes$")):
        build(fake(["", sizes]), config, tmp_path, steps.append)
    assert steps[-1] == "smallest tile"


def test_a_chip_that_is_too_small_for_any_tile_says_so(tmp_path, small):
    text = LOG.format("TRELLIS_COMB", 90_000, 83_640, "DP16KD", 0, 208)
    with pytest.raises(BuildError, match=r"6,360 too many LUT .*; not even one of 2 x 2 on 1 lane would$"):
        build(fake(["", leaves(f"{TOP}.tim", text) + "\nraise SystemExit(1)"]), small, tmp_path)


def test_a_tool_that_fails_or_is_missing_is_named(tmp_path, small):
    (tmp_path / f"{TOP}.tim").write_text(LOG.format("TRELLIS_COMB", 90_000, 83_640, "DP16KD", 0, 208))
    with pytest.raises(BuildError, match="Synthesis for ulx3s_85f must succeed, but: ERROR: no room for a DSP"):
        build(fake(["print('ERROR: no room for a DSP')\nraise SystemExit(1)"]), small, tmp_path)
    with pytest.raises(BuildError, match="must succeed, but: Warning: Driver-driver conflict for x"):
        build(fake(["print('Warning: Driver-driver conflict for x')"]), small, tmp_path)
    board = fake([""])
    step = replace(board.family.steps[0], command=lambda platform, mhz: ["no-such-tool"])
    with pytest.raises(BuildError, match=r"no-such-tool must be installed to build for ECP5.*crosstwin\[fpga\]"):
        build(replace(board, family=replace(board.family, steps=(step,))), small, tmp_path)
