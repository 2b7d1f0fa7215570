# SPDX-License-Identifier: Apache-2.0
"""Programming: pulses to single cross-points, reads of a row, write-verify, symmetry point, calibration.

Everything here is made of two steps that take one event each: a *read*, which is a one-hot forward by pulse width
with the largest code on its row (or, to calibrate, a conversion of the reference charge), and a *window* of programming
pulses. A row that is programmed is on in every slot of the window, column n in its first |code n| slots; like in an
update, a positive code steps down. Reads give raw ADC codes: the digital correction is not applied to them.
"""
from collections import Counter
from collections.abc import Callable
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from golden import accelerate, crossbar, validate
from golden.config import ALL, MAX_BL, Plane, TileConfig
from golden.formats import Format, saturate
from golden.protocol import Opcode
from golden.pulses import half_selects, pulse_width

MAX_PULSES = (1 << 16) - 1
LEVELS = 3
"""Reference charges: minus half of full scale, zero, plus half of full scale."""
ERROR = Format(16, frac=8)
"""Error of a verified weight as it is reported, in 1/256 ADC LSB."""


class Outcome(IntEnum):
    """What became of a cross-point in write-verify."""

    CONVERGED = 0
    STUCK = 1
    """Pulses in one direction moved it no further: it is at its bound."""
    LIMIT = 2
    """Neither, when the rounds were used up."""


class AbortedError(Exception):
    """A command was aborted after the given number of its steps."""


def window_slots(config: TileConfig) -> int:
    """Most slots of a programming window: what the pulse-width generator and an event have."""
    return min(config.code.max, MAX_BL)


class Programmer:
    """The programming commands of a `Tile`, which inherits them.

    Each is one operation in the ledger. `steps` is how many reads and windows are made before it is aborted: then
    `AbortedError` is raised, and what those steps did remains. None lets it run to its end. With `slots`, the abort
    comes when so many slots of the read behind those steps have been played, which is lost but for what it cost.
    """

    if TYPE_CHECKING:
        config: TileConfig
        planes: dict[Plane, np.ndarray]
        _values: dict[str, int]
        _take: Callable
        _convert: Callable
        _window: Callable
        _count: Callable

    def program(self, row: int, col: int, pulses: int, down: bool, steps: int | None = None) -> None:
        """1..65535 pulses up or down to one cross-point, one row (`col` ALL), one column (`row` ALL) or all."""
        config = self.config
        validate.command(config, Opcode.PROGRAM)
        rows, codes = validate.cross_points(config, row, col)
        pulses = validate.within(pulses, 1, MAX_PULSES, "Pulses")
        with _Run(self, steps) as run:
            while pulses:
                slots = min(pulses, window_slots(config))
                run.window(rows, codes * (slots if down else -slots), slots)
                pulses -= slots

    def symmetrize(self, row: int, col: int, pairs: int, steps: int | None = None) -> None:
        """1..65535 pairs of an up and a down pulse, which take devices to their symmetry point."""
        validate.command(self.config, Opcode.SYMMETRIZE)
        rows, codes = validate.cross_points(self.config, row, col)
        pairs = validate.within(pairs, 1, MAX_PULSES, "Pairs")
        with _Run(self, steps) as run:
            for _ in range(pairs):
                run.window(rows, -codes, 1)
                run.window(rows, codes, 1)

    def sense(self, row: int, reads_log2: int, steps: int | None = None, slots: int | None = None) -> np.ndarray:
        """Sums (C,) of the ADC codes of 2**reads_log2 reads of a row."""
        validate.command(self.config, Opcode.SENSE)
        row = validate.within(row, 0, self.config.rows - 1, "Row")
        reads_log2 = validate.reads_log2(reads_log2)
        with _Run(self, steps, slots) as run:
            return run.sense(row, 1 << reads_log2)

    def calibrate(self, level: int, reads_log2: int, steps: int | None = None) -> np.ndarray:
        """Sums (N,) of the codes of all converters in 2**reads_log2 conversions of reference charge 0, 1 or 2."""
        validate.command(self.config, Opcode.CALIBRATE)
        level = validate.within(level, 0, LEVELS - 1, "Reference level")
        reads_log2 = validate.reads_log2(reads_log2)
        with _Run(self, steps) as run:
            return run.reference(level - 1, 1 << reads_log2)

    def verify(self, row: int, targets, steps: int | None = None, slots: int | None = None) -> np.ndarray:
        """Bring a row's weights to the codes `targets` (C,), in 1/256 ADC LSB, by reads and pulses.

        Result words (C,): `Outcome` in bits 1..0, windows that pulsed it in 15..8, last error in 31..16. Registers
        verify_* set the number of reads, the tolerance, how pulses follow from the error, and when to give up.
        A column that has converged, or is stuck, takes no further pulses and is not judged again.
        """
        config, values = self.config, self._values
        validate.command(config, Opcode.VERIFY)
        row = validate.within(row, 0, config.rows - 1, "Row")
        targets = validate.targets(config, targets)
        reads_log2 = values["verify_reads"]
        tolerance = values["verify_tolerance"] << reads_log2
        most = min(values["verify_pulses"], window_slots(config))
        outcome, passes, streak, start, error = (np.zeros(config.cols, dtype=np.int64) for _ in range(5))
        is_up, is_open = np.zeros(config.cols, dtype=bool), np.ones(config.cols, dtype=bool)
        with _Run(self, steps, slots) as run:
            for made in range(values["verify_limit"] + 1):
                difference = (targets << reads_log2) - (run.sense(row, 1 << reads_log2) << 8)
                error[is_open] = difference[is_open] >> reads_log2
                size, wants_up = np.abs(difference), difference > 0
                goes_on = (streak > 0) & (is_up == wants_up) & (size >= start - tolerance)
                is_far = is_open & (size > tolerance)
                is_stuck = is_far & goes_on & (streak == values["verify_patience"])
                outcome[is_stuck] = Outcome.STUCK
                is_open = is_far & ~is_stuck
                if made == values["verify_limit"] or not is_open.any():
                    break
                start[is_open & ~goes_on] = size[is_open & ~goes_on]
                streak[is_open] = np.where(goes_on, streak + 1, 1)[is_open]
                is_up[is_open] = wants_up[is_open]
                passes[is_open] += 1
                pulses = np.clip((size >> reads_log2) * values["verify_gain"] >> 16, 1, most)
                codes = np.where(is_open, np.where(wants_up, -pulses, pulses), 0)
                run.window(row, codes, int(np.abs(codes).max()))
        outcome[is_open] = Outcome.LIMIT
        return outcome | passes << 8 | saturate(error, ERROR) << 16


class _Run:
    """The steps of one command, and what they cost: they are entered into the ledger however the command ends."""

    def __init__(self, tile: Programmer, steps: int | None, slots: int | None = None):
        self.tile, self.left, self.slots = tile, steps, slots
        self.costs: Counter[str] = Counter()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.tile._count(1, is_over=kind is None, **self.costs)

    def window(self, row: int, codes, slots: int) -> None:
        """One programming window: columns by their codes (C,), and one row, or ALL."""
        tile, config = self.tile, self.tile.config
        events = self._take(1)
        if not len(events):
            raise AbortedError
        rows = np.full(config.rows, row == ALL) | (np.arange(config.rows) == row)
        row_pulses, col_pulses = np.repeat(rows[:, None], slots, axis=1), pulse_width(codes, slots)
        apply = accelerate.update or crossbar.update
        pulses = apply(config, tile.planes, tile._values["seed"], int(events[0]), row_pulses, col_pulses,
                       np.zeros(config.rows, dtype=bool), codes < 0)
        self._cost(programs=1, slots=slots, program_pulses=pulses, chip_cycles=tile._window(slots),
                   half_selects=half_selects(row_pulses, col_pulses, tile._values["half_select"]))

    def sense(self, row: int, reads: int) -> np.ndarray:
        """Sums (C,) of the codes of one-hot reads of a row."""
        config = self.tile.config
        codes = np.zeros((1, config.rows), dtype=np.int64)
        codes[0, row] = slots = config.code.max
        charge = crossbar.charges(codes, self.tile.planes[Plane.WEIGHT], config)
        return self._read(charge, reads, slots, forwards=1, row_pulses=slots)

    def reference(self, sign: int, reads: int) -> np.ndarray:
        """Sums (N,) of the codes of all converters on the reference charge."""
        config = self.tile.config
        return self._read(np.full((1, config.n_converters), sign * config.reference), reads, 0)

    def _read(self, charge, reads: int, slots: int, **costs) -> np.ndarray:
        events = self._take(reads)
        codes, saturations = self.tile._convert(np.repeat(charge, len(events), axis=0), events, 0)
        costs |= {"slots": slots, "conversions": charge.shape[1],
                  "chip_cycles": self.tile._window(slots, is_measured=True)}
        self._cost(saturations=saturations.sum(), **{name: len(events) * cost for name, cost in costs.items()})
        if len(events) < reads:
            if self.slots is not None:
                played = validate.within(self.slots, 0, slots - 1, "Slots played")
                self._cost(slots=played, row_pulses=played, chip_cycles=self.tile._window(played))
            raise AbortedError
        return codes.sum(axis=0)

    def _take(self, wanted: int) -> np.ndarray:
        """The events of as many of the wanted steps as are made before an abort."""
        made = wanted if self.left is None else min(wanted, self.left)
        if self.left is not None:
            self.left -= made
        return self.tile._take(made)

    def _cost(self, **amounts) -> None:
        self.costs.update({name: int(amount) for name, amount in amounts.items()})
