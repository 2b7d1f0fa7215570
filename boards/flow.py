# SPDX-License-Identifier: Apache-2.0
"""From a board's top to a bitstream: the family's tools one after the other, and what nextpnr reports."""
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from amaranth.hdl import Elaboratable

from boards.board import Board
from boards.family import PLACEMENT, REPORT, TOP
from boards.memories import tell

_CELL = re.compile(r"_[A-Z][A-Z0-9]*(_[A-Z0-9]+)*(_\d+)*$|\$.*$")
"""What yosys and nextpnr put behind a signal's name to name a cell that drives it."""
_CONFLICT = "Driver-driver conflict"
"""yosys warns of a net that its own passes have given two drivers, and goes on with a design that is another one."""


class BuildError(RuntimeError):
    """A bitstream cannot be made, or is too slow; the message says why in one sentence."""


class NoEndError(BuildError):
    """A tool took longer than it may."""


@dataclass(frozen=True)
class Placed:
    """What the placed design takes of the chip, by resource, and the clock in MHz that it allows."""

    used: dict[str, int]
    available: dict[str, int]
    fmax_mhz: float
    critical: str
    """The two ends of the longest path, by component."""


def place(board: Board, top: Elaboratable, folder: Path, begun: Callable[[str], None] = lambda step: None) -> Placed:
    """Build into `folder`, where all that the tools make, say and report stays; `begun` is told of each step.

    BuildError says which tool is missing, or which failed and why.
    """
    begun("elaboration")
    platform = prepare(board, top, folder)
    for step in board.family.steps:
        begun(step.name)
        seed = ["--seed", str(board.seed)] if step.name == PLACEMENT and board.seed is not None else []
        run(board, step.name, [*step.command(platform, board.mhz), *seed], folder)
    return _placed(board, folder)


def place_again(board: Board, folder: Path, seed: int) -> Placed:
    """Another placement of what `place` has synthesized in `folder`."""
    step, platform = next(step for step in board.family.steps if step.name == PLACEMENT), board.platform()
    run(board, step.name, [*step.command(platform, board.mhz), "--seed", str(seed)], folder)
    return _placed(board, folder)


def count(board: Board, top: Elaboratable, folder: Path) -> None:
    """Go only as far as nextpnr says what the design takes."""
    platform = prepare(board, top, folder)
    for step in board.family.steps:
        command = step.command(platform, board.mhz)
        run(board, step.name, command if step.name != PLACEMENT else [*command, "--pack-only"], folder)
        if step.name == PLACEMENT:
            return


def prepare(board: Board, top: Elaboratable, folder: Path):
    """The board's platform, with the files for the tools in `folder`, and none that nextpnr left there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (REPORT, f"{TOP}.tim"):
        (folder / name).unlink(missing_ok=True)
    platform = board.platform()
    # Amaranth asks for the tools by which it would build, which need not be there: `run` calls those from PyPI
    tools = {tool.upper().replace("-", "_"): "true" for tool in platform.required_tools}
    os.environ.update({name: os.environ.get(name, tool) for name, tool in tools.items()})
    family = board.family
    for file in family.files:
        platform.add_file(file.name, file.read_text())
    more = {"script_after_read": "\n".join(family.script)} if family.script else {}
    platform.prepare(top, TOP, synth_opts=family.synthesis, **more).extract(str(folder))
    design = folder / f"{TOP}.il"
    design.write_text(tell(design.read_text(), family.memory))
    return platform


def run(board: Board, name: str, command: list[str], folder: Path) -> None:
    """Run one step's tool in `folder`, with a log; BuildError, and NoEndError where it takes more than its minutes."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    if not shutil.which(command[0], path=environment["PATH"]):
        raise BuildError(f"{command[0]} must be installed to build for {board.family.name}, but was not found: "
                         "pip install crosstwin[fpga]")
    log = folder / f"{name.replace(' ', '_')}.log"
    with log.open("w") as output:
        try:
            done = subprocess.run(command, cwd=folder, env=environment, check=False, stdout=output,
                                  stderr=subprocess.STDOUT, timeout=60 * board.minutes)
        except subprocess.TimeoutExpired:
            raise NoEndError(f"{name.capitalize()} for {board.name} must end in {board.minutes:g} minutes, but did not:"
                             f" try another --seed, or more --minutes (log in {log})") from None
    errors = [line for line in log.read_text().splitlines() if "ERROR" in line or _CONFLICT in line]
    if done.returncode or any(_CONFLICT in error for error in errors):
        why = errors[0] if errors else f"{command[0]} ended with status {done.returncode}"
        raise BuildError(f"{name.capitalize()} for {board.name} must succeed, but: {why} (log in {log})")


def _placed(board: Board, folder: Path) -> Placed:
    """What nextpnr's report says of the board's clock. BuildError where it was placed for another one."""
    report = json.loads((folder / REPORT).read_text())
    there = report["utilization"]
    used = {name: sum(there[cell]["used"] for cell in cells) for name, cells in board.family.resources.items()}
    available = {name: there[cells[0]]["available"] for name, cells in board.family.resources.items()}
    net, clock = min(report["fmax"].items(), key=lambda item: abs(item[1]["constraint"] - board.mhz))
    if abs(clock["constraint"] / board.mhz - 1) > 0.001:
        raise BuildError(f"Clock {net} must be placed for {board.mhz:g} MHz, not {clock['constraint']:g} MHz")
    return Placed(used, available, clock["achieved"], _critical(report["critical_paths"], net))


def _critical(paths: list[dict], net: str) -> str:
    """The two ends of the longest path from one edge of a clock to the next."""
    inside = [path for path in paths if net in path["from"] and net in path["to"]]
    longest = max(inside, key=lambda path: sum(part["delay"] for part in path["path"]))["path"]
    ends = longest[0]["from"]["cell"], longest[-1]["to"]["cell"]
    return " to ".join(_CELL.sub("", cell).rstrip(".") for cell in ends)
