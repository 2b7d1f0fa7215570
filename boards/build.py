# SPDX-License-Identifier: Apache-2.0
"""From a board and a configuration to a bitstream, with what it takes of the chip and how fast it runs."""
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path

from boards import NAMES, fit
from boards.board import Board
from boards.flow import BuildError, Placed, place
from boards.rates import Rates
from boards.top import BoardTop
from golden.config import TileConfig
from rtl.serial_tile import SerialTile
from rtl.tile import Tile


@dataclass(frozen=True)
class Built:
    """What a build came to."""

    board: Board
    config: TileConfig
    tile: Tile
    folder: Path
    placed: Placed

    @property
    def rates(self) -> Rates:
        """At the board's clock."""
        return Rates.of(self.config, self.tile, self.board.mhz)

    def summary(self) -> dict:
        """As it is left in summary.json."""
        return {"board": self.board.name, "clock_mhz": round(self.board.mhz, 3),
                "fmax_mhz": round(self.placed.fmax_mhz, 2), "used": self.placed.used,
                "available": self.placed.available, "config": repr(self.config),
                **asdict(self.rates)}


def named(name: str) -> Board:
    """The board of that name; ValueError says which there are."""
    if name not in NAMES:
        raise ValueError(f"Board must be one of {', '.join(NAMES)}, not {name!r}")
    return import_module(f"boards.{name}").BOARD


def build(board: Board, config: TileConfig, folder: Path, begun: Callable[[str], None] = lambda step: None) -> Built:
    """Build into `folder`; `begun` is told of each step. BuildError says what does not fit or what is missing.

    The bitstream, the tools' reports and logs stay in the folder, and `summary.json` where timing is met.
    """
    (folder / "summary.json").unlink(missing_ok=True)
    tile = SerialTile(config, board.divisor)
    try:
        placed = place(board, BoardTop(board, tile), folder, begun)
    except BuildError:
        refusal = fit.refusal(board, config, folder, begun)
        if refusal is None:
            raise
        raise BuildError(refusal) from None
    if placed.fmax_mhz < board.mhz:
        raise BuildError(f"The clock of {board.name} must be {board.mhz:g} MHz, but the placed design allows "
                         f"{placed.fmax_mhz:.1f} MHz: its longest path runs from {placed.critical}")
    built = Built(board, config, tile.tile, folder, placed)
    (folder / "summary.json").write_text(json.dumps(built.summary(), indent=2) + "\n")
    return built
