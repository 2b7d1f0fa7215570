# SPDX-License-Identifier: Apache-2.0
"""What a tile takes of a chip and how fast it may be clocked, without synthesis.

A design is elaborated, which takes seconds, and its `Contents` are counted. What the family's tools make of them is
learned from real runs (`boards/runs.csv`), by least squares of relative errors with coefficients that cannot be
negative: so many LUTs a bit of a computed register, of a sum, of a choice, and so on. The clock is taken to fall by a
power of the registers, and to be off by as much as that of runs with like contents.
The error of each figure is that of runs which were left out of the fit one at a time: its root mean square.
"""
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, inf

import numpy as np
from scipy.optimize import nnls

from boards.board import Board
from boards.contents import NAMES
from boards.rates import Rates
from boards.run import Run, elaborate, load
from golden.config import TileConfig

_LOGIC = ("computed", "sums", "choices", "logic", "products", "settings", "small_rams")
FEATURES = {"LUT": _LOGIC, "FF": ("registers",), "LUT + FF": (*_LOGIC, "registers"), "block RAM": ("block_rams",),
            "DSP": ("multipliers",), "SPRAM": ()}
"""Counts of `Contents` that a resource is made of."""
_WIDTHS = (0.0, 0.25, 0.5, 1.0, 2.0)
"""Distances between designs within which one's clock says something of another's; 0 for none."""
_LAW = 0.2
"""What the law of all runs weighs beside one of the same contents."""
MIN_RUNS = 6
"""Runs of a family below which nothing is estimated."""


@dataclass(frozen=True)
class Figure:
    """An estimate, and its relative error, infinite where there are too few runs to know."""

    value: float
    error: float

    @property
    def bounds(self) -> tuple[float, float]:
        """It less and more its error."""
        return self.value * (1 - self.error), self.value * (1 + self.error)


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Of a tile on a board: `used` by resource, `available` of it, `fmax_mhz`; `rates` at that clock.

    `n_runs` of the family it rests on; `clock_board`, where runs of another board give the clock.
    """

    board: Board
    config: TileConfig
    used: Mapping[str, Figure]
    available: Mapping[str, int]
    fmax_mhz: Figure
    rates: Rates
    n_runs: int
    clock_board: str

    @property
    def fits(self) -> bool | None:
        """Whether it fits the chip; None where the errors leave that open."""
        return all_of(_is_above(self.available[name], figure) for name, figure in self.used.items())

    @property
    def meets_clock(self) -> bool | None:
        """Whether it is as fast as the board's clock; None where the error leaves that open."""
        is_slower = _is_above(self.board.mhz, self.fmax_mhz)
        return None if is_slower is None else not is_slower

    def summary(self) -> dict:
        """Ready for JSON."""
        def figure(each: Figure) -> dict:
            return {"value": each.value, "error": each.error if each.error < inf else None}

        return {"board": self.board.name, "family": self.board.family.name, "runs": self.n_runs,
                "used": {name: figure(each) | {"available": self.available[name]} for name, each in self.used.items()},
                "fmax_mhz": figure(self.fmax_mhz), "clock_mhz": round(self.board.mhz, 3), "fits": self.fits,
                "meets_clock": self.meets_clock, "mac_per_s": self.rates.mac_per_s,
                "updates_per_s": self.rates.updates_per_s}


class Model:
    """What is learned from the runs of one family; ValueError where they are too few.

    Parameters: `family`, its name; `runs`, of whatever families, of which those that are held out are left alone.
    `clock_runs`: of those, the ones that clocks are learned from.
    """

    def __init__(self, family: str, runs: Sequence[Run], board: str = ""):
        self.family = family
        self.runs = [run for run in runs if run.family == family and not run.held_out]
        if len(self.runs) < MIN_RUNS:
            raise ValueError(f"Estimates for {family} must rest on {MIN_RUNS} runs or more, not {len(self.runs)}: "
                             "python -m boards.runs BOARD")
        placed = [run for run in self.runs if run.fmax_mhz is not None]
        own = [run for run in placed if run.board == board]
        self.clock_runs = own if len(own) >= MIN_RUNS else placed
        self.resources = {name: _Resource(name, self.runs) for name in self.runs[0].used}
        self.clock = _Clock(self.clock_runs)

    def used(self, counts: Mapping[str, int]) -> dict[str, Figure]:
        """Of a design with these `Contents`, by resource."""
        return {name: resource.of(counts) for name, resource in self.resources.items()}

    def fmax_mhz(self, counts: Mapping[str, int]) -> Figure:
        """The same of its clock."""
        return self.clock.of(counts)


class _Resource:
    """Least squares of one resource over counts, none of them for less than nothing."""

    def __init__(self, name: str, runs: Sequence[Run]):
        self.features, taken = FEATURES.get(name, _LOGIC), [run.used[name] for run in runs]
        known = [n for n, value in enumerate(taken) if value]
        self.A = np.array([self._row(runs[n].contents) for n in known]).reshape(len(known), len(self.features))
        self.y = np.array([taken[n] for n in known], dtype=float)
        self.coefficients, self.error = self._fit(self.A, self.y), self._left_out()

    def of(self, counts: Mapping[str, int]) -> Figure:
        value = float(np.dot(self._row(counts), self.coefficients))
        return Figure(value, self.error if value else 0.0)

    def _row(self, counts: Mapping[str, int]) -> list[float]:
        return [float(counts.get(feature, 0)) for feature in self.features]

    def _fit(self, A: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Of relative errors, so that small designs count as much as large ones."""
        return nnls(A / y[:, None], np.ones(len(y)))[0] if A.size else np.zeros(len(self.features))

    def _left_out(self) -> float:
        """Root mean square of the relative errors of runs by fits without them."""
        n = len(self.y)
        if n < 2:
            return inf if n else 0.0
        others = [np.arange(n) != k for k in range(n)]
        errors = [self.A[k] @ self._fit(self.A[kept], self.y[kept]) / self.y[k] - 1 for k, kept in enumerate(others)]
        return float(np.sqrt(np.mean(np.square(errors))))


class _Clock:
    """log(Fmax) = a - b log(registers), neither negative, and what runs of like contents were off by that: their mean,
    weighted by distance. How near is near enough is chosen as what does best for runs that are left out.
    """

    def __init__(self, runs: Sequence[Run]):
        self.y = np.log([run.fmax_mhz for run in runs])
        self.places = np.array([self._place(run.contents) for run in runs]).reshape(len(runs), 1 + len(NAMES))
        self.error, self.width = min(((self._left_out(width), width) for width in _WIDTHS), key=lambda each: each[0])

    def of(self, counts: Mapping[str, int]) -> Figure:
        every = np.full(len(self.y), True)
        return Figure(exp(self._at(self._place(counts), every, self.width)) if len(self.y) else 0.0, self.error)

    @staticmethod
    def _place(counts: Mapping[str, int]) -> np.ndarray:
        """Where a design is among others: logarithms of its counts, of its registers at first."""
        return np.log(np.maximum([counts["registers"], *(counts.get(name, 0) for name in NAMES)], 1))

    def _left_out(self, width: float) -> float:
        """Root mean square of the relative errors of runs by those without them."""
        n = len(self.y)
        if n < 3:
            return inf
        errors = [exp(self._at(self.places[k], np.arange(n) != k, width) - self.y[k]) - 1 for k in range(n)]
        return float(np.sqrt(np.mean(np.square(errors))))

    def _at(self, place: np.ndarray, known: np.ndarray, width: float) -> float:
        """The logarithm of Fmax there, from the runs that are known."""
        places, y = self.places[known], self.y[known]
        a, b = nnls(np.stack([np.ones(len(y)), -places[:, 0]], axis=1), y)[0]
        weights = np.exp(-np.square(places - place).sum(axis=1) / (2 * width ** 2)) if width else np.zeros(len(y))
        off = y - (a - b * places[:, 0])
        return float(a - b * place[0] + weights @ off / (weights.sum() + _LAW))  # far from all runs the law stands


def estimate(board: Board, config: TileConfig, runs: Sequence[Run] | None = None) -> Estimate:
    """Of a tile on a board, from runs (default: those of boards/runs.csv); ValueError where they are too few."""
    runs = load() if runs is None else runs
    model = Model(board.family.name, runs, board.name)
    counts, tile = elaborate(board, config)
    fmax = model.fmax_mhz(counts)
    same = [run for run in model.runs if run.board == board.name] or model.runs
    clock_boards = {run.board for run in model.clock_runs}
    return Estimate(
        board=board, config=config, used=model.used(counts), available=same[0].available, fmax_mhz=fmax,
        rates=Rates.of(config, tile, fmax.value), n_runs=len(model.runs),
        clock_board="" if clock_boards <= {board.name} else ", ".join(sorted(clock_boards)))


def _is_above(limit: float, figure: Figure) -> bool | None:
    """Whether a limit is at or above a figure; None where its error leaves that open."""
    low, high = figure.bounds
    return True if limit >= high else False if limit < low else None


def all_of(answers: Iterable[bool | None]) -> bool | None:
    """False where one is, else None where one is."""
    answers = list(answers)
    return False if False in answers else None if None in answers else True
