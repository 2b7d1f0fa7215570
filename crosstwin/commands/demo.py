# SPDX-License-Identifier: Apache-2.0
"""`crosstwin demo`: digits on two tiles, inference and training, the backend held against the golden model."""
import argparse
import json
from functools import partial
from pathlib import Path

from crosstwin import console
from crosstwin.arguments import count, seed
from crosstwin.opening import BACKENDS
from golden.presets import DEVICES

EPOCHS = 3
"""Epochs of training: as many as the verilated model does in well under a minute."""


def add(commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("demo", help="classify and learn digits, RTL against golden model")
    parser.add_argument("--backend", choices=BACKENDS, default="verilator", help="what computes (default: verilator)")
    parser.add_argument("--port", action="append", default=[], metavar="PATH", dest="ports",
                        help="serial port of the board that computes; twice, for the two tiles, instead of --backend "
                             "(see `crosstwin serve --demo`)")
    parser.add_argument("--epochs", type=count(1, 1000), default=EPOCHS, help=f"of training (default: {EPOCHS})")
    parser.add_argument("--seed", type=seed, default=0, help="of devices, noise, weights and order (default: 0)")
    parser.add_argument("--device", choices=DEVICES, default="GokmenVlasov", help="at the cross-points")
    parser.add_argument("--out", type=Path, default=Path("build/demo"), help="folder for summary.json and the figure")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON and nothing else")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the demo; 1 if any value of the backend differs from golden's."""
    from crosstwin import figure
    from crosstwin.demo import Demo

    if len(arguments.ports) not in (0, 2):
        raise console.UsageError(f"--port must be given twice, for two tiles, not {len(arguments.ports)} times")
    backend = "ports" if arguments.ports else arguments.backend
    try:
        arguments.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise console.UsageError(f"--out must be a folder that can be written, not {arguments.out} ({error.strerror})"
                                 ) from None
    with Demo(backend, arguments.device, arguments.seed, partial(console.progress, quiet=arguments.json),
              arguments.ports) as demo:
        summary = {"backend": backend, "device": arguments.device, "seed": arguments.seed,
                   "inference": demo.infer(), "training": demo.train(arguments.epochs), "mismatch": demo.mismatch}
        figure.draw(demo, summary, arguments.out / "demo.png")
    (arguments.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    if arguments.json:
        console.print_json(summary)
    else:
        _print(summary, arguments.out)
    return 1 if demo.mismatch else 0


def _print(summary: dict, out: Path) -> None:
    rows = []
    for key in ("float", "golden", "rtl"):
        rows.append(_row(f"accuracy, {key.upper() if key == 'rtl' else key} (%)", summary,
                         lambda part, key=key: _percent(part["accuracy"][key])))
    for key, label in (("compared", "values compared"), ("mismatches", "mismatches"),
                       ("cycles", "emulation cycles"), ("pulses", "pulses"), ("coincidences", "coincidences"),
                       ("conversions", "conversions"), ("wall_s", "wall time (s)")):
        rows.append(_row(label, summary, lambda part, key=key: part[key]))
    rows.append(_row("chip time (ms)", summary, lambda part: part["chip_time_s"] * 1e3))
    rows.append(_row("energy (uJ)", summary, lambda part: part["energy_j"] * 1e6))
    rows.append(_row("TOPS/W", summary, lambda part: part["tops_per_w"]))
    title = (f"Digits on two tiles of {summary['device']} devices, {summary['backend']}, seed {summary['seed']}, "
             f"training epochs: {summary['training']['epochs']}")
    console.table(title, ["", "inference", "training"], rows)
    if summary["mismatch"]:
        print(f"MISMATCH: {summary['mismatch']}")
    print(f"Wrote {out / 'summary.json'} and {out / 'demo.png'}")


def _row(label: str, summary: dict, value) -> list:
    return [label, value(summary["inference"]), value(summary["training"])]


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{100 * share:.2f}"
