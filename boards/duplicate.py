# SPDX-License-Identifier: Apache-2.0
"""Copies of registers that many cells read, between yosys and nextpnr of ECP5.

What goes to all lanes goes all over the chip, and a register can stand at one place only. yosys makes one register of
all that are the same, and nextpnr copies none; here every `GROUP` readers get one of their own, which may stand beside
them. Readers are grouped by lane, as `boards.floorplan` places them, and in the order of their names; those of no lane
are apart, and each of Threefry's pipelines, which are large, has its own. Copies read what the register read, so a
chain of registers grows into a tree. Values and cycles stay the same.

    python -m boards.duplicate top.json

rewrites yosys' netlist in place, which must be flat.
"""
import re
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from boards.absorb import Netlist, rewrite
from boards.floorplan import lane_of

GROUP = 16
"""Readers of one copy."""
_PIPELINE = re.compile(r".*\bcall_\d+\.")


def duplicate(path: Path) -> int:
    """Rewrite a netlist in place; how many copies were made."""
    return rewrite(path, _duplicate)


def _duplicate(module: dict) -> int:
    """Copy registers of a flat module in place; how many copies there are."""
    netlist = Netlist(module)
    free = count(1 + max(bit for net in module["netnames"].values() for bit in net["bits"] if isinstance(bit, int)))
    waiting = [name for name, cell in netlist.cells.items() if cell["type"] == "TRELLIS_FF"]
    n_copies = 0
    while waiting:
        name = waiting.pop()
        [bit] = netlist.cells[name]["connections"]["Q"]
        # the copies of a synchronizer could disagree
        if "synchronizer" in name:
            continue
        groups = _groups(netlist, netlist.readers[bit])
        for readers in groups:
            copied = _copy(netlist, module["netnames"], name, free, readers)
        if groups:  # what a copy reads has more readers now
            n_copies += len(groups)
            waiting += [each for each in map(netlist.driver.get, copied)
                        if each and netlist.cells[each]["type"] == "TRELLIS_FF"]
    return n_copies


def _groups(netlist: Netlist, readers: set) -> list[list]:
    """Readers for each copy but the first, which the register itself is; what is of no lane shares none with lanes, nor
    a pipeline with anything.
    """
    parts: dict[str, dict[tuple, list]] = {}
    in_pipelines = {reader: found[0] for reader in readers if (found := _PIPELINE.match(reader[0] or ""))}
    if len(readers) <= GROUP and len({*in_pipelines.values()}) < 2:
        return []
    for reader in sorted(readers, key=_in_order):
        is_apart = reader[0] is None or lane_of(reader[0]) is None
        part = in_pipelines.get(reader, "apart" if is_apart else "lanes")
        parts.setdefault(part, {}).setdefault(_sum_of(netlist, reader) or reader, []).append(reader)
    groups = []
    for units in parts.values():
        some = list(units.values())
        n = sum(map(len, some))
        most, room = -(-n // max(-(-n // GROUP), 1)), 0  # of a size, so that one reader more is no copy more
        for unit in some:
            if room < len(unit):
                groups.append([])
                room = most
            groups[-1] += unit
            room -= len(unit)
    return groups[1:]


def _sum_of(netlist: Netlist, reader: tuple) -> str | None:
    """The lowest cell of the adder whose sum a register takes, if that is what is enabled or cleared: nextpnr leaves
    registers out of an adder's cells that have not all the same one.
    """
    name, port = reader
    if port not in ("CE", "LSR") or netlist.cells[name]["type"] != "TRELLIS_FF":
        return None
    lowest, at = None, netlist.driver.get(netlist.cells[name]["connections"]["DI"][0])
    while at and netlist.cells[at]["type"] == "CCU2C":
        lowest, at = at, netlist.driver.get(netlist.cells[at]["connections"]["CIN"][0])
    return lowest


def _copy(netlist: Netlist, names: dict, name: str, free: Iterator[int], readers: list) -> list:
    """A copy of a register for some of its readers, and of a LUT that is for this register alone, so that both are one
    cell; the bits that are read by that.
    """
    [old], bit = netlist.cells[name]["connections"]["Q"], next(free)
    source = netlist.driver.get(netlist.cells[name]["connections"]["DI"][0])
    changed = {"Q": [bit]}
    read = []
    if source and netlist.cells[source]["type"] == "LUT4" and _reads_alone(netlist, name, source):
        found = next(free)
        read += _add(netlist, names, source, found, {"Z": [found]})
        changed["DI"] = [found]
    read += _add(netlist, names, name, bit, changed)
    for reader, port in readers:
        connections = netlist.cells[reader]["connections"]
        connections[port] = [bit if each == old else each for each in connections[port]]
        netlist.readers[old].discard((reader, port))
        netlist.readers[bit].add((reader, port))
    return read


def _reads_alone(netlist: Netlist, name: str, source: str) -> bool:
    """Whether a register is the only reader of a LUT, which does not read it in turn."""
    connections, own = netlist.cells[source]["connections"], netlist.cells[name]["connections"]["Q"]
    return netlist.readers[connections["Z"][0]] == {(name, "DI")} and own not in connections.values()


def _add(netlist: Netlist, names: dict, name: str, bit: int, changed: dict) -> list:
    """A copy of a cell that drives `bit`, with some ports changed; the bits that it reads."""
    cell, copy = netlist.cells[name], f"{name}_copy_{bit}"
    netlist.cells[copy] = {**cell, "connections": {**cell["connections"], **changed}}
    names[f"{copy}_out"] = {"hide_name": 0, "bits": [bit], "attributes": {}}
    netlist.driver[bit] = copy
    read = {port: bits[0] for port, bits in netlist.cells[copy]["connections"].items() if bits != [bit]}
    for port, each in read.items():
        netlist.readers[each].add((copy, port))
    return list(read.values())


def _in_order(reader: tuple) -> list:
    """Sorts a port of the module first, whose bit cannot change; then by lanes, whose parts stand together whatever
    they are of; then by the numbers in names.
    """
    name, port = reader
    if name is None:
        return []
    _, lane = lane_of(name) or ("", -1)
    return [(lane, "")] + [(int(part), "") if part.isdigit() else (-1, part)
                           for part in re.split(r"(\d+)", f"{name}/{port}")]


if __name__ == "__main__":
    print(f"{duplicate(Path(sys.argv[1]))} registers are copies for every {GROUP} readers")
