# SPDX-License-Identifier: Apache-2.0
"""Runs of tools that are faked, and the file that they go to."""
import json
from dataclasses import replace

import pytest

pytest.importorskip("amaranth_boards", reason="amaranth-boards is not installed: pip install crosstwin[fpga]")

from boards import NAMES, runs
from boards.build import named
from boards.family import REPORT, TOP
from boards.flow import BuildError, NoEndError
from boards.run import ONLY_PACKED, Run, described, load, measure, save
from golden.config import TileConfig
from golden.presets import DEVICES
from tests.boards.test_build import fake, leaves, placed
from tests.rtl.echo import EchoBoard


class Design(EchoBoard):
    """Quickly elaborated: what is in the chip does not matter here."""

    class tile:  # noqa: N801
        @staticmethod
        def cycle_bound(*_, **__) -> int:
            return 4


LOG = "Info: \tTRELLIS_COMB: {}/ 83640    1%\nInfo: \tTRELLIS_FF: 50/ 83640    1%\n"
TINY = replace(named("ulx3s_85f").config, rows=2, cols=2, lanes=1, engines=())


@pytest.fixture(autouse=True)
def _small_design(monkeypatch):
    monkeypatch.setattr("boards.run.SerialTile", lambda config, divisor: Design(divisor))


def run_of(config: TileConfig = TINY, **more) -> Run:
    values = {"family": "ECP5", "board": "ulx3s_85f", "held_out": False, "tile": described(config),
              "contents": {"registers": 100}, "used": {"LUT": 200, "FF": 100}, "available": {"LUT": 1000, "FF": 1000},
              "fmax_mhz": 50.0}
    return Run(**values | more)


def test_a_run_keeps_what_was_placed_and_stops_before_the_bitstream(tmp_path):
    run = measure(fake(["", "", "", "", placed(61.25), "raise SystemExit(1)"]), TINY, tmp_path, held_out=True)
    assert (run.fmax_mhz, run.used["LUT"], run.available["LUT"], run.held_out, run.why) == (61.25, 3, 7, True, "")
    assert run.tile["rows"] == "2"
    assert run.tile["engines"] == "none"
    assert run.contents["registers"] > 100
    assert (run.mac_per_s, run.updates_per_s) == (61.25e6, 0), "four products in four cycles, and no updates"


def by_seed(bodies: dict[str, str]) -> str:
    """A line that does what its `--seed` says, by default that of ""."""
    return f"import sys; exec({bodies!r}[sys.argv[-1] if '--seed' in sys.argv else ''])"


def test_a_clock_is_the_median_of_the_familys_placements(tmp_path):
    step = by_seed({"": placed(61.25), "2": placed(90.0), "3": placed(70.5)})
    for placements, fmax in ((1, 61.25), (2, (61.25 + 90) / 2), (3, 70.5)):
        board = fake(["", "", "", "", step])
        board = replace(board, family=replace(board.family, placements=placements))
        assert measure(board, TINY, tmp_path).fmax_mhz == fmax


def test_a_placement_that_comes_to_no_end_is_followed_by_another_one(tmp_path):
    endless = "import time; time.sleep(60)"
    board = replace(fake(["", "", "", "", by_seed({"": endless, "2": placed(44.0)})]), minutes=1 / 60)
    assert measure(board, TINY, tmp_path).fmax_mhz == 44.0
    with pytest.raises(NoEndError, match=r"Place and route for ulx3s_85f must end in 0\.0166667 minutes, but did not: "
                                         "try another --seed, or more --minutes"):
        measure(replace(board, family=fake(["", "", "", "", endless]).family), TINY, tmp_path / "other")


def test_a_tile_that_does_not_fit_counts_without_a_clock(tmp_path):
    log = leaves(f"{TOP}.tim", LOG.format(90_000))
    run = measure(fake(["", "", "", "", f"{log}\nraise SystemExit(1)"]), TINY, tmp_path)
    assert (run.used["LUT"], run.used["FF"], run.fmax_mhz) == (90_000, 50, None)
    assert run.why == "does not fit: 90,000 LUT of 83,640"


def test_a_run_for_area_alone_has_no_clock(tmp_path):
    run = measure(fake(["", "", "", leaves(f"{TOP}.tim", LOG.format(90))]), TINY, tmp_path, only_area=True)
    assert (run.used["LUT"], run.fmax_mhz, run.why) == (90, None, ONLY_PACKED)


def test_a_tool_that_says_nothing_is_an_error(tmp_path):
    with pytest.raises(BuildError, match="Synthesis for ulx3s_85f must succeed"):
        measure(fake(["raise SystemExit(3)"]), TINY, tmp_path)


def test_the_file_gives_back_what_was_saved(tmp_path):
    path, other = tmp_path / "runs.csv", replace(TINY, rows=4, device=DEVICES["EcRam"])
    kept = [run_of(), run_of(other, held_out=True, fmax_mhz=None, why="does not fit", seconds=7, tools="yosys 1"),
            run_of(family="iCE40 HX", used={"LUT + FF": 5}, available={"LUT + FF": 6})]
    save(kept, path)
    assert load(path) == kept
    assert load(path)[1].tile["device"] == "EcRam"
    assert load(tmp_path / "none.csv") == []
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=r"must be a file that python -m boards\.runs wrote"):
        load(path)


def test_a_configuration_in_words_is_its_size_and_what_is_not_a_default():
    assert described(TileConfig()) == {"rows": "64", "cols": "64", "lanes": "16"}
    adc = replace(TileConfig().adc, bits=6, noise=0.0)
    assert described(TileConfig(adc=adc, folded=False))["adc"] == "AdcConfig bits=6 noise=0.0"


def test_a_tile_has_the_same_key_when_a_field_is_new_and_at_its_default():
    assert run_of().key == run_of(fmax_mhz=None).key
    assert run_of().key != run_of(replace(TINY, lanes=2)).key


@pytest.mark.parametrize("name", NAMES)
def test_the_planned_tiles_are_tiles_and_three_are_kept_out(name):
    plans = runs.PLANS[named(name).family.name]
    configs = [planned.config(named(name)) for planned in plans]
    assert len(set(configs)) == len(configs) >= 10
    assert sum(planned.held_out for planned in plans) == 3


def test_runs_are_made_once_and_a_failure_does_not_stop_the_others(tmp_path, monkeypatch, capsys):
    board = fake(["", "", "", "", placed(61.0)])
    plans = tuple(runs.Planned(size=(2, 2, lanes)) for lanes in (1, 2))
    monkeypatch.setattr(runs, "named", lambda name: board)
    monkeypatch.setattr(runs, "PLANS", {"ECP5": plans})
    arguments = ["ulx3s_85f", "--file", str(tmp_path / "runs.csv"), "--folder", str(tmp_path)]

    whole, made = runs.measure, []

    def once(board, config, folder, **more):
        made.append(config.lanes)
        if made == [1]:
            raise BuildError("Synthesis must succeed")
        return whole(board, config, folder, **more)

    monkeypatch.setattr(runs, "measure", once)
    assert runs.main([*arguments]) == 1
    assert "Synthesis must succeed" in capsys.readouterr().err
    assert [run.tile["lanes"] for run in load(tmp_path / "runs.csv")] == ["2"]
    assert runs.main(arguments) == 0
    assert made == [1, 2, 1], "the second is there"
    assert len(load(tmp_path / "runs.csv")) == 2
    assert "61.0 MHz" in capsys.readouterr().out
    assert runs.main(arguments) == 0
    assert len(made) == 3


def test_a_run_for_area_is_completed_by_a_later_one(tmp_path, monkeypatch):
    text = leaves(f"{TOP}.tim", LOG.format(90))
    report = placed(61.0)
    monkeypatch.setattr(runs, "named", lambda name: fake(["", "", "", f"{text}\n{report}"]))
    monkeypatch.setattr(runs, "PLANS", {"ECP5": (runs.Planned(size=(2, 2, 1)),)})
    arguments = ["ulx3s_85f", "--file", str(tmp_path / "runs.csv"), "--folder", str(tmp_path)]
    for more, fmax in ((["--area"], None), ([], 61.0), (["--area"], 61.0)):
        assert runs.main([*arguments, *more]) == 0
        assert [run.fmax_mhz for run in load(tmp_path / "runs.csv")] == [fmax]
    assert json.loads((tmp_path / "ulx3s_85f" / "1" / REPORT).read_text())
