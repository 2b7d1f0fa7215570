# SPDX-License-Identifier: Apache-2.0
"""`crosstwin estimate`: what a tile takes of a chip and how fast it is, in seconds and without synthesis."""
import argparse
from math import inf

from crosstwin import console
from crosstwin.arguments import THE_BOARDS, tile, tile_options
from crosstwin.arguments import board as board_of

WORDS = {True: "yes", False: "no", None: "perhaps: the error is larger than what is left"}


def add(commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("estimate", help="area and clock of a tile on a board, without synthesis")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--board", metavar="NAME", help="file of boards/ that declares it")
    where.add_argument("--family", metavar="NAME", help="of a chip, as in ECP5: the board of most runs")
    tile_options(parser, THE_BOARDS)
    parser.add_argument("--json", action="store_true", help="print it as JSON and nothing else")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Estimate, and show it with its errors."""
    board = of_family(arguments.family) if arguments.family else board_of(arguments.board, "Estimates need")
    from boards.estimate import estimate

    config = tile(arguments, board.config)
    try:
        found = estimate(board, config)
    except ValueError as error:
        raise console.UsageError(str(error)) from None
    if arguments.json:
        console.print_json(found.summary() | {"rows": config.rows, "cols": config.cols, "lanes": config.lanes})
        return 0
    rows = [[name, round(figure.value), _percent(figure.error), found.available[name]]
            for name, figure in found.used.items()]
    fmax = found.fmax_mhz
    rows += [["Fmax (MHz)", fmax.value, _percent(fmax.error), f"clock {board.mhz:.4g}"],
             ["forward at Fmax (MMAC/s)", found.rates.mac_per_s / 1e6, _percent(fmax.error), None],
             ["update at Fmax, BL 31 (M cross-points/s)", found.rates.updates_per_s / 1e6, _percent(fmax.error), None]]
    console.table(f"{board.title}: {config.rows} x {config.cols}, {config.lanes} lanes, estimated from "
                  f"{found.n_runs} runs on {board.family.name}", ["", "about", "error", "available"], rows)
    print(f"Fits the chip: {WORDS[found.fits]}. Meets the clock: {WORDS[found.meets_clock]}.")
    if found.clock_board:
        print(f"The clock is that of runs on {found.clock_board}.")
    return 0


def of_family(name: str):
    """The board of that family that most runs were made on; UsageError."""
    from boards import NAMES

    boards = [board_of(each, "Estimates need") for each in NAMES]
    families = {board.family.name for board in boards}
    some = [board for board in boards if board.family.name.casefold() == name.casefold()]
    if not some:
        raise console.UsageError(f"Family must be one of {', '.join(sorted(families))}, not {name!r}")
    from boards.run import load

    made = [run.board for run in load()]
    return max(some, key=lambda board: made.count(board.name))


def _percent(error: float) -> str:
    return f"± {100 * error:.1f} %" if error < inf else "unknown"
