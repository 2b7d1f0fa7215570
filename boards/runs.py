# SPDX-License-Identifier: Apache-2.0
"""The real runs from which `boards.estimate` learns, in `boards/runs.csv`.

    python -m boards.runs icebreaker ulx3s_85f

makes the runs that are declared here for the families of these boards, one after the other, and adds each to the file
when it is done; runs that are there are skipped, so that it may be stopped and begun again. `--area` goes only as far
as what a design takes, which is much faster, but says nothing of the clock; a later call without it fills that in.
"""
import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from boards import NAMES
from boards.board import Board
from boards.build import named
from boards.flow import BuildError
from boards.run import FILE, ONLY_PACKED, described, elaborate, load, measure, save
from golden.config import TileConfig
from golden.presets import DEVICES, TILES


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A tile to be run: what differs from the board's own; `adc` by fields of it, `more` by fields of the tile."""

    size: tuple[int, int, int]
    engines: tuple[str, ...] = ()
    adc: Mapping[str, float] = field(default_factory=dict)
    more: Mapping[str, object] = field(default_factory=dict)
    held_out: bool = False

    def config(self, board: Board) -> TileConfig:
        """For a board."""
        rows, cols, lanes = self.size
        return replace(board.config, rows=rows, cols=cols, lanes=lanes, engines=self.engines,
                       adc=replace(board.config.adc, **self.adc), **self.more)


_UPDATE, _ALL = ("update",), ("managed", "correction", "update")
_NOISE = {"noise": 0.06}
_ALIKE = {"device": TILES["small training"].device, "parameter_bits": 0}
_SMALL = (  # rolled tiles
    Planned(size=(8, 8, 1)), Planned(size=(16, 16, 2)), Planned(size=(64, 64, 2)), Planned(size=(32, 32, 4)),
    Planned(size=(16, 16, 1), adc=_NOISE), Planned(size=(32, 32, 2), adc=_NOISE),
    Planned(size=(8, 8, 1), engines=_UPDATE, more=_ALIKE), Planned(size=(16, 16, 2), engines=_UPDATE, more=_ALIKE),
    Planned(size=(32, 32, 2), held_out=True), Planned(size=(16, 16, 2), adc=_NOISE, held_out=True),
    Planned(size=(16, 16, 1), engines=_UPDATE, more=_ALIKE, held_out=True),
)
# on a board whose settings are fixed
_FREE = tuple(replace(_SMALL[n], more={"fixed": ()}, held_out=False) for n in (0, 3, 9))
_LARGE = (
    Planned(size=(8, 8, 1)), Planned(size=(16, 16, 4)), Planned(size=(64, 64, 8)), Planned(size=(128, 128, 8)),
    Planned(size=(16, 16, 2), engines=_UPDATE), Planned(size=(64, 64, 8), engines=_UPDATE),
    Planned(size=(32, 32, 4), engines=_ALL), Planned(size=(64, 64, 16), engines=_ALL),
    Planned(size=(32, 32, 8), engines=_ALL, more={"device": DEVICES["EcRam"]}),
    Planned(size=(128, 128, 8), engines=_ALL),
    Planned(size=(64, 64, 4), engines=("managed", "correction")),
    Planned(size=(64, 64, 8), engines=_ALL, held_out=True), Planned(size=(32, 32, 8), held_out=True),
    Planned(size=(32, 32, 8), engines=_UPDATE, held_out=True),
)
PLANS = {"iCE40 UltraPlus": (*_SMALL, *_FREE), "iCE40 HX": _SMALL, "Gowin GW1N": _SMALL, "Gowin GW2A": _SMALL,
         "ECP5": _LARGE}
"""The runs of each family."""


def main(arguments: list[str] | None = None) -> int:
    """1 where a run came to nothing."""
    parser = argparse.ArgumentParser(prog="python -m boards.runs", description=__doc__.split("\n")[0])
    parser.add_argument("boards", nargs="+", choices=NAMES, metavar="BOARD", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--area", action="store_true", help="only what designs take, not their clock")
    parser.add_argument("--again", action="store_true", help="also the runs that are in the file, if designs changed")
    parser.add_argument("--limit", type=int, default=None, metavar="N", help="at most so many runs of each board")
    parser.add_argument("--file", type=Path, default=FILE, help="(default: boards/runs.csv)")
    parser.add_argument("--minutes", type=float, default=60,
                        help="most of a tool, behind which another placement is tried (default: 60)")
    parser.add_argument("--folder", type=Path, default=Path("build/runs"),
                        help="where the tools work (default: build/runs)")
    chosen = parser.parse_args(arguments)
    failures = 0
    for board in map(named, chosen.boards):
        failures += _run(replace(board, minutes=chosen.minutes), chosen)
    return 1 if failures else 0


def _run(board: Board, chosen: argparse.Namespace) -> int:
    """The runs of a board that are to be made; how many came to nothing."""
    plans, failures, n_done = PLANS[board.family.name], 0, 0
    for n, planned in enumerate(plans, 1):
        config = planned.config(board)
        rows, cols, lanes = planned.size
        label = f"{board.name} {n} of {len(plans)}: {rows} x {cols}, {lanes} lanes, {'+'.join(planned.engines) or '-'}"
        if not _is_wanted(board, config, chosen):
            continue
        if n_done == chosen.limit:
            break
        n_done += 1

        def begun(step: str, label=label) -> None:
            print(f"{label}: {step}", file=sys.stderr, flush=True)

        begun("elaboration")
        try:
            run = measure(board, config, chosen.folder / board.name / str(n), held_out=planned.held_out,
                          only_area=chosen.area, begun=begun)
        except BuildError as error:
            failures += 1
            print(f"{label}: {error}", file=sys.stderr, flush=True)
            continue
        runs = load(chosen.file)
        save([*(each for each in runs if each.key != run.key), run], chosen.file)
        clock = run.why if run.fmax_mhz is None else f"{run.fmax_mhz:.1f} MHz"
        print(f"{label}: {', '.join(f'{used:,} {name}' for name, used in run.used.items())}, {clock}, "
              f"{run.seconds:.0f} s", flush=True)
    return failures


def _is_wanted(board: Board, config: TileConfig, chosen: argparse.Namespace) -> bool:
    """Whether the file has no such run, or one without the clock that is wanted now, or one of an older design."""
    key = board.name, tuple(sorted(described(config).items()))
    there = next((run for run in load(chosen.file) if run.key == key), None)
    if there is None or (not chosen.area and there.why == ONLY_PACKED):
        return True
    return chosen.again and there.contents != elaborate(board, config)[0]


if __name__ == "__main__":
    sys.exit(main())
