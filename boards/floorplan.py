# SPDX-License-Identifier: Apache-2.0
"""Places of multipliers and block RAMs, between yosys and nextpnr of ECP5.

They stand in a few rows that span the chip, and nextpnr's placer, for which they are cells as any other until it looks
for a free one of these places, leaves a lane's memory and its multiplier half a chip apart. Here lanes get their places
in order, each one's blocks together: neighbours are neighbours, and what goes to a group of lanes goes to one part of
the chip. What only some lanes have, and what belongs to none, stands on either side of them, as there is no room
between; but for what is beside the lanes in their own component, which gets the middle. All other cells are nextpnr's,
around these.

    python -m boards.floorplan top.json LFE5U-85F

rewrites yosys' netlist in place, which must be flat. Of chips that are not in `CHIPS` nothing is placed.
"""
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment

from boards.absorb import rewrite

MULTIPLIER, MEMORY = "MULT18X18D", "DP16KD"
_LOGIC = {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 4}
_DENSITY = 0.5
"""Of the logic between lanes, how much is taken."""


@dataclass(frozen=True, kw_only=True)
class Chip:
    """Where the blocks are. Four of each kind stand in a group of nine columns, whose first ones are `groups`; `rows`
    of a kind; `size` in columns and rows of eight LUTs. Around `one` row or `two` all lanes are placed, around `some`
    what has fewer of them, and around `none` what has no lanes.
    """

    size: tuple[int, int]
    groups: tuple[int, ...]
    rows: dict[str, tuple[int, ...]]
    one: int
    two: tuple[int, int]
    some: int
    none: int

    within = {MULTIPLIER: ((0, "MULT18_0"), (1, "MULT18_1"), (4, "MULT18_4"), (5, "MULT18_5")),
              MEMORY: ((0, "EBR0"), (2, "EBR1"), (4, "EBR2"), (6, "EBR3"))}

    def sites(self, kind: str) -> list[tuple[int, int, str]]:
        """Column, row and nextpnr's name of each place of a kind."""
        return [(group + column, row, f"X{group + column}/Y{row}/{name}")
                for row in self.rows[kind] for group in self.groups for column, name in self.within[kind]]


_ECP5_85 = Chip(size=(126, 95), groups=(*range(4, 59, 9), *range(69, 115, 9)),
                rows={MULTIPLIER: (10, 34, 58), MEMORY: (22, 46, 70, 82)}, one=46, two=(40, 64), some=16, none=82)
CHIPS = {f"LFE5{kind}-85F": _ECP5_85 for kind in ("U", "UM", "UM5G")}
"""By device, as nextpnr places blocks there (prjtrellis)."""


def floorplan(path: Path, device: str) -> int:
    """Rewrite a netlist in place; how many blocks got a place."""
    return rewrite(path, lambda module: _place(module["cells"], CHIPS[device])) if device in CHIPS else 0


def _place(cells: dict, chip: Chip) -> int:
    """Name a place for each block, for as many as there are; how many got one."""
    wanted, n_placed = defaultdict(list), 0
    for name, position in _positions(cells, chip).items():
        wanted[cells[name]["type"]].append((name, position))
    for kind, each in wanted.items():
        sites = chip.sites(kind)
        positions, places = (np.array(all_of) for all_of in ([at for _, at in each], [site[:2] for site in sites]))
        distance = ((positions[:, None] - places) ** 2).sum(axis=2)
        for block, site in zip(*linear_sum_assignment(distance), strict=True):
            cells[each[block][0]]["attributes"]["BEL"] = sites[site][2]
            n_placed += 1
    return n_placed


def _positions(cells: dict, chip: Chip) -> dict[str, tuple[float, float]]:
    """Where blocks should be, were each of these places free."""
    kinds = {name: cell["type"] for name, cell in sorted(cells.items()) if cell["type"] in chip.rows}
    arrays = _arrays(kinds)
    own = _component(array for array, _ in arrays)
    found = {name: (chip.size[0] / 2, chip.one if name.startswith(own) else chip.none) for name in kinds}
    most = max(map(len, arrays.values()), default=0)
    blocks = Counter(kinds[name] for lanes in arrays.values() if len(lanes) == most
                     for names in lanes.values() for name in names)
    # a strip of the chip for each lane: from end to end, or there and back where a row of each kind has enough for that
    is_folded = max(blocks.values(), default=0) <= most > 1
    per_row = -(-most // 2) if is_folded else most
    width = _width(cells, blocks, chip, is_folded)
    for lanes in arrays.values():
        n = min(per_row, len(lanes))
        for lane, names in lanes.items():
            back, place = divmod(lane, per_row)
            place = per_row - 1 - place if back else place
            row = chip.some if len(lanes) < most else chip.two[back] if is_folded else chip.one
            found |= dict.fromkeys(names, (chip.size[0] / 2 + (place + 0.5 - n / 2) * width / per_row, row))
    return found


def lane_of(name: str) -> tuple[str, int] | None:
    """Of a cell in a lane, the array that has it and its number, which is the first one that ends a part of a name."""
    found = re.search(r"_(\d+)\.", name)
    return (name[:found.start()], int(found[1])) if found else None


def _arrays(kinds: dict[str, str]) -> dict[tuple, dict[int, list[str]]]:
    """Blocks of lanes by array and lane; `kinds` of all blocks by name."""
    arrays = defaultdict(lambda: defaultdict(list))
    for name, kind in kinds.items():
        if found := lane_of(name):
            array, lane = found
            arrays[array, kind][lane].append(name)
    return arrays


def _component(arrays: Iterable[str]) -> str:
    """The component that has those with lanes in its parts, as the beginning of its cells' names."""
    parts = zip(*(array.split(".")[:-3] for array in arrays), strict=False)
    return ".".join(names[0] for names in takewhile(lambda names: len(set(names)) == 1, parts)) + "."


def _width(cells: dict, blocks: Counter, chip: Chip, is_folded: bool) -> float:
    """Columns for all lanes: as many as their blocks take, and the logic of the whole design."""
    columns, per_row = chip.groups[-1] + 9 - chip.groups[0], 4 * len(chip.groups)
    taken = max((number / (2 if is_folded else len(chip.rows[kind])) / per_row for kind, number in blocks.items()),
                default=0)
    logic = sum(_LOGIC.get(cell["type"], 0) for cell in cells.values()) / (8 * chip.size[1] * _DENSITY)
    return min(columns, max(taken * columns, logic))


if __name__ == "__main__":
    print(f"{floorplan(Path(sys.argv[1]), sys.argv[2])} blocks have their places")
