# SPDX-License-Identifier: Apache-2.0
"""The tables of docs/boards.md: what the boards' files say, and what their builds came to.

`python -m boards.report` writes them from `summary.json` of the builds in build/boards; a board that was not built
there keeps its row. `--check` only says whether the boards, clocks and tiles there are those of the files.
"""
import argparse
import json
import sys
from pathlib import Path

from boards import NAMES
from boards.board import Board
from boards.build import named
from golden.config import TileConfig
from golden.presets import DEVICES

_BEGIN, _END = "<!-- written by python -m boards.report -->\n", "<!-- end -->\n"
_RESOURCES = ("LUT", "FF", "block RAM", "DSP", "SPRAM")
_SHARED = "LUT + FF"
"""Of chips whose cell is a LUT with its register."""


def declared() -> str:
    """The table of what the files say."""
    boards = [named(name) for name in NAMES]
    rows = [[f"`{board.name}`", board.title, f"{board.mhz:.5g} MHz", f"{board.baud / 1e6:g} Mbaud, {board.uart}",
             _tile(board.config), board.leaves_out] for board in boards]
    return _table(["board", "", "clock", "link", "tile by default", "left out"], rows)


def measured(old: str, builds: Path | None) -> str:
    """The table of what the builds came to; rows of `old` where there is none."""
    kept = {line.split("|")[1].strip(): line for line in old.splitlines() if line.startswith("| `")}
    lines = []
    for board in map(named, NAMES):
        key, path = f"`{board.name}`", builds / board.name / "summary.json" if builds else None
        summary = json.loads(path.read_text()) if path and path.exists() else None
        if summary and summary["config"] == repr(board.config) and summary["clock_mhz"] == round(board.mhz, 3):
            lines.append(_row(_measures(board, summary)))
        else:
            lines.append(kept.get(key, _row([key, *"-" * (len(_RESOURCES) + 3)])))
    head = ["board", *_RESOURCES, "Fmax, MHz", "forward, MMAC/s", "update, M cross-points/s"]
    return _table(head, []) + "\n".join(lines) + "\n"


def _measures(board: Board, summary: dict) -> list[str]:
    used, available = summary["used"], summary["available"]
    cells = {name: f"{used[name]:,} of {available[name]:,}" for name in used}
    if _SHARED in cells:
        cells["LUT"], cells["FF"] = cells.pop(_SHARED), "with its LUT"
    return [f"`{board.name}`", *(cells.get(name, "-") for name in _RESOURCES), f"{summary['fmax_mhz']:.1f}",
            f"{summary['mac_per_s'] / 1e6:,.1f}", f"{summary['updates_per_s'] / 1e6:,.1f}"]


def _tile(config: TileConfig) -> str:
    device = next((name for name, preset in DEVICES.items() if preset == config.device), type(config.device).__name__)
    return f"{config.rows} x {config.cols}, {config.lanes} lanes, {device}"


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join([_row(head), "|" + "---|" * len(head), *map(_row, rows)]) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """1 where `--check` finds the page behind the files."""
    parser = argparse.ArgumentParser(prog="python -m boards.report", description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="only compare")
    parser.add_argument("--page", type=Path, default=Path("docs/boards.md"))
    parser.add_argument("--builds", type=Path, default=Path("build/boards"))
    chosen = parser.parse_args(arguments)
    text = chosen.page.read_text()
    before, old, after = text[:text.index(_BEGIN)], text[text.index(_BEGIN):text.index(_END)], text[text.index(_END):]
    rows = measured(old.partition("\n\n")[2], None if chosen.check else chosen.builds)
    new = before + _BEGIN + declared() + "\n" + rows + "\n" + after
    if not chosen.check:
        chosen.page.write_text(new)
    elif new != text:
        print(f"{chosen.page} must say what the boards' files say, but does not: python -m boards.report",
              file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
