# SPDX-License-Identifier: Apache-2.0
"""`crosstwin verify`: bring a tile's devices to random weights by pulses and reads, and count how many get there."""
import argparse
import json
from dataclasses import replace
from functools import partial
from pathlib import Path

from crosstwin import configfile, console
from crosstwin.arguments import count, seed
from crosstwin.opening import BACKENDS
from golden.config import MAX_READS_LOG2
from golden.presets import DEVICES

TOLERANCES = (0.0025, 0.005, 0.01, 0.02, 0.04, 0.08)
READS_LOG2 = (0, 2, 4, 6)
"""Of the figure."""


def add(commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("verify", help="program random weights by write-verify, and count what converges")
    parser.add_argument("--backend", choices=BACKENDS, default="golden", help="what computes (default: golden)")
    parser.add_argument("--device", choices=DEVICES, help="at the cross-points (default: EcRam, or that of --config)")
    parser.add_argument("--config", help="tile preset or .json file (default: 64 x 64 with converters for programming)")
    parser.add_argument("--tolerance", type=_percent, default=0.01, metavar="PERCENT",
                        help="of the range of weights, to either side (default: 1)")
    parser.add_argument("--reads", type=count(0, MAX_READS_LOG2), default=5, metavar="LOG2",
                        help="reads that are averaged, as a power of two (default: 5)")
    parser.add_argument("--limit", type=count(1, 255), default=64, help="most windows of pulses (default: 64)")
    parser.add_argument("--seed", type=seed, default=0, help="of devices, noise and targets (default: 0)")
    parser.add_argument("--figure", action="store_true", help="also draw yield against tolerance, on the golden model")
    parser.add_argument("--out", type=Path, default=Path("build/verify"), help="folder for summary.json and the figure")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON and nothing else")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run write-verify once, and over tolerances and reads for the figure."""
    from crosstwin import verification

    device = DEVICES[arguments.device or "EcRam"]
    try:
        config = configfile.named(arguments.config) if arguments.config else verification.tile_config(device)
        if arguments.device:
            config = replace(config, device=device)
    except ValueError as error:
        raise console.UsageError(str(error)) from None
    try:
        arguments.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise console.UsageError(f"--out must be a folder that can be written, not {arguments.out} ({error.strerror})"
                                 ) from None
    name = arguments.device or ("EcRam" if not arguments.config else type(config.device).__name__)
    settings = verification.Settings(arguments.tolerance, arguments.reads, arguments.limit)
    summary = verification.run(arguments.backend, config, arguments.seed, settings) | {"device": name}
    if arguments.figure:
        progress = partial(console.progress, quiet=arguments.json)
        with progress("yield against tolerance", len(TOLERANCES) * len(READS_LOG2)) as step:
            curves = verification.curves(config, arguments.seed, READS_LOG2, TOLERANCES, arguments.limit, step)
        verification.draw(curves, TOLERANCES, name, arguments.out / "yield.png")
        summary["yield"] = {"tolerances": TOLERANCES, **{f"{reads} reads": each for reads, each in curves.items()}}
    (arguments.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    if arguments.json:
        console.print_json(summary)
    else:
        _print(summary, arguments.out)
    return 0


def _print(summary: dict, out: Path) -> None:
    total = summary["cross_points"]

    def share(label: str, key: str) -> list:
        return [label, summary[key], f"{100 * summary[key] / total:.2f} %"]

    rows = [share("converged", "converged"), share("of these within, by the weights", "converged_within"),
            share("stuck at a bound", "stuck"), share("of these out of their device's reach", "stuck_out_of_reach"),
            share("not converged", "limit"), share("within, by the weights", "within"),
            ["rms error of the converged (% of range)", _percentage(summary["rms_error"]), None],
            ["windows of pulses, mean and most", summary["windows"]["mean"], summary["windows"]["most"]],
            ["pulses", summary["pulses"], None], ["reads", summary["reads_made"], None],
            ["converter error, before and after (LSB)", *summary["residual_lsb"].values()],
            ["chip time (ms)", summary["chip_time_s"] * 1e3, None]]
    console.table(f"{summary['rows']} x {summary['cols']} {summary['device']} devices to random targets, to "
                  f"{100 * summary['tolerance']:g} % of the range, {summary['reads']} reads a round, "
                  f"{summary['backend']}, seed {summary['seed']}", ["", "", ""], rows)
    if "yield" in summary:
        tolerances = summary["yield"]["tolerances"]
        console.table("Weights within the tolerance (%)", ["", *(f"{100 * each:g} %" for each in tolerances)],
                      [[reads, *(f"{100 * each:.2f}" for each in yields)]
                       for reads, yields in summary["yield"].items() if reads != "tolerances"])
    print(f"Wrote {out / 'summary.json'}" + (f" and {out / 'yield.png'}" if "yield" in summary else ""))


def _percentage(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _percent(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 50:
        raise argparse.ArgumentTypeError(f"must be above 0 and at most 50, not {text!r}")
    return value / 100
