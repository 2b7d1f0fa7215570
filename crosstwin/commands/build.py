# SPDX-License-Identifier: Apache-2.0
"""`crosstwin build`: a bitstream for a board."""
import argparse
from dataclasses import replace
from pathlib import Path

from crosstwin import console
from crosstwin.arguments import CONFIG_HELP, THE_BOARDS, tile, tile_options
from crosstwin.arguments import board as board_of


def add(commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("build", help="build a bitstream for an FPGA board")
    parser.add_argument("--board", required=True, metavar="NAME", help="file of boards/ that declares it")
    parser.add_argument("--config", help=CONFIG_HELP)
    tile_options(parser, THE_BOARDS)
    parser.add_argument("--clock", type=float, metavar="MHZ", help="by the board's PLL (default: the board's)")
    parser.add_argument("--seed", type=int, help="of the placement; another one may be some percent faster")
    parser.add_argument("--minutes", type=float, help="most of a tool, as a router may come to no end (default: 180)")
    parser.add_argument("-o", "--output", type=Path, metavar="FOLDER", help="(default: build/boards/NAME)")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Build, and show what it came to."""
    board = board_of(arguments.board, "Building needs")
    from boards.build import build

    config = tile(arguments, board.config)
    asked = {"seed": arguments.seed, "clock_mhz": arguments.clock, "minutes": arguments.minutes}
    try:
        board = replace(board, **{name: value for name, value in asked.items() if value is not None})
    except ValueError as error:
        raise console.UsageError(str(error)) from None
    steps = ["elaboration", *(step.name for step in board.family.steps), "smallest tile"]
    with console.steps(board.title, steps, quiet=arguments.json) as begun:
        built = build(board, config, folder_of(board, arguments.output), begun)
    if arguments.json:
        console.print_json(built.summary())
        return 0
    placed = built.placed
    rows = [[name, placed.used[name], placed.available[name]] for name in placed.used]
    rows += [["clock and Fmax (MHz)", board.mhz, placed.fmax_mhz],
             ["forward (MMAC/s)", built.rates.mac_per_s / 1e6, None],
             ["update, BL 31 (M cross-points/s)", built.rates.updates_per_s / 1e6, None]]
    title = f"{board.title}: {config.rows} x {config.cols}, {config.lanes} lanes"
    console.table(title, ["", "used", "available"], rows)
    print(f"Link: {board.baud:,} baud at {board.uart}. Left out: {board.leaves_out}.")
    print(f"Wrote {built.folder / board.family.bitstream}")
    return 0


def folder_of(board, chosen: Path | None) -> Path:
    """Where a board's build is."""
    return chosen or Path("build") / "boards" / board.name
