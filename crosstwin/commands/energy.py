# SPDX-License-Identifier: Apache-2.0
"""`crosstwin energy`: what a workload costs on one tile in a technology: time, energy, TOPS and TOPS/W."""
import argparse

import numpy as np

from crosstwin import configfile, console, technology
from crosstwin.arguments import count, seed
from crosstwin.energy import Cost
from crosstwin.opening import BACKENDS, open
from crosstwin.twin import Twin

WORKLOADS = {"forward": ("forward",), "backward": ("backward",), "update": ("update",),
             "train": ("forward", "backward", "update")}
"""Operations of a step, by the name of the workload."""
_LEARNING_RATE = 0.01


def add(commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("energy", help="time, energy, TOPS and TOPS/W of a workload in a technology")
    parser.add_argument("--technology", default="rpu", metavar="NAME|FILE.toml",
                        help=f"one of {', '.join(technology.names())}, or a file (default: rpu)")
    parser.add_argument("--config", default="default", metavar="NAME|FILE.json", help="the tile (default: default)")
    parser.add_argument("--backend", choices=BACKENDS, default="golden", help="what counts (default: golden)")
    parser.add_argument("--workload", choices=WORKLOADS, default="train",
                        help="operations on random vectors and weights (default: train, all three)")
    parser.add_argument("--steps", type=count(1, 10 ** 6), default=16, metavar="N",
                        help="of the workload (default: 16)")
    parser.add_argument("--seed", type=seed, default=0, help="of devices, weights and vectors (default: 0)")
    parser.add_argument("--set", type=_setting, action="append", default=[], metavar="REGISTER=VALUE",
                        help="a register of the tile, as t_slot=2")
    parser.add_argument("--json", action="store_true", help="print it as JSON and nothing else")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the workload and print what it has cost."""
    try:
        chosen, config = technology.load(arguments.technology), configfile.named(arguments.config)
        with open(arguments.backend, config, arguments.seed) as twin:
            for name, value in arguments.set:
                twin.tile.set(name, value)
            work(twin, arguments.workload, arguments.steps, arguments.seed)
            statement = twin.ledger(arguments.technology)
    except ValueError as error:
        raise console.UsageError(str(error)) from None
    unverified = [name for name, figure in chosen.figures.items() if not figure.verified]
    if arguments.json:
        console.print_json({
            "technology": chosen.name, "title": chosen.title, "unverified": unverified, "backend": arguments.backend,
            "workload": arguments.workload, "steps": arguments.steps, "seed": arguments.seed,
            "total": statement.total.summary(), "last": statement.last.summary()})
        return 0
    console.table(f"Counters of {arguments.steps} x {arguments.workload}, {arguments.backend}",
                  ["", "total", "last operation"],
                  [[name, statement.total.counters[name], statement.last.counters[name]]
                   for name in statement.total.counters])
    _print(f"{chosen.title}", statement.total, statement.last)
    if statement.total.left_out:
        print(f"Left out, without a figure in this technology: {', '.join(statement.total.left_out)}")
    if unverified:
        print(f"Not verified at their source: {', '.join(unverified)}")
    return 0


def work(twin: Twin, workload: str, steps: int, seed: int) -> None:
    """Random weights, and `steps` times the operations of a workload on random vectors in +-1."""
    rows, cols = twin.config.rows, twin.config.cols
    rng = np.random.default_rng(seed)
    if twin.config.loadable:
        twin.load(rng.uniform(-0.5, 0.5, (rows, cols)))
    for x, d in zip(rng.uniform(-1, 1, (steps, rows)), rng.uniform(-1, 1, (steps, cols)), strict=True):
        for operation in WORKLOADS[workload]:
            match operation:
                case "forward":
                    twin.forward(x)
                case "backward":
                    twin.backward(d)
                case "update":
                    twin.update(x, d, _LEARNING_RATE)


def _print(title: str, *costs: Cost) -> None:
    def scaled(value: float | None, by: float) -> float | None:
        return None if value is None else value * by

    rows: list[list] = [["chip time (us)", *(cost.latency_s * 1e6 for cost in costs)]]
    rows += [[f"{name} (nJ)", *(scaled(cost.energy_j[name], 1e9) for cost in costs)]
             for name in costs[0].energy_j if costs[0].energy_j[name] != 0]
    rows += [["energy (nJ)", *(cost.total_j * 1e9 for cost in costs)],
             ["average power (mW)", *(scaled(cost.power_w, 1e3) for cost in costs)],
             ["operations (1 MAC = 2)", *(cost.operations for cost in costs)],
             ["TOPS, achieved", *(cost.tops for cost in costs)],
             ["TOPS, peak of forward", *(cost.peak_tops for cost in costs)],
             ["TOPS/W, of the energy above", *(cost.tops_per_w for cost in costs)]]
    console.table(title, ["", "total", "last operation"], rows)


def _setting(text: str) -> tuple[str, int]:
    name, _, value = text.partition("=")
    try:
        return name, int(value, 0)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be REGISTER=VALUE, not {text!r}") from None
