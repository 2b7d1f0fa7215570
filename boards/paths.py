# SPDX-License-Identifier: Apache-2.0
"""The long paths of a placement on ECP5, all of them, by component: what to cut before an hour of routing.

nextpnr names one critical path a clock, after routing. This reads the placement that it leaves with `--no-route
--write` and adds up what each path is expected to take: the delay of cells at speed grade 6, and of wires that which
nextpnr's placer expects of a distance (`predictDelay` of its ECP5 architecture). Routed clocks were some 20 % faster.

    python -m boards.paths placed.json --longer 6.5

prints, for each pair of components, the longest path of those that take longer, how many there are, and where it goes.
Of a routed design `report.json` says what each path's end does take (`--detailed-timing-report`), but not from where:

    python -m boards.paths report.json --longer 6.5
"""
import argparse
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

_CELL = re.compile(r"_(TRELLIS|LUT\d|PFUMX|L6MUX|CCU2C|SLICE|DPRAM).*")
_CLOCK_TO_OUTPUT = {"TRELLIS_FF": 0.52, "MULT18X18D": 0.8}
_MEMORY_OUTPUT, _MEMORY_REGISTER = 5.6, 0.6
_THROUGH = {"F": 0.24, "OFX": 0.35, "FCO": 0.45}
"""From the inputs of a cell of logic to each of its outputs."""
_CHAINS = {("M", "OFX"): 0.2, ("FXA", "OFX"): 0.2, ("FXB", "OFX"): 0.2, ("F1", "OFX"): 0.2, ("FCI", "F"): 0.44,
           ("FCI", "FCO"): 0.07}
_SETUP = {"TRELLIS_FF": 0.15, "TRELLIS_RAMW": 0.1, "DP16KD": 0.2, "MULT18X18D": 0.1}
_HARD_WIRED = {"FCI", "FXA", "FXB"}
"""Ports that a neighbor drives without a wire."""


def component(name: str) -> str:
    """A cell's or net's name without what synthesis added, and numbers alike."""
    return re.sub(r"\d+", "#", _CELL.sub("", re.sub(r"\[\d+\]", "", name)))


class Step(NamedTuple):
    """A signal on a path: when it is there, in ns behind the clock's edge, its bit, and the one from which it came."""

    time: float
    bit: int
    source: int | None


@dataclass(frozen=True)
class End:
    """A path to a port that a clock samples: its time in ns, its steps from the start on, the cell, and its port."""

    time: float
    steps: list[Step]
    cell: str
    port: str


class Placement:
    """A placed netlist of ECP5, of nextpnr's JSON.

    Parameter: `module`, its top.
    """

    def __init__(self, module: dict):
        self.cells = module["cells"]
        self.names: dict[int, str] = {bit: name for name, net in module["netnames"].items() for bit in net["bits"]}
        self.place = {name: _place(cell) for name, cell in self.cells.items()}
        self.driver = {bit: name for name, cell in self.cells.items() for port, bits in cell["connections"].items()
                       if cell["port_directions"][port] == "output" for bit in bits}
        self._starts: dict[int, float] = {}
        self._arcs: dict[int, list[tuple[int, float, str, str]]] = defaultdict(list)
        self._ends: list[tuple[int, float, str, str]] = []
        for name, cell in self.cells.items():
            self._read(name, cell)
        self._reached: dict[int, Step] = {}

    def ends(self) -> Iterator[End]:
        """Every path's end, with the longest path to it."""
        for bit, setup, cell, port in self._ends:
            time = self._arrival(bit) + setup + self._wire(bit, cell, port)
            steps = [self._reached[bit]]
            while (source := steps[-1].source) is not None:
                steps.append(self._reached[source])
            yield End(time, steps[::-1], cell, port)

    def name(self, step: Step) -> str:
        """The net's."""
        return self.names.get(step.bit, "?")

    def _read(self, name: str, cell: dict) -> None:
        """Where paths begin, go on and end in a cell."""
        kind = cell["type"]
        inputs, outputs = ([(port, bit) for port, bits in cell["connections"].items() for bit in bits
                            if isinstance(bit, int) and cell["port_directions"][port] == way]
                           for way in ("input", "output"))
        if kind == "TRELLIS_COMB":
            for port, bit in inputs:
                for output, target in outputs:
                    delay = _CHAINS.get((port, output), _THROUGH.get(output) if port in "ABCD" else None)
                    if delay is not None:
                        self._arcs[target].append((bit, delay, name, port))
            self._ends += [(bit, 0.1, name, port) for port, bit in inputs if port in ("WRE", "WD")]
        elif kind in _SETUP:
            for port, bit in outputs:
                self._starts[bit] = _CLOCK_TO_OUTPUT.get(kind, _MEMORY_REGISTER if "OUTREG" in cell["parameters"].get(
                    f"REGMODE_{port[2:3]}", "") else _MEMORY_OUTPUT)
            self._ends += [(bit, 0.0 if port == "DI" and kind == "TRELLIS_FF" else _SETUP[kind], name, port)
                           for port, bit in inputs if "CLK" not in port and "WCK" not in port]

    def _wire(self, bit: int, cell: str, port: str) -> float:
        """What a wire takes to a port."""
        source = self.driver.get(bit)
        if source is None or port in _HARD_WIRED or "PACKER_" in source:
            return 0.0
        x, y = (abs(a - b) for a, b in zip(self.place[source], self.place[cell], strict=True))
        if port == "DI" and x == y == 0:
            return 0.05
        return 0.085 * (6 + max(x - 5, 0) + max(y - 5, 0) + 2 * (min(x, 5) + min(y, 5)))

    def _arrival(self, bit: int) -> float:
        """When a signal is there, in ns behind the clock's edge; of what does not come from a register, 0."""
        waiting = [bit]
        while waiting:
            at = waiting[-1]
            if at in self._reached:
                waiting.pop()
                continue
            arcs = [] if at in self._starts else self._arcs[at]
            missing = [source for source, *_ in arcs if source not in self._reached]
            if missing:
                waiting += missing
                continue
            steps = [Step(self._reached[source].time + delay + self._wire(source, cell, port), at, source)
                     for source, delay, cell, port in arcs]
            self._reached[at] = max(steps, default=Step(self._starts.get(at, 0.0), at, None))
            waiting.pop()
        return self._reached[bit].time


def _place(cell: dict) -> tuple[int, int]:
    """Column and row of a cell; of one that has no place, the corner."""
    found = re.match(r"X(\d+)/Y(\d+)/", cell["attributes"].get("NEXTPNR_BEL", ""))
    return (int(found[1]), int(found[2])) if found else (0, 0)


def longest(placement: Placement, longer: float) -> list[tuple[int, End]]:
    """Of each pair of components the number of paths that take longer, and the longest; these in order."""
    groups: dict[tuple, list[End]] = defaultdict(list)
    for end in placement.ends():
        if end.time > longer:
            start = component(placement.name(end.steps[0]))
            groups[start, component(end.cell), end.port.rstrip("0123456789")].append(end)
    return sorted(((len(ends), max(ends, key=lambda end: end.time)) for ends in groups.values()),
                  key=lambda group: -group[1].time)


def longest_routed(report: dict, longer: float) -> list[tuple[int, float, str, str]]:
    """Of a report's ends that take longer, by component and port: how many, the longest in ns, its cell and port."""
    groups: dict[tuple, list[tuple[float, str, str]]] = defaultdict(list)
    for net in report["detailed_net_timings"]:
        for end in net["endpoints"]:
            if (time := max(end["delay"])) > longer:
                port = end["port"].rstrip("0123456789")
                groups[component(end["cell"]), port].append((time, end["cell"], port))
    return sorted(((len(ends), *max(ends)) for ends in groups.values()), key=lambda group: -group[1])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m boards.paths", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("placement", type=Path, help="nextpnr-ecp5's file of --no-route --write, or its report")
    parser.add_argument("--longer", type=float, default=8.0, help="ns from which a path is told (default: 8)")
    parser.add_argument("--most", type=int, default=40, help="pairs of components at most (default: 40)")
    options = parser.parse_args(arguments)
    try:
        read = json.loads(options.placement.read_text())
        if "detailed_net_timings" in read:
            _tell_routed(longest_routed(read, options.longer), options)
            return 0
        [module] = read["modules"].values()
        placement = Placement(module)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        print("Placement must be a file that nextpnr-ecp5 wrote with --write, or with --report and "
              f"--detailed-timing-report, but {options.placement} is not: {error}", file=sys.stderr)
        return 2
    found = longest(placement, options.longer)
    print(f"{sum(n for n, _ in found)} paths take more than {options.longer:g} ns, "
          f"of {len(found)} pairs of components")
    for n, end in found[:options.most]:
        start = component(placement.name(end.steps[0]))
        print(f"{end.time:6.2f} ns {n:6}  {start} to {component(end.cell)}.{end.port}")
        for step in end.steps:
            print(f"         {step.time:6.2f}  {placement.place.get(placement.driver.get(step.bit, ''), '-')} "
                  f"{placement.name(step)}")
    return 0


def _tell_routed(found: list[tuple[int, float, str, str]], options: argparse.Namespace) -> None:
    print(f"{sum(n for n, *_ in found)} paths take more than {options.longer:g} ns, to {len(found)} components")
    for n, time, cell, port in found[:options.most]:
        print(f"{time:6.2f} ns {n:6}  to {component(cell)}.{port}: {cell}")


if __name__ == "__main__":
    sys.exit(main())
