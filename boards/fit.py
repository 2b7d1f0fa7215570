# SPDX-License-Identifier: Apache-2.0
"""Why a tile does not fit a chip, and about how large one may be that does."""
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from boards.board import Board
from boards.family import TOP
from boards.flow import count
from boards.top import BoardTop
from golden.config import TileConfig
from rtl.serial_tile import SerialTile

_LINE = re.compile(r"^Info:\s+(\w+):\s+(\d+)/\s*(\d+)\s+\d+%$", re.MULTILINE)
_MEMORY = ("block RAM", "SPRAM")
"""Resources that the rows decide; the lanes decide all others."""


def counted(board: Board, folder: Path) -> dict[str, tuple[int, int]]:
    """What a design takes and what there is, by resource, as nextpnr says before it places; nothing if it did not."""
    log = folder / f"{TOP}.tim"
    said = {cell: (int(used), int(available)) for cell, used, available in _LINE.findall(log.read_text())} \
        if log.exists() else {}
    return {name: (sum(said.get(cell, (0, 0))[0] for cell in cells), said[cells[0]][1])
            for name, cells in board.family.resources.items() if cells[0] in said}


def refusal(board: Board, config: TileConfig, folder: Path, begun: Callable[[str], None]) -> str | None:
    """Which resources a tile takes too many of, by how many, and the largest that would fit; None if that is not it.

    The latter goes in a straight line from the smallest tile, which is synthesized for that, to this one.
    """
    taken = counted(board, folder)
    over = {name: pair for name, pair in taken.items() if pair[0] > pair[1]}
    if not over:
        return None
    side = max(2, config.adc.columns_per_adc)
    smallest, least = replace(config, rows=side, cols=side, lanes=1), taken
    if smallest != config:
        begun("smallest tile")
        count(board, BoardTop(board, SerialTile(smallest, board.divisor)), folder / "smallest")
        least = counted(board, folder / "smallest")
    largest = _largest(config, smallest, taken, least)
    what = ", ".join(f"{used - available:,} too many {name} ({used:,} of {available:,})"
                     for name, (used, available) in over.items())
    hint = f"the largest tile that would is about {_size(largest)}" if largest else \
        f"not even one of {_size(smallest)} would"
    return f"A tile of {_size(config)} must fit {board.name}, but takes {what}; {hint}"


def _largest(config: TileConfig, smallest: TileConfig, taken, least) -> TileConfig | None:
    """Fewer lanes where there is too little logic, fewer rows where there is too little memory."""
    rows, lanes = float(config.rows), float(config.lanes)
    for name, (used, available) in taken.items():
        base = least[name][0]
        if base > available:
            return None
        if used > available:
            share = (available - base) / (used - base)
            if name in _MEMORY:
                rows = min(rows, smallest.rows + share * (config.rows - smallest.rows))
            else:
                lanes = min(lanes, 1 + share * (config.lanes - 1))
    return replace(config, rows=int(rows), lanes=int(lanes))


def _size(config: TileConfig) -> str:
    return f"{config.rows} x {config.cols} on {config.lanes} lane{'s' if config.lanes > 1 else ''}"
