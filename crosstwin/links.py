# SPDX-License-Identifier: Apache-2.0
"""The ways to a tile: golden's controller in this process, or the verilated RTL."""
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from golden.config import TileConfig
from golden.controller import Controller
from golden.tile import Tile


class ControllerLink:
    """Packets answered by `golden.controller.Controller`: the protocol without any hardware."""

    def __init__(self, config: TileConfig):
        self.controller = Controller(Tile(config))

    def exchange(self, words: np.ndarray, n_packets: int) -> np.ndarray:
        return self.controller.exchange(words)

    def wait(self, cycles: int) -> None:
        """Nothing takes time here."""

    def close(self) -> None:
        pass


class VerilatedLink:
    """Packets answered by the RTL under Verilator, in this process.

    The first use of a configuration builds its model, which takes 10 to 30 s and is said on stderr; later uses
    find it in the cache. `idle` and `stall` (shares of the cycles, by `seed`) hold the streams up at random.
    """

    def __init__(self, config: TileConfig, *, opt: str = "-O1", idle: float = 0.0, stall: float = 0.0, seed: int = 0,
                 quiet: bool = False):
        from sim.model import VerilatedModel

        self.model = VerilatedModel(_verilog(config, quiet), "crosstwin_tile", opt=opt)
        self.idle, self.stall, self.seed = idle, stall, seed

    @property
    def cycles(self) -> int:
        """Clock cycles since the model was made."""
        return self.model.cycles

    def exchange(self, words: np.ndarray, n_packets: int) -> np.ndarray:
        return self.model.exchange(words, n_packets, idle=self.idle, stall=self.stall, seed=self.seed)

    def wait(self, cycles: int) -> None:
        """Let so many cycles pass with both streams at rest."""
        self.model.spin(cycles)

    def close(self) -> None:
        self.model.close()


SIMULATED_DIVISOR = 2
"""Cycles of a bit on the line of a simulated board: the fewest, as each of them is simulated."""


def simulated_board(config: TileConfig, *, opt: str = "-O1", quiet: bool = False):
    """The verilated RTL of a tile behind a serial line (`sim.serial_model.SerialModel`)."""
    from sim.serial_model import SerialModel

    return SerialModel(_verilog(config, quiet, SIMULATED_DIVISOR), "crosstwin_serial_tile", SIMULATED_DIVISOR, opt=opt)


def serial_verilog(config: TileConfig, divisor: int) -> str:
    """Verilog of a tile behind a serial line."""
    return _verilog(config, True, divisor)


def _verilog(config: TileConfig, quiet: bool, divisor: int | None = None) -> str:
    """Verilog of the tile, behind a serial line if there is a divisor. It takes seconds to make, so it is kept until
    a source or the configuration changes."""
    from sim.cache import cached, key_of

    def make(folder: Path) -> None:
        from rtl import verilog

        if not quiet:
            print(f"Building the verilated tile of {config.rows} x {config.cols}, {config.lanes} lanes, once: "
                  "10 to 30 s ...", file=sys.stderr, flush=True)
        text = verilog.serial_verilog(config, divisor) if divisor else verilog.tile_verilog(config)
        (folder / "tile.v").write_text(text, encoding="utf-8")

    sources = [path.read_text(encoding="utf-8") for package in ("golden", "rtl") for path in _sources(package)]
    folder = cached("verilog", (repr(config), divisor, metadata.version("amaranth"), key_of(*sources)), make)
    return (folder / "tile.v").read_text(encoding="utf-8")


def _sources(package: str) -> list[Path]:
    spec = find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    return sorted(path for folder in folders or [] for path in Path(folder).glob("*.py"))
