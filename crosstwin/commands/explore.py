# SPDX-License-Identifier: Apache-2.0
"""`crosstwin explore`: many sizes of a tile on a board, estimated or really run, and the Pareto fronts among them."""
import argparse
import csv
import json
import os
from contextlib import closing, contextmanager
from itertools import product
from pathlib import Path

from crosstwin import console, exploration, fronts_figure
from crosstwin.arguments import board as board_of
from crosstwin.arguments import count, seed, tile
from golden.presets import DEVICES

_TIMEOUT_S = 10


def add(commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("explore", help="sweep sizes of a tile on a board, and draw the Pareto fronts")
    parser.add_argument("--board", required=True, metavar="NAME", help="file of boards/ that declares it")
    for name, text, low, high, default in (
            ("rows", "rows", 2, 1024, "the board's"), ("cols", "columns", 2, 1024, "as many as rows"),
            ("lanes", "multiply-accumulate lanes", 1, 1024, "the board's"),
            ("adc-bits", "bits of the converters", 4, 16, "the board's")):
        parser.add_argument(f"--{name}", type=count(low, high), nargs="+", metavar="N",
                            help=f"{text}, one or more numbers (default: {default})")
    parser.add_argument("--device", choices=DEVICES, help="at the cross-points (default: the board's)")
    parser.add_argument("--synthesis", action="store_true", help="really run the tools, minutes each: no estimates")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--workers", type=count(1, 256), default=os.cpu_count() or 1, metavar="W", help="processes")
    where.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster that computes, as tcp://host:8786")
    parser.add_argument("--seed", type=seed, default=0, help="of weights, codes and noise (default: 0)")
    parser.add_argument("--out", type=Path, default=Path("build/explore"),
                        help="folder for explore.json, explore.csv, explore.png (default: build/explore)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON and nothing else")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Explore; 1 if nothing came of any configuration. What there is when it is stopped is written."""
    board = board_of(arguments.board, "Exploring needs")
    if not arguments.synthesis:
        _check_runs(board)
    out = arguments.out
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise console.UsageError(f"--out must be a folder that can be written, not {out} ({error.strerror})") from None
    jobs, points = _jobs(board, arguments), []
    try:
        with _executor(arguments, len(jobs)) as executor, \
                console.progress("configurations", len(jobs), arguments.json) as step, \
                closing(exploration.explore(jobs, executor)) as coming:
            for point in coming:
                points.append(point)
                step()
    finally:
        points.sort(key=lambda point: (point.rows, point.cols, point.lanes, point.adc_bits))
        result = {"board": board.name, "source": "synthesis" if arguments.synthesis else "estimates",
                  "configurations": len(jobs), "seed": arguments.seed,
                  "points": [point.summary() for point in points],
                  "fronts": {name: [points.index(point) for point in best]
                             for name, best in exploration.fronts(points).items()}}
        _write(result, points, board, out)
    if arguments.json:
        console.print_json(result)
    else:
        _print(result, points, board, out)
    return 0 if any(not point.failure for point in points) else 1


def _jobs(board, arguments: argparse.Namespace) -> list[exploration.Job]:
    base = tile(arguments, board.config, ())
    jobs = []
    for rows, cols, lanes, bits in product(arguments.rows or [base.rows], arguments.cols or [0],
                                           arguments.lanes or [base.lanes], arguments.adc_bits or [base.adc.bits]):
        cols = cols or rows
        folder = (arguments.out / "runs" / f"{board.name}_{rows}_{cols}_{lanes}_{bits}").absolute()
        jobs.append(exploration.Job(board=board.name, rows=rows, cols=cols, lanes=lanes, adc_bits=bits, base=base,
                                    seed=arguments.seed, folder=folder if arguments.synthesis else None))
    return list(dict.fromkeys(jobs))


def _check_runs(board) -> None:
    """UsageError where there are too few runs for estimates."""
    from boards.estimate import Model
    from boards.run import load

    try:
        Model(board.family.name, load(), board.name)
    except ValueError as error:
        raise console.UsageError(f"{error}; or explore with --synthesis") from None


@contextmanager
def _executor(arguments: argparse.Namespace, n_jobs: int):
    """What computes: a cluster, processes, or None for this one."""
    if not arguments.scheduler:
        n = min(arguments.workers, n_jobs)
        yield exploration.workers(n) if n > 1 else None
        return
    try:
        from distributed import Client  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise console.UsageError("--scheduler needs distributed: pip install crosstwin[explore]") from None
    try:
        client = Client(arguments.scheduler, timeout=_TIMEOUT_S)
    except (OSError, ValueError) as error:
        raise console.UsageError(f"--scheduler must be the address of a Dask scheduler that answers, as "
                                 f"tcp://host:8786, not {arguments.scheduler!r} ({error})") from None
    with client:
        yield client.get_executor(pure=False)


def _write(result: dict, points: list[exploration.Point], board, out: Path) -> None:
    (out / "explore.json").write_text(json.dumps(result, indent=2) + "\n")
    rows = [{**{name: value for name, value in point.items() if name != "used"},
             **{f"used {name}": value for name, value in point["used"].items()},
             **{f"{name} front": "yes" if n in best else "" for name, best in result["fronts"].items()}}
            for n, point in enumerate(result["points"])]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with (out / "explore.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    fronts_figure.draw(points, board.title, result["source"], out / "explore.png")


def _print(result: dict, points: list[exploration.Point], board, out: Path) -> None:
    fits, rows = {True: "yes", False: "no", None: "perhaps"}, []
    for n, point in enumerate(points):
        if not point.failure:
            best = "+".join(name for name, members in result["fronts"].items() if n in members)
            rows.append([f"{point.rows} x {point.cols}", point.lanes, point.adc_bits, round(point.area),
                         point.fmax_mhz, fits[point.fits], point.mac_per_s / 1e6, 100 * point.rms_error, best or None])
    area = next((exploration.logic(point.used) for point in points if point.used), "LUT")
    console.table(f"{board.title}: {len(rows)} of {result['configurations']} configurations, by {result['source']}",
                  ["tile", "lanes", "ADC bits", area, "Fmax (MHz)", "fits", "MMAC/s", "RMS error (%)", "best in"], rows)
    for point in points:
        if point.failure:
            print(f"FAILED {point.rows} x {point.cols}, {point.lanes} lanes, {point.adc_bits} ADC bits: "
                  f"{point.failure}")
    print(f"Wrote {', '.join(str(out / f'explore.{kind}') for kind in ('json', 'csv', 'png'))}")
