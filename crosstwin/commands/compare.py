# SPDX-License-Identifier: Apache-2.0
"""`crosstwin compare`: random configurations and operations, RTL against golden model, bit by bit."""
import argparse
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed

from crosstwin import comparison, console
from crosstwin.arguments import count, seed


def add(commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("compare", help="random configurations and operations, RTL against golden model")
    parser.add_argument("--configs", type=count(1, 10 ** 6), default=8, metavar="N", help="configurations (default: 8)")
    parser.add_argument("--ops", type=count(0, 10 ** 6), default=200, metavar="M",
                        help="operations on each (default: 200)")
    parser.add_argument("--seed", type=seed, default=0, help="from which all is drawn (default: 0)")
    parser.add_argument("--workers", type=count(1, 256), default=os.cpu_count() or 1, metavar="W", help="processes")
    parser.add_argument("--only", type=count(0, 10 ** 6), metavar="K", help="configuration number K alone")
    parser.add_argument("--backend", choices=comparison.LINKS, default="verilator",
                        help="what is compared; golden compares the model with itself")
    parser.add_argument("--json", action="store_true", help="print the result as JSON and nothing else")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare; 1 if any value differs."""
    begin = time.perf_counter()
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
    if arguments.json:
        console.print_json(result)
    else:
        _print(result)
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


def _print(result: dict) -> None:
    labels = {"configs": "configurations", "operations": "operations", "compared": "values compared",
              "mismatches": "mismatches", "cycles": "emulation cycles", "wall_s": "wall time (s)"}
    console.table("RTL against golden model", ["", "count"], [[label, result[key]] for key, label in labels.items()])
    for failure in result["failures"]:
        print(f"MISMATCH in configuration {failure['config']}: {failure['mismatch']}\n"
              f"  tile: {failure['tile']}\n  replay: {failure['replay']}")
