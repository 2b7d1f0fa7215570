# SPDX-License-Identifier: Apache-2.0
"""A real run of synthesis and place-and-route, as a record in a file of them."""
import csv
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from importlib import metadata
from pathlib import Path
from statistics import median

from boards import fit
from boards.board import Board
from boards.contents import Contents
from boards.family import PLACEMENT, SYNTHESIS
from boards.flow import BuildError, NoEndError, Placed, count, place, place_again
from boards.rates import Rates
from boards.top import BoardTop
from golden.config import TileConfig
from golden.device import Device
from golden.presets import DEVICES
from rtl.serial_tile import SerialTile
from rtl.tile import Tile

FILE = Path(__file__).with_name("runs.csv")
_TILE, _CONTENTS, _USED, _AVAILABLE = "tile ", "design ", "used ", "of "
"""What the names of columns begin with."""
_SIZE = ("rows", "cols", "lanes")
ONLY_PACKED = "only packed"
"""Why there is no clock where none was wanted."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one design came to: `tile`, its configuration in words by field; `contents` before synthesis (`Contents`);
    what it has `used` and what is `available`, by resource; `fmax_mhz`, None where it was not placed, and `why`; the
    `Rates` at that clock, else 0. `held_out`: kept out of the fit, to judge it by.
    """

    family: str
    board: str
    held_out: bool
    tile: Mapping[str, str]
    contents: Mapping[str, int]
    used: Mapping[str, int]
    available: Mapping[str, int]
    fmax_mhz: float | None
    why: str = ""
    mac_per_s: float = 0.0
    updates_per_s: float = 0.0
    seconds: float = 0.0
    tools: str = ""

    @property
    def key(self) -> tuple:
        """Two runs of the same tile on the same board have the same one."""
        return self.board, tuple(sorted(self.tile.items()))

    def row(self) -> dict[str, str]:
        """As a line of the file."""
        groups = ((_TILE, self.tile), (_CONTENTS, self.contents), (_USED, self.used), (_AVAILABLE, self.available))
        return {
            "family": self.family, "board": self.board, "held_out": "yes" if self.held_out else "",
            **{prefix + name: str(value) for prefix, group in groups for name, value in group.items()},
            "fmax_mhz": "" if self.fmax_mhz is None else f"{self.fmax_mhz:.2f}", "why": self.why,
            "mac_per_s": f"{self.mac_per_s:.0f}", "updates_per_s": f"{self.updates_per_s:.0f}",
            "seconds": f"{self.seconds:.0f}", "tools": self.tools,
        }

    @classmethod
    def of_row(cls, row: Mapping[str, str]) -> "Run":
        """From a line of the file."""
        tile, *numbers = ({name.removeprefix(prefix): text for name, text in row.items()
                           if name.startswith(prefix) and text}
                          for prefix in (_TILE, _CONTENTS, _USED, _AVAILABLE))
        contents, used, available = ({name: int(text) for name, text in group.items()} for group in numbers)
        return cls(family=row["family"], board=row["board"], held_out=row["held_out"] == "yes", tile=tile,
                   contents=contents, used=used, available=available,
                   fmax_mhz=float(row["fmax_mhz"]) if row["fmax_mhz"] else None, why=row["why"],
                   mac_per_s=float(row.get("mac_per_s") or 0), updates_per_s=float(row.get("updates_per_s") or 0),
                   seconds=float(row["seconds"]), tools=row["tools"])


def load(path: Path | None = None) -> list[Run]:
    """The runs of a file (default: boards/runs.csv), none where it is not there; ValueError of another kind."""
    path = path or FILE
    if not path.exists():
        return []
    with path.open(newline="") as file:
        try:
            return [Run.of_row(row) for row in csv.DictReader(file)]
        except (KeyError, ValueError) as error:
            raise ValueError(f"{path} must be a file that python -m boards.runs wrote, but: {error!r}") from None


def save(runs: Iterable[Run], path: Path) -> None:
    """Write a file of runs, all or nothing; columns are those of all runs."""
    rows = [run.row() for run in runs]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    order = ("family", "board", "held_out", _TILE, _CONTENTS, _USED, _AVAILABLE, "fmax_mhz", "why", "mac_per_s",
             "updates_per_s", "seconds", "tools")
    columns.sort(key=lambda name: next(n for n, prefix in enumerate(order) if name.startswith(prefix)))
    new = path.with_suffix(".new")
    with new.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    os.replace(new, path)


def described(config: TileConfig) -> dict[str, str]:
    """A configuration in words, by field; but for its size only what is not TileConfig's default."""
    default = TileConfig()
    return {each.name: _text(value) for each in fields(config)
            if (value := getattr(config, each.name)) != getattr(default, each.name) or each.name in _SIZE}


def _text(value) -> str:
    """A device by the name of its preset, another part by what it has beside its defaults."""
    if isinstance(value, tuple):
        return "+".join(map(str, value)) or "none"
    if isinstance(value, Device):
        preset = next((name for name, device in DEVICES.items() if device == value), None)
        if preset:
            return preset
    if hasattr(value, "__dataclass_fields__"):
        default = type(value)()
        more = {name: each for name, each in asdict(value).items() if getattr(default, name) != each}
        return " ".join([type(value).__name__, *(f"{name}={each}" for name, each in more.items())])
    return str(value)


def measure(board: Board, config: TileConfig, folder: Path, *, held_out: bool = False, only_area: bool = False,
            begun: Callable[[str], None] = lambda step: None) -> Run:
    """A run in `folder`; its clock is the median of the family's `placements`. A tile that does not fit has counts, but
    no clock; BuildError where there are no counts.
    """
    start, why, placed = time.perf_counter(), "", None
    top = BoardTop(board, SerialTile(config, board.divisor))
    try:
        if only_area:
            count(board, top, folder)
        else:
            placed = _place(replace(board, family=_unpacked(board)), top, folder, begun)
    except BuildError as error:
        if not fit.counted(board, folder):
            raise
        why = str(error).partition(" (log in ")[0]
    if placed:
        used, available = placed.used, placed.available
        fmax = median([placed.fmax_mhz, *(place_again(board, folder, seed).fmax_mhz
                                          for seed in range(2, board.family.placements + 1))])
    else:
        taken = fit.counted(board, folder)
        used, available = ({name: pair[n] for name, pair in taken.items()} for n in (0, 1))
        over = [f"{used[name]:,} {name} of {available[name]:,}" for name in used if used[name] > available[name]]
        fmax, why = None, f"does not fit: {', '.join(over)}" if over else why or ONLY_PACKED
    counts, tile = elaborate(board, config)
    rates = asdict(Rates.of(config, tile, fmax)) if fmax else {}
    return Run(family=board.family.name, board=board.name, held_out=held_out, tile=described(config), contents=counts,
               used=used, available=available, fmax_mhz=fmax, why=why, **rates,
               seconds=time.perf_counter() - start, tools=tools(board))


def _place(board: Board, top: BoardTop, folder: Path, begun: Callable[[str], None]) -> Placed:
    """By nextpnr's own seed, or another one where that comes to no end."""
    try:
        return place(board, top, folder, begun)
    except NoEndError:
        begun(f"{PLACEMENT} by another seed")
        return place_again(board, folder, board.family.placements + 1)  # no seed that the median has as well


def elaborate(board: Board, config: TileConfig) -> tuple[dict[str, int], Tile]:
    """The `Contents` of a tile on a board, and that tile."""
    serial = SerialTile(config, board.divisor)
    return Contents.of(serial, board.family).counts(), serial.tile


def tools(board: Board) -> str:
    """Versions of what synthesizes and places for a board."""
    names = [step.command(board.platform(), board.mhz)[0] for step in board.family.steps
             if step.name in (SYNTHESIS.name, PLACEMENT)]
    found = []
    for name in names:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            found.append(name)
    return ", ".join(found)


def _unpacked(board: Board):
    """The family without the steps behind placement: no bitstream is wanted."""
    steps = board.family.steps
    last = next((n for n, step in enumerate(steps) if step.name == PLACEMENT), len(steps) - 1)
    return replace(board.family, steps=steps[:last + 1])
