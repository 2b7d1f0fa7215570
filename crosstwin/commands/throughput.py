# SPDX-License-Identifier: Apache-2.0
"""`crosstwin throughput`: what a tile does in a second, by simulated cycles and a clock, beside aihwkit on a CPU."""
import argparse
import json
import math
from dataclasses import replace
from pathlib import Path
from shutil import which

from crosstwin import configfile, console
from crosstwin.arguments import count, tile, tile_options
from golden.config import TileConfig
from golden.presets import DEVICES, TILES
from golden.registers import register_map

_SIZE = 256
_BUILDS = Path("build") / "boards"


def add(commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("throughput", help="simulated cycles, throughput at a clock, aihwkit's beside it")
    parser.add_argument("--config", metavar="NAME|FILE.json",
                        help=f"the tile (default: the preset named folded, of {_SIZE} x {_SIZE})")
    tile_options(parser, ", over the configuration")
    clock = parser.add_mutually_exclusive_group()
    clock.add_argument("--clock", type=_megahertz, metavar="MHZ", help="of the tile")
    clock.add_argument("--board", metavar="NAME", help="take the clock of that board's build in build/boards")
    parser.add_argument("--peer", type=_peer, action="append", default=[], metavar="[LABEL=]PYTHON",
                        help="an interpreter that has aihwkit, which is timed on one thread; may be given again")
    parser.add_argument("--images", type=count(1, 10_000), default=8, metavar="N", help="of digits (default: 8)")
    parser.add_argument("--json", action="store_true", help="print it as JSON and nothing else")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Simulate, time the peers, and print one table."""
    from crosstwin import throughput

    config, peers = _config(arguments), dict(arguments.peer)
    device = next((name for name, preset in DEVICES.items() if preset == config.device), None)
    if peers and device is None:
        raise console.UsageError(f"--peer needs a device that aihwkit has, one of {', '.join(DEVICES)}: give --device")
    if len(peers) < len(arguments.peer):
        raise console.UsageError("--peer must have a label of its own each time, as stock=PYTHON and tuned=PYTHON")
    clock_mhz, clock_of = _clock(arguments, config)
    operations, inputs = throughput.operations(config), throughput.draw(config, arguments.images)
    with console.progress("simulating", len(operations), quiet=arguments.json) as step:
        cycles = throughput.simulate(config, operations, inputs, step, quiet=arguments.json)
    measured = {label: throughput.run_peer(python, str(device), operations, inputs) for label, python in peers.items()}
    summary = {
        "config": configfile.to_dict(config), "device": device, "clock_mhz": clock_mhz, "clock_of": clock_of,
        "registers": throughput.settings(config), "images": inputs.source,
        "peers": {label: {key: peer[key] for key in ("aihwkit", "torch", "coincidences")}
                  for label, peer in measured.items()},
        "operations": throughput.compare(config, inputs, operations, cycles, clock_mhz, measured),
    }
    if arguments.json:
        console.print_json(summary)
    else:
        _print(summary, config)
    return 0


def _print(summary: dict, config: TileConfig) -> None:
    clock = "no clock" if summary["clock_mhz"] is None else f"{summary['clock_mhz']:g} MHz, {summary['clock_of']}"
    kind = "folded, " if config.folded else ""
    columns, rows = ["operation", "cycles", "with words", "M/s", "with words M/s"], []
    for label in summary["peers"]:
        columns += [f"{label} M/s", "ratio", "MHz for 1"]
    for each in summary["operations"]:
        row = [each["operation"], each["cycles"], each["stream_cycles"],
               *(None if each[key] is None else each[key] / 1e6 for key in ("per_s", "stream_per_s"))]
        for peer in each["peers"].values():
            row += [peer["per_s"] / 1e6, peer["ratio"], peer["equal_at_mhz"]]
        rows.append(row)
    console.table(f"{config.rows} x {config.cols}, {kind}{config.lanes} lanes, "
                  f"{summary['device'] or type(config.device).__name__}; {clock}", columns, rows)
    registers = register_map(config)
    values = {name: registers[name].values[value] if registers[name].values else value
              for name, value in summary["registers"].items()}
    print(f"Registers: {', '.join(f'{name} {value}' for name, value in values.items())}; the others as at reset.")
    print("M/s: million multiply-accumulates, or cross-points that an update passes over, whether or not pulses fall "
          "there.\n"
          "cycles: of a command from its acceptance to its end; with words: a word a cycle in and out as well.\n"
          f"images: {summary['images']}, in blocks of rows. update: mean coincidences a cross-point, BL 31; managed: "
          "as few slots as they need.")
    for label, peer in summary["peers"].items():
        print(f"{label}: aihwkit {peer['aihwkit']}, torch {peer['torch']}, one thread, CPU time, the better of batches "
              "of 1 and of up to 256.")


def _config(arguments: argparse.Namespace) -> TileConfig:
    config = tile(arguments, replace(TILES["folded"], rows=_SIZE, cols=_SIZE))
    if config.pins:
        raise console.UsageError("Configuration must be one without pins: behind them nothing is simulated")
    return config


def _clock(arguments: argparse.Namespace, config: TileConfig) -> tuple[float | None, str | None]:
    """Megahertz, and whose they are."""
    if arguments.board is None:
        return arguments.clock, "as given"
    from boards import NAMES

    name = arguments.board
    if name not in NAMES:
        raise console.UsageError(f"Board must be one of {', '.join(NAMES)}, not {name!r}")
    path = _BUILDS / name / "summary.json"
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
        clock_mhz, fmax_mhz, tile = float(summary["clock_mhz"]), float(summary["fmax_mhz"]), summary["config"]
    except OSError as error:
        raise console.UsageError(f"--board needs a build of it, whose {path} cannot be read ({error.strerror}): "
                                 f"crosstwin build --board {name}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise console.UsageError(f"{path} must be the summary of a build, but: {error!r}") from None
    other = "" if tile == repr(config) else ", with another tile"
    return clock_mhz, f"that of the build of {name}{other}, whose Fmax is {fmax_mhz:g} MHz"


def _megahertz(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"must be a number of MHz above 0, not {text!r}")
    return value


def _peer(text: str) -> tuple[str, str]:
    label, _, python = text.rpartition("=")
    found = which(python)
    if found is None:
        raise argparse.ArgumentTypeError(f"must be [LABEL=]PYTHON, an interpreter that has aihwkit, not {text!r}")
    return label or "aihwkit", found
