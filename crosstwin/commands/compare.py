# SPDX-License-Identifier: Apache-2.0
"""`crosstwin compare`: random configurations and operations, RTL against golden model, bit by bit."""
import argparse
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import pairwise

from crosstwin import comparison, console, netlist
from crosstwin.arguments import CONFIG_HELP, count, given, seed, tile
from crosstwin.arguments import board as board_of

OVERRIDES = {"rows": "rows", "cols": "columns", "lanes": "lanes"}


def add(commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("compare", help="random configurations and operations, RTL against golden model")
    parser.add_argument("--configs", type=count(1, 10 ** 6), default=8, metavar="N", help="configurations (default: 8)")
    parser.add_argument("--ops", type=count(0, 10 ** 6), metavar="M",
                        help="operations on each (default: 200, of a netlist 40)")
    parser.add_argument("--seed", type=seed, default=0, help="from which all is drawn (default: 0)")
    parser.add_argument("--workers", type=count(1, 256), default=os.cpu_count() or 1, metavar="W", help="processes")
    parser.add_argument("--only", type=count(0, 10 ** 6), metavar="K", help="configuration number K alone")
    parser.add_argument("--backend", choices=comparison.LINKS, default="verilator",
                        help="what is compared; golden compares the model with itself")
    parser.add_argument("--netlist", metavar="BOARD",
                        help="one tile instead: the netlist that this board's synthesis makes, over its serial line")
    parser.add_argument("--config", help=f"of the netlist: {CONFIG_HELP}")
    for name, text in OVERRIDES.items():
        parser.add_argument(f"--{name}", type=int, metavar="N", help=f"{text} of the netlist (default: the board's)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON and nothing else")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare; 1 if any value differs."""
    begin = time.perf_counter()
    if arguments.netlist:
        return _run_netlist(arguments, begin)
    if sizes := given(arguments, (*OVERRIDES, "config")):
        size = next(iter(sizes))
        raise console.UsageError(f"--{size} must come with --netlist BOARD: other configurations are drawn")
    arguments.ops = 200 if arguments.ops is None else arguments.ops
    numbers = range(arguments.configs) if arguments.only is None else [arguments.only]
    outcomes = []
    with console.progress("configurations", len(numbers), arguments.json) as step:
        for outcome in _outcomes(arguments, numbers):
            outcomes.append(outcome)
            step()
    outcomes.sort(key=lambda outcome: outcome.number)
    failures = [{"config": outcome.number, "tile": repr(outcome.config), "mismatch": sentence,
                 "replay": _replay(arguments, outcome.number)}
                for outcome in outcomes for sentence in outcome.failures]
    result = {
        "configs": len(outcomes), "operations": sum(outcome.operations for outcome in outcomes),
        "compared": sum(outcome.compared for outcome in outcomes),
        "mismatches": sum(outcome.mismatches for outcome in outcomes),
        "cycles": sum(outcome.cycles for outcome in outcomes), "seed": arguments.seed,
        "wall_s": round(time.perf_counter() - begin, 3), "failures": failures,
    }
    return _show(result, arguments.json, "RTL against golden model")


def _run_netlist(arguments: argparse.Namespace, begin: float) -> int:
    """The same for one tile's netlist, whose steps are timed as well."""
    board = board_of(arguments.netlist, "Netlists need")
    from boards.flow import BuildError

    n_operations = 40 if arguments.ops is None else arguments.ops
    config = tile(arguments, board.config, OVERRIDES)
    times = []
    with console.steps(board.title, list(netlist.STEPS), arguments.json) as begun:
        def timed(step: str) -> None:
            times.append((step, time.perf_counter()))
            begun(step)
        try:
            link = netlist.NetlistLink(board, config, timed)
        except BuildError as error:
            raise console.UsageError(str(error)) from None
    times.append(("run", time.perf_counter()))
    operations = comparison.serial_operations(arguments.seed, config, n_operations)
    with console.progress("operations", len(operations), arguments.json) as step:
        outcome = comparison.run_operations(arguments.seed, config, operations, link, step)
    times.append(("end", time.perf_counter()))
    replay = " ".join([f"crosstwin compare --netlist {board.name} --seed {arguments.seed} --ops {n_operations}",
                       *([f"--config {arguments.config}"] if arguments.config else []),
                       *(f"--{name} {getattr(config, name)}" for name in OVERRIDES)])
    result = {
        "configs": 1, "operations": n_operations, "compared": outcome.compared, "mismatches": outcome.mismatches,
        "cycles": outcome.cycles, "seed": arguments.seed, "board": board.name,
        "seconds": {step: round(after - at, 1) for (step, at), (_, after) in pairwise(times)},
        "wall_s": round(time.perf_counter() - begin, 3),
        "failures": [{"config": 0, "tile": repr(config), "mismatch": sentence, "replay": replay}
                     for sentence in outcome.failures],
    }
    return _show(result, arguments.json, f"Netlist of {board.title} against golden model")


def _show(result: dict, as_json: bool, title: str) -> int:
    if as_json:
        console.print_json(result)
    else:
        _print(result, title)
    return 1 if result["mismatches"] else 0


def _outcomes(arguments: argparse.Namespace, numbers) -> Iterator[comparison.Outcome]:
    """Outcomes as they come, from as many processes as were asked for."""
    jobs = [(arguments.seed, number, arguments.ops, arguments.backend) for number in numbers]
    if min(arguments.workers, len(jobs)) == 1:
        yield from (comparison.run(*job) for job in jobs)
        return
    with ProcessPoolExecutor(min(arguments.workers, len(jobs))) as pool:
        for future in as_completed([pool.submit(comparison.run, *job) for job in jobs]):
            yield future.result()


def _replay(arguments: argparse.Namespace, number: int) -> str:
    backend = "" if arguments.backend == "verilator" else f" --backend {arguments.backend}"
    return f"crosstwin compare --seed {arguments.seed} --only {number} --ops {arguments.ops}{backend}"


def _print(result: dict, title: str) -> None:
    labels = {"configs": "configurations", "operations": "operations", "compared": "values compared",
              "mismatches": "mismatches", "cycles": "emulation cycles", "wall_s": "wall time (s)"}
    rows = [[label, result[key]] for key, label in labels.items()]
    rows += [[f"{step} (s)", seconds] for step, seconds in result.get("seconds", {}).items()]
    console.table(title, ["", "count"], rows)
    for failure in result["failures"]:
        print(f"MISMATCH in configuration {failure['config']}: {failure['mismatch']}\n"
              f"  tile: {failure['tile']}\n  replay: {failure['replay']}")
