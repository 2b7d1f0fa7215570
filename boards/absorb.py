# SPDX-License-Identifier: Apache-2.0
"""Moves registers and gates into the blocks and adders of ECP5 beside which they stand, between yosys and nextpnr.

yosys infers these blocks without their own registers, which halves the clock: a multiplier takes 4 ns from its operands
and a block RAM 5.6 ns to its output. `rtl/dsp.py` and registered memories have the registers where the blocks have
theirs; here they go in: registers of both operands, of the product and of the output, and of a memory's output. Values
and cycles stay the same, as all of them begin at zero and are always enabled.

The gates are those of `(x if keeps else 0) + y` and of `(x ^ z) + y`: yosys spends a LUT a bit before the adder, whose
cells have two inputs of four to spare.

    python -m boards.absorb top.json

rewrites yosys' netlist in place, which must be flat.
"""
import json
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

_OPERANDS = {side: [f"{side}{n}" for n in range(18)] for side in "AB"}
_RESULT = [f"P{n}" for n in range(36)]
_SUM = 0x96AA
"""A bit of an adder, as yosys makes it: LUT4 of A ^ B ^ C, with D at one; its lowest bits are the carry's choice."""
_GATED_SUM = {"A": 0x6C0C, "B": 0x6A0A}
"""The same, with that operand gated by C: A ^ B where C is one, else the other operand, which is the carry's choice."""
_CHANGED_SUM = {"A": 0x96AC, "B": _SUM}
"""The same, with that operand changed by C, A ^ B ^ C; the other operand is the carry's choice."""


class Netlist:
    """One flat module of yosys' JSON, with who drives and who reads each bit."""

    def __init__(self, module: dict):
        self.cells = module["cells"]
        self.driver: dict = {}
        self.readers: dict = defaultdict(set)
        for port, described in module["ports"].items():
            for bit in described["bits"]:
                self.readers[bit].add((None, port))
        for name, cell in self.cells.items():
            for port, bits in cell["connections"].items():
                for bit in bits:
                    if cell["port_directions"][port] == "output":
                        self.driver[bit] = name
                    else:
                        self.readers[bit].add((name, port))

    def absorb(self) -> int:
        """Move what can be moved; how many registers went."""
        before = len(self.cells)
        for name, cell in list(self.cells.items()):
            if cell["type"] == "MULT18X18D":
                if all(self._are_registers(cell, ports) for ports in _OPERANDS.values()):  # nextpnr knows no other way
                    for side, ports in _OPERANDS.items():
                        self._absorb_operand(name, ports, f"REG_INPUT{side}")
                for register in ("OUTPUT", "PIPELINE"):
                    if self._absorb_output(cell, _RESULT):
                        self._enable(cell, f"REG_{register}")
            elif cell["type"] == "DP16KD":
                for side in "AB":
                    ports = [port for port in cell["connections"] if port.startswith(f"DO{side}")]
                    if self._absorb_output(cell, ports):
                        cell["parameters"][f"REGMODE_{side}"] = "OUTREG"
            elif cell["type"] == "CCU2C":
                for half in "01":
                    self._absorb_gate(name, half)
        return before - len(self.cells)

    def _register(self, name) -> dict | None:
        """A cell if it is a register that begins at zero, is always enabled and never cleared."""
        cell = self.cells.get(name)
        if cell is None or cell["type"] != "TRELLIS_FF":
            return None
        parameters, connections = cell["parameters"], cell["connections"]
        plain = (parameters["CEMUX"].strip() == "1" and parameters["REGSET"] == "RESET" and
                 parameters["CLKMUX"] == "CLK" and connections.get("LSR", ["0"]) == ["0"] and "DI" in connections)
        return cell if plain else None

    def _are_registers(self, cell: dict, ports: list[str]) -> bool:
        """Whether all that comes to some ports, but for zeros, comes from registers, and anything does."""
        bits = {cell["connections"][port][0] for port in ports} - {"0"}
        return bool(bits) and all(self._register(self.driver.get(bit)) is not None for bit in bits)

    def _absorb_operand(self, name: str, ports: list[str], register: str):
        """Registers before ports; one that others read as well stays for them."""
        cell = self.cells[name]
        bits = {port: cell["connections"][port][0] for port in ports}
        for port, bit in bits.items():
            taken = self._register(self.driver.get(bit))
            if taken is None:
                continue
            old, new = bits[port], taken["connections"]["DI"][0]
            cell["connections"][port] = [new]
            self.readers[old].discard((name, port))
            self.readers[new].add((name, port))
            cell["connections"]["CLK0"] = taken["connections"]["CLK"]
        for old in set(bits.values()) - {"0"}:
            if not self.readers[old]:
                self._remove(self.driver[old])
        self._enable(cell, register)

    def _absorb_output(self, cell: dict, ports: list[str]) -> bool:
        """Registers behind ports, if nothing else reads those."""
        taken = {}
        for port in ports:
            readers = self.readers[cell["connections"][port][0]]
            if len(readers) > 1:
                return False
            for name, at in readers:
                if self._register(name) is None or at != "DI":
                    return False
                taken[port] = name
        for port, name in taken.items():
            register = self._remove(name)
            cell["connections"][port] = register["connections"]["Q"]
            if cell["type"] == "MULT18X18D":
                cell["connections"]["CLK0"] = register["connections"]["CLK"]
        return bool(taken)

    def _absorb_gate(self, name: str, half: str):
        """A gate before an operand of a sum's bit: an AND that nothing else reads; an XOR, which may stay."""
        cell = self.cells[name]
        bits, parameters = cell["connections"], cell["parameters"]
        if int(parameters[f"INIT{half}"], 2) != _SUM or bits[f"C{half}"] != ["0"] or bits[f"D{half}"] != ["1"]:
            return
        for operand in "AB":
            port = f"{operand}{half}"
            gate, gated = self.driver.get(bits[port][0]), bits[port][0]
            table, inputs = _table_of(self.cells.get(gate))
            is_alone = self.readers[gated] == {(name, port)}
            if table == _XOR or (table == _AND and is_alone):
                break
        else:
            return
        # either way would do; what gates many bits stays what they have in common
        kept, keeps = sorted(inputs, key=lambda bit: len(self.readers[bit]))
        self.readers[gated].discard((name, port))
        if is_alone:
            for at, [bit] in self.cells.pop(gate)["connections"].items():
                self.readers[bit].discard((gate, at))
            del self.driver[gated], self.readers[gated]
        for at, bit in ((port, kept), (f"C{half}", keeps)):
            bits[at] = [bit]
            self.readers[bit].add((name, at))
        parameters[f"INIT{half}"] = f"{(_GATED_SUM if table == _AND else _CHANGED_SUM)[operand]:016b}"

    def _remove(self, name: str) -> dict:
        cell = self.cells.pop(name)
        self.readers[cell["connections"]["DI"][0]].discard((name, "DI"))
        return cell

    def _enable(self, cell: dict, register: str):
        cell["parameters"] |= {f"{register}_CLK": "CLK0", f"{register}_CE": "CE0", f"{register}_RST": "RST0"}
        cell["connections"] |= {"CE0": ["1"], "RST0": ["0"]}
        cell["port_directions"] |= {"CLK0": "input", "CE0": "input", "RST0": "input"}


_AND, _XOR = [0, 0, 0, 1], [0, 1, 1, 0]


def _table_of(cell: dict | None) -> tuple[list, list]:
    """The table of a LUT of two bits, and these; none of any other cell."""
    if cell is None or cell["type"] != "LUT4":
        return [], []
    bits, init = [cell["connections"][port][0] for port in "ABCD"], int(cell["parameters"]["INIT"], 2)
    inputs = [place for place, bit in enumerate(bits) if not isinstance(bit, str)]
    ones = sum(1 << place for place, bit in enumerate(bits) if bit == "1")
    if len(inputs) != 2:
        return [], []
    first, second = (1 << place for place in inputs)
    table = [init >> (ones | row) & 1 for row in (0, first, second, first | second)]
    return table, [bits[place] for place in inputs]


def rewrite(path: Path, change: Callable[[dict], int], top: str = "top") -> int:
    """Change the top of a netlist in place; what `change` says of it."""
    netlist = json.loads(path.read_text())
    told = change(netlist["modules"][top])
    path.write_text(json.dumps(netlist))
    return told


def absorb(path: Path) -> int:
    """Rewrite a netlist in place; how many registers and gates went into blocks and adders."""
    return rewrite(path, lambda module: Netlist(module).absorb())


if __name__ == "__main__":
    print(f"{absorb(Path(sys.argv[1]))} registers and gates are in multipliers, block RAMs and adders")
