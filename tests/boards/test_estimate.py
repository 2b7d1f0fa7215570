# SPDX-License-Identifier: Apache-2.0
"""Estimates from runs: of a law that is known, and of the real runs that were kept out of the fit."""
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("amaranth_boards", reason="amaranth-boards is not installed: pip install crosstwin[fpga]")

from boards.build import named
from boards.contents import NAMES, Contents
from boards.estimate import MIN_RUNS, Figure, Model, all_of, estimate
from boards.run import Run, load
from boards.runs import PLANS
from tests.boards.test_run import Design

AREA, CLOCK = 0.10, 0.15
"""What estimates of runs that are kept out of the fit must be within."""


def run_of(number: int, *, held_out: bool = False, board: str = "tang_nano_9k", available: int = 8640) -> Run:
    """A run by a law: so many LUTs a count, and a clock that falls with the fifth root of the registers."""
    contents = {name: int(count) for name, count in
                zip(NAMES, np.random.default_rng(number).integers(100, 9000, len(NAMES)), strict=True)}
    used = {"LUT": round(1.1 * contents["sums"] + 0.5 * contents["choices"] + 4 * contents["small_rams"]),
            "FF": contents["registers"], "block RAM": contents["block_rams"], "DSP": 0}
    return Run(family="Gowin GW1N", board=board, held_out=held_out, tile={"rows": str(number)}, contents=contents,
               used=used if not held_out else dict.fromkeys(used, 1), available=dict.fromkeys(used, available),
               fmax_mhz=400 * contents["registers"] ** -0.2)


RUNS = [*(run_of(n) for n in range(12)), run_of(99, held_out=True)]


def test_a_law_is_learned_from_the_runs_that_are_not_held_out():
    model, new = Model("Gowin GW1N", RUNS), run_of(1000)
    for name, figure in model.used(new.contents).items():
        assert figure.value == pytest.approx(new.used[name], rel=1e-3)
        assert figure.error < 0.01
    fmax = model.fmax_mhz(new.contents)
    assert fmax.value == pytest.approx(new.fmax_mhz)
    assert fmax.error < 1e-6


def test_a_clock_is_off_by_as_much_as_that_of_like_designs():
    """Designs with sums are slower by a fifth than others of as many registers."""
    def design(size: float, sums: int) -> Run:
        contents = dict.fromkeys(NAMES, 0) | {"registers": round(1000 * size), "sums": round(sums * size)}
        return replace(RUNS[0], contents=contents,
                       fmax_mhz=(0.8 if sums else 1.0) * 400 * contents["registers"] ** -0.2)

    runs = [design(1 + n / 4, 2000 * (n % 2)) for n in range(12)]
    model = Model("Gowin GW1N", runs)
    for sums in (0, 2000):
        new = design(2.1, sums)
        assert model.fmax_mhz(new.contents).value == pytest.approx(new.fmax_mhz, rel=0.03)
    assert model.clock.error < 0.05


def test_the_error_is_that_of_runs_that_are_left_out():
    odd = [replace(run, used=run.used | {"LUT": round(run.used["LUT"] * (1.2 if n % 2 else 0.8))})
           for n, run in enumerate(RUNS)]
    assert 0.15 < Model("Gowin GW1N", odd).resources["LUT"].error < 0.6


def test_too_few_runs_are_refused():
    with pytest.raises(ValueError, match=rf"Estimates for Gowin GW1N must rest on {MIN_RUNS} runs or more, not 3: "
                                         r"python -m boards.runs BOARD"):
        Model("Gowin GW1N", RUNS[:3])


def test_a_clock_is_learned_from_the_boards_own_runs_where_there_are_enough():
    slow = [replace(run, board="other", fmax_mhz=1.0) for run in RUNS]
    assert Model("Gowin GW1N", RUNS + slow, "other").fmax_mhz(RUNS[0].contents).value == pytest.approx(1)
    assert Model("Gowin GW1N", RUNS + slow[:3], "other").fmax_mhz(RUNS[0].contents).value > 10
    unplaced = [replace(run, fmax_mhz=None) for run in RUNS]
    assert Model("Gowin GW1N", unplaced).fmax_mhz(RUNS[0].contents) == Figure(0.0, float("inf"))


@pytest.mark.parametrize(("available", "fits"), [(100_000, True), (10, False)])
def test_an_estimate_says_whether_a_tile_fits(available, fits, monkeypatch):
    counts = Contents(registers=5000, sums=2000, block_rams=7).counts()
    monkeypatch.setattr("boards.estimate.elaborate", lambda *_: (counts, Design.tile))
    board = named("tang_nano_9k")
    config = replace(board.config, rows=4, cols=4, lanes=1, engines=())
    found = estimate(board, config, [replace(run, available=dict.fromkeys(run.used, available)) for run in RUNS])
    assert found.fits is fits
    assert found.meets_clock is (found.fmax_mhz.value > board.mhz)
    assert found.rates.mac_per_s > found.rates.updates_per_s == 0
    summary = found.summary()
    assert summary["used"]["FF"]["value"] == pytest.approx(5000)
    assert (summary["runs"], summary["fits"], found.clock_board) == (12, fits, "")


def test_what_an_error_leaves_open_is_neither_yes_nor_no():
    assert all_of([True, None]) is None
    assert all_of([None, False]) is False
    assert all_of([]) is True


def kept_out_of(family: str) -> list[tuple[Run, Model]]:
    """Runs of boards/runs.csv that were kept out of the fit, with their boards' models; a skip where there are none."""
    runs = [run for run in load() if run.family == family]
    kept_out = [run for run in runs if run.held_out]
    try:
        models = {run.board: Model(family, runs, run.board) for run in kept_out}
    except ValueError as error:
        pytest.skip(str(error))
    if not kept_out:
        pytest.skip(f"boards/runs.csv has no run on {family} that was kept out of the fit")
    return [(run, models[run.board]) for run in kept_out]


@pytest.mark.parametrize("family", PLANS)
def test_areas_of_runs_that_were_kept_out_are_met(family):
    for run, model in kept_out_of(family):
        for name, figure in model.used(run.contents).items():
            assert abs(figure.value - run.used[name]) <= max(AREA * run.used[name], 1), (run.tile, name, figure)


@pytest.mark.parametrize("family", PLANS)
def test_clocks_of_runs_that_were_kept_out_are_met(family):
    for run, model in kept_out_of(family):
        if run.fmax_mhz is not None and model.clock_runs:
            assert model.fmax_mhz(run.contents).value == pytest.approx(run.fmax_mhz, rel=CLOCK), run.tile
