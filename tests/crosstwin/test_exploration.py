# SPDX-License-Identifier: Apache-2.0
"""Explorations whose estimates and runs are faked: what comes of failures, interruptions, workers and clusters."""
import csv
import json
import os
import sys
import types
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("amaranth_boards", reason="amaranth-boards is not installed: pip install crosstwin[fpga]")

from crosstwin import cli, exploration
from crosstwin.accuracy import rms_error
from crosstwin.exploration import Job, Point, front, fronts
from golden.presets import TILES
from tests.crosstwin.command_line import status_of

BASE = replace(TILES["small"], rolled=False)
SWEEP = ["explore", "--board", "tang_nano_9k", "--rows", "8", "--lanes", "1", "2", "9", "--adc-bits", "6", "9"]


def job(**more) -> Job:
    return Job(**{"board": "tang_nano_9k", "rows": 8, "cols": 8, "lanes": 1, "adc_bits": 9, "base": BASE} | more)


def point(**more) -> Point:
    return Point(**{"rows": 8, "cols": 8, "lanes": 1, "adc_bits": 9, "fits": True} | more)


def faked(job: Job) -> Point:
    """An area and a throughput that go with the lanes; in whatever process."""
    config = job.config()
    return point(lanes=job.lanes, adc_bits=job.adc_bits, area=100.0 * config.lanes, mac_per_s=1e6 * config.lanes,
                 used={"LUT": 100.0 * config.lanes}, rms_error=1 / job.adc_bits)


def dying(job: Job) -> Point:
    """One job kills its process."""
    if job.lanes == 2:
        os._exit(9)
    return faked(job)


@pytest.fixture
def estimated(monkeypatch):
    """Commands find enough runs, and estimate by `faked`."""
    monkeypatch.setattr("crosstwin.commands.explore._check_runs", lambda board: None)
    monkeypatch.setattr(exploration, "_estimated", lambda job, config: {
        name: getattr(faked(job), name) for name in ("area", "mac_per_s", "used", "fits")})


def test_more_bits_are_more_accurate_and_lanes_are_the_same():
    errors = [rms_error(replace(BASE, adc=replace(BASE.adc, bits=bits, noise=0.0))) for bits in (5, 7, 9)]
    assert errors[0] > 3 * errors[1] > 9 * errors[2] > 0
    assert rms_error(replace(BASE, lanes=5)) == rms_error(BASE)


def test_a_front_has_what_no_other_beats():
    points = [point(area=area, mac_per_s=rate) for area, rate in ((1, 1), (2, 3), (3, 2), (4, 4), (4, 4))]
    best = front(points, lambda each: each.area, lambda each: -each.mac_per_s)
    assert [(each.area, each.mac_per_s) for each in best] == [(1, 1), (2, 3), (4, 4), (4, 4)]
    assert fronts([point(failure="no"), point(fits=False)]) == {"throughput": [], "accuracy": []}
    both = [point(lanes=1, rms_error=0.1), point(lanes=2, rms_error=0.1), point(adc_bits=6, lanes=2, rms_error=0.2)]
    assert fronts(both)["accuracy"] == [both[0], both[2]]


def test_whatever_goes_wrong_is_in_the_point(monkeypatch):
    assert exploration.evaluate(job(lanes=9)).failure == "Lane count must be at most the column count 8, not 9"
    monkeypatch.setattr(exploration, "_estimated", lambda *_: 1 // 0)
    assert exploration.evaluate(job()).failure.startswith("ZeroDivisionError: ")


def test_a_real_run_that_does_not_fit_says_so(monkeypatch, tmp_path):
    run = types.SimpleNamespace(fmax_mhz=None, why="does not fit: 9 LUT of 8")
    monkeypatch.setattr("boards.run.measure", lambda *_: run)
    assert exploration.evaluate(job(folder=tmp_path)).failure == "does not fit: 9 LUT of 8"
    run = types.SimpleNamespace(fmax_mhz=30.0, used={"LUT": 7}, mac_per_s=5.0, updates_per_s=2.0)
    monkeypatch.setattr("boards.run.measure", lambda *_: run)
    found = exploration.evaluate(job(folder=tmp_path))
    assert (found.failure, found.area, found.fmax_mhz, found.fits, found.mac_per_s) == ("", 7, 30, True, 5)
    assert 0 < found.rms_error < 1


def test_a_worker_that_dies_does_not_lose_the_others():
    jobs = [job(lanes=lanes) for lanes in (1, 2, 3, 4)]
    points = {each.lanes: each for each in exploration.explore(jobs, exploration.workers(2), dying)}
    assert sorted(points) == [1, 2, 3, 4]
    assert [bool(points[lanes].failure) for lanes in (1, 2, 3, 4)] == [False, True, False, False]
    assert "its process was killed" in points[2].failure


def test_an_exploration_leaves_table_figure_and_fronts(tmp_path, capsys, estimated):
    out = tmp_path / "out"
    assert cli.main([*SWEEP, "--workers", "1", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "4 of 6 configurations, by estimates" in printed
    assert printed.count("FAILED 8 x 8, 9 lanes") == 2
    result = json.loads((out / "explore.json").read_text())
    assert [(each["lanes"], each["adc_bits"]) for each in result["points"]] == [
        (1, 6), (1, 9), (2, 6), (2, 9), (9, 6), (9, 9)]
    assert result["fronts"]["throughput"] == [0, 1, 2, 3]
    assert result["fronts"]["accuracy"] == [0, 1]
    rows = list(csv.DictReader((out / "explore.csv").read_text().splitlines()))
    assert (rows[0]["used LUT"], rows[0]["throughput front"], rows[4]["throughput front"]) == ("100.0", "yes", "")
    assert (out / "explore.png").stat().st_size > 10_000


def test_json_is_all_that_is_printed(tmp_path, capsys, estimated):
    assert cli.main([*SWEEP, "--workers", "1", "--json", "--out", str(tmp_path)]) == 0
    assert len(json.loads(capsys.readouterr().out)["points"]) == 6


def test_what_there_is_when_it_is_stopped_is_written(tmp_path, monkeypatch, capsys, estimated):
    def stopped(job: Job) -> Point:
        if job.lanes == 2:
            raise KeyboardInterrupt
        return faked(job)

    monkeypatch.setattr(exploration.explore, "__defaults__", (stopped,))
    assert cli.main([*SWEEP, "--workers", "1", "--out", str(tmp_path)]) == 130
    assert len(json.loads((tmp_path / "explore.json").read_text())["points"]) == 2
    assert (tmp_path / "explore.png").exists()
    assert capsys.readouterr().err == "crosstwin explore: stopped\n"


def test_nothing_at_all_is_status_1(tmp_path, capsys, estimated):
    assert cli.main(["explore", "--board", "tang_nano_9k", "--lanes", "1000", "--out", str(tmp_path)]) == 1
    assert "FAILED" in capsys.readouterr().out


def test_a_cluster_computes(tmp_path, monkeypatch, capsys, estimated):
    """`distributed`'s client as far as it is used: an executor."""
    class Client:
        def __init__(self, address: str, timeout: float):
            if address != "tcp://here:8786":
                raise OSError("Timed out")

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def get_executor(self, pure: bool):
            return ThreadPoolExecutor(2)

    monkeypatch.setitem(sys.modules, "distributed", types.SimpleNamespace(Client=Client))
    assert cli.main([*SWEEP, "--scheduler", "tcp://here:8786", "--out", str(tmp_path)]) == 0
    assert "4 of 6 configurations" in capsys.readouterr().out
    assert cli.main([*SWEEP, "--scheduler", "tcp://there:1", "--out", str(tmp_path)]) == 2
    assert "--scheduler must be the address of a Dask scheduler that answers, as tcp://host:8786, not " \
           "'tcp://there:1' (Timed out)" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["explore", "--board", "nope"], "Board must be one of"),
    (["explore", "--board", "icebreaker", "--lanes", "0"], "must be an integer in 1..1024, not '0'"),
    (["explore", "--board", "icebreaker", "--synthesis", "--out", "/dev/null/x"], "--out must be a folder"),
    (["explore", "--board", "icebreaker", "--synthesis", "--scheduler", "tcp://x:1"], "pip install crosstwin[explore]"),
    (["estimate", "--board", "nope"], "Board must be one of"),
    (["estimate", "--family", "Versal"], "Family must be one of ECP5, Gowin GW1N"),
    (["estimate", "--board", "icebreaker", "--rows", "1"], "Row count must be in 2..1024, not 1"),
    (["estimate", "--board", "icebreaker", "--lanes", "2"], "must rest on 6 runs or more, not 0"),
    (["explore", "--board", "icebreaker"], "must rest on 6 runs or more, not 0"),
])
def test_bad_input_is_one_sentence_and_status_2(arguments, sentence, capsys, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.setattr("boards.run.FILE", tmp_path / "none.csv")
    monkeypatch.chdir(tmp_path)
    assert status_of(arguments) == 2
    printed = capsys.readouterr().err
    assert sentence in printed
    assert printed.count("\n") == 1


def test_an_estimate_is_a_table_and_json(capsys, monkeypatch):
    from boards.contents import Contents
    from tests.boards.test_estimate import RUNS
    from tests.boards.test_run import Design

    counts = Contents(registers=5000, sums=2000, block_rams=7).counts()
    monkeypatch.setattr("boards.estimate.elaborate", lambda *_: (counts, Design.tile))
    monkeypatch.setattr("boards.estimate.load", lambda: RUNS)
    monkeypatch.setattr("boards.run.load", lambda: RUNS)
    assert cli.main(["estimate", "--family", "gowin gw1n", "--rows", "8", "--cols", "8", "--lanes", "1"]) == 0
    printed = capsys.readouterr().out
    assert "estimated from 12 runs on Gowin GW1N" in printed
    assert "Fits the chip: yes. Meets the clock: yes." in printed
    assert cli.main(["estimate", "--board", "tang_nano_9k", "--rows", "16", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["rows"], round(found["used"]["FF"]["value"]), found["fits"]) == (16, 5000, True)


def test_the_page_names_the_commands():
    page = (Path(__file__).parents[2] / "docs" / "boards.md").read_text()
    for words in ("crosstwin estimate", "crosstwin explore", "python -m boards.runs"):
        assert words in page
