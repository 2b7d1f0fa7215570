# SPDX-License-Identifier: Apache-2.0
"""From a board and a configuration to a bitstream, with what it takes of the chip and how fast it runs."""
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import boards
from boards.board import Board
from boards.family import REPORT, TOP
from boards.top import BoardTop
from golden.config import TileConfig
from golden.protocol import Opcode
from golden.registers import register_map
from rtl.sequencer import TIMES
from rtl.tile import Tile

_INFRASTRUCTURE = {"board", "build", "family", "top"}
NAMES = tuple(sorted({module.name for module in iter_modules(boards.__path__)} - _INFRASTRUCTURE))


class BuildError(RuntimeError):
    """A bitstream cannot be made, or is too slow; the message says why in one sentence."""


@dataclass(frozen=True)
class Built:
    """What a build came to: cells by kind, used and there, and the clock in MHz that the placed design allows."""

    board: Board
    config: TileConfig
    tile: Tile
    folder: Path
    used: dict[str, int]
    available: dict[str, int]
    fmax_mhz: float

    @property
    def mac_per_s(self) -> float:
        """Products of a forward pass of dense codes, at the board's clock and with the bound of its cycles."""
        config = self.config
        return self._rate(Opcode.FORWARD, config.rows * config.chunks)

    @property
    def updates_per_s(self) -> float:
        """Cross-points of an update of BL 31 with one coincidence each, likewise."""
        config = self.config
        return self._rate(Opcode.UPDATE, config.rows * config.chunks, bl=31)

    def _rate(self, opcode: Opcode, visits: int, **options) -> float:
        times = {name: register.reset for name, register in register_map(self.config).items() if name in TIMES}
        cycles = self.tile.cycle_bound(opcode, visits, times, **options)
        return self.config.rows * self.config.cols / cycles * self.board.clock_mhz * 1e6

    def summary(self) -> dict:
        """As it is left in summary.json."""
        return {"board": self.board.name, "clock_mhz": self.board.clock_mhz, "fmax_mhz": round(self.fmax_mhz, 2),
                "used": self.used, "available": self.available, "config": repr(self.config),
                "mac_per_s": self.mac_per_s, "updates_per_s": self.updates_per_s}


def named(name: str) -> Board:
    """The board of that name; ValueError says which there are."""
    if name not in NAMES:
        raise ValueError(f"Board must be one of {', '.join(NAMES)}, not {name!r}")
    return import_module(f"boards.{name}").BOARD


def build(board: Board, config: TileConfig, folder: Path, begun: Callable[[str], None] = lambda step: None) -> Built:
    """Build into `folder`; `begun` is told of each step. BuildError says what does not fit or what is missing.

    The bitstream, the tools' reports and logs stay in the folder, and `summary.json` where timing is met.
    """
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    folder.mkdir(parents=True, exist_ok=True)
    begun("elaboration")
    platform, top = _platform(board), BoardTop(board, config)
    platform.prepare(top, TOP).extract(str(folder))
    for step in board.family.steps:
        begun(step.name)
        command = step.command(platform, board.clock_mhz)
        if not shutil.which(command[0], path=environment["PATH"]):
            raise BuildError(f"{command[0]} must be installed to build for {board.family.name}, but was not found: "
                             "pip install crosstwin[fpga]")
        log = folder / f"{step.name.replace(' ', '_')}.log"
        done = subprocess.run(command, cwd=folder, env=environment, check=False, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        log.write_text(done.stdout)
        if done.returncode:
            raise BuildError(_failure(board, step.name, done.stdout, log))
    used, available, fmax = _report(board, folder)
    built = Built(board, config, top.tile.tile, folder, used, available, fmax)
    if fmax < board.clock_mhz:
        raise BuildError(f"The clock of {board.name} must be {board.clock_mhz:g} MHz, but the placed design allows "
                         f"{fmax:.1f} MHz: from {_critical(folder)}")
    (folder / "summary.json").write_text(json.dumps(built.summary(), indent=2) + "\n")
    return built


def _platform(board: Board):
    """The board's platform, with tools that need not be there as this module runs its own."""
    tools = ("YOSYS", "NEXTPNR_ECP5", "ECPPACK", "OPENFPGALOADER")
    os.environ.update({tool: os.environ.get(tool, "true") for tool in tools})
    return board.platform()


def _report(board: Board, folder: Path) -> tuple[dict[str, int], dict[str, int], float]:
    """Used and available cells, and Fmax, from nextpnr's report."""
    report = json.loads((folder / REPORT).read_text())
    used, available = ({name: int(report["utilization"][cell][key]) for name, cell in board.family.resources.items()}
                       for key in ("used", "available"))
    return used, available, min(clock["achieved"] for clock in report["fmax"].values())


def _critical(folder: Path) -> str:
    """The critical path's two ends, by component."""
    paths = json.loads((folder / REPORT).read_text())["critical_paths"]
    longest = max(paths, key=lambda path: sum(part["delay"] for part in path["path"]))["path"]
    return f"{longest[0]['from']['cell']} to {longest[-1]['to']['cell']}"


def _failure(board: Board, step: str, output: str, log: Path) -> str:
    """One sentence on why a step failed."""
    errors = [line for line in output.splitlines() if "ERROR" in line]
    return f"{step.capitalize()} for {board.name} must succeed, but: {errors[0] if errors else 'see'} (log in {log})"
