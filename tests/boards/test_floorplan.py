# SPDX-License-Identifier: Apache-2.0
"""Places of the blocks of lanes on ECP5."""
import json
import re
from collections import defaultdict
from itertools import pairwise

import pytest

from boards.floorplan import CHIPS, MEMORY, MULTIPLIER, floorplan

DEVICE = "LFE5U-85F"


def block(kind: str) -> dict:
    return {"type": kind, "attributes": {}, "connections": {}, "port_directions": {}}


def places(folder, blocks: dict[str, str], device: str = DEVICE) -> dict[str, tuple[int, int, str]]:
    """Column, row and what it is of all blocks that got a place, by name; `blocks` are kinds by name."""
    path, cells = folder / "top.json", {name: block(kind) for name, kind in blocks.items()}
    path.write_text(json.dumps({"modules": {"top": {"cells": cells}}}))
    n_placed = floorplan(path, device)
    bels = {name: cell["attributes"]["BEL"] for name, cell in
            json.loads(path.read_text())["modules"]["top"]["cells"].items() if "BEL" in cell["attributes"]}
    assert n_placed == len(bels)
    assert len(set(bels.values())) == n_placed, "no place is taken twice"
    found = {name: re.fullmatch(r"X(\d+)/Y(\d+)/(\w+)", bel) for name, bel in bels.items()}
    return {name: (int(match[1]), int(match[2]), match[3]) for name, match in found.items()}


def tile(lanes: int, per_lane: int = 1) -> dict[str, str]:
    return {f"weights.lane_{lane}.{n}.0": MEMORY for lane in range(lanes) for n in range(per_lane)} | {
        f"product_{lane}.p": MULTIPLIER for lane in range(lanes)}


@pytest.mark.parametrize(("lanes", "per_lane"), [(2, 1), (8, 1), (64, 1), (32, 6)])
def test_blocks_of_a_lane_stand_together(tmp_path, lanes, per_lane):
    """And neighbours next to each other."""
    by_lane = defaultdict(list)
    for name, (column, row, _) in places(tmp_path, tile(lanes, per_lane)).items():
        by_lane[int(re.search(r"_(\d+)", name)[1])].append((column, row))
    middle = []
    for lane in range(lanes):
        columns, rows = zip(*by_lane[lane], strict=True)
        assert len(columns) == per_lane + 1
        assert max(columns) - min(columns) <= 9
        assert per_lane > 1 or max(rows) - min(rows) <= 12
        middle.append(sum(columns) / len(columns))
    assert all(abs(one - other) <= 9 for one, other in pairwise(middle))


def test_each_place_is_one_of_its_kind(tmp_path):
    rows = {"lane": ("EBR", {22, 46, 70, 82}), "product": ("MULT18_", {10, 34, 58})}
    for name, (_, row, site) in places(tmp_path, tile(32, 6)).items():
        kind, of_kind = rows["lane" if "lane" in name else "product"]
        assert site.startswith(kind)
        assert row in of_kind


def test_blocks_beyond_the_chips_are_left(tmp_path):
    """For nextpnr, which says how many there are and are not."""
    found = places(tmp_path, tile(160))
    assert sum("product" in name for name in found) == 3 * 52
    assert sum("lane" in name for name in found) == 160


def test_fewer_lanes_and_none_stand_aside(tmp_path):
    """What only some lanes have, or none, is not among those of all."""
    found = places(tmp_path, tile(64) | {f"sampler.low_{n}.p": MULTIPLIER for n in range(8)} |
                   {"buffer.0.0": MEMORY, "link.memory.0.1": MEMORY})
    rows = {part: {row for name, (_, row, _) in found.items() if part in name}
            for part in ("low", "product", "buffer", "memory")}
    assert rows == {"low": {10}, "product": {34, 58}, "buffer": {82}, "memory": {82}}


def test_what_is_beside_the_lanes_gets_the_middle(tmp_path):
    """In the component of the parts that have lanes; all else stands aside."""
    lanes = {f"tile.array.core.{name.replace('product', 'multiplier.product')}": kind
             for name, kind in tile(64).items()}
    found = places(tmp_path, lanes | {"tile.array.codes.lines.0.0": MEMORY, "tile.controller.buffer.0.0": MEMORY})
    assert found["tile.array.codes.lines.0.0"][1] == 46
    assert found["tile.controller.buffer.0.0"][1] == 82


def test_a_chip_that_is_not_known_is_left(tmp_path):
    """To nextpnr alone."""
    assert "LFE5U-25F" not in CHIPS
    assert places(tmp_path, tile(8), "LFE5U-25F") == {}
