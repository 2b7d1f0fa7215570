# SPDX-License-Identifier: Apache-2.0
"""Long paths of placements that are made by hand: two registers, what is between them, and where they stand."""
import json

import pytest

from boards.paths import Placement, longest, main

OUTPUTS = {"Q", "F", "FCO", "P0", "DOA0"}


def cell(kind: str, place: tuple[int, int], parameters: dict | None = None, **bits: int) -> dict:
    x, y = place
    return {"type": kind, "attributes": {"NEXTPNR_BEL": f"X{x}/Y{y}/SLICEA"}, "parameters": parameters or {},
            "connections": {port: [bit] for port, bit in bits.items()},
            "port_directions": {port: "output" if port in OUTPUTS else "input" for port in bits}}


def module(**cells: dict) -> dict:
    bits = {bit for each in cells.values() for bits in each["connections"].values() for bit in bits}
    return {"cells": cells, "netnames": {f"tile.word[{bit}]_LUT4_Z": {"bits": [bit]} for bit in bits}}


def times(**cells: dict) -> dict:
    """Times by cell and port."""
    return {(end.cell, end.port): end.time for end in Placement(module(**cells)).ends()}


def wire(x: int, y: int) -> float:
    """nextpnr's expectation: of the first five columns and rows twice as much as of each other."""
    return 0.085 * (6 + sum(2 if n < 5 else 1 for n in (*range(x), *range(y))))


def test_from_a_register_through_logic_to_a_register_far_away():
    found = times(early=cell("TRELLIS_FF", (3, 4), CLK=9, Q=1), logic=cell("TRELLIS_COMB", (13, 6), A=1, F=2),
                  late=cell("TRELLIS_FF", (13, 26), CLK=9, M=2, Q=3))
    assert found == {("late", "M"): pytest.approx(0.52 + wire(10, 2) + 0.24 + wire(0, 20) + 0.15)}


def test_the_longest_of_all_ways_counts_and_carries_cost_no_wire():
    found = times(early=cell("TRELLIS_FF", (0, 0), Q=1), other=cell("TRELLIS_FF", (9, 0), Q=2),
                  low=cell("TRELLIS_COMB", (0, 0), A=1, B=2, FCO=3), high=cell("TRELLIS_COMB", (0, 1), FCI=3, F=4),
                  late=cell("TRELLIS_FF", (0, 1), DI=4))
    assert found == {("late", "DI"): pytest.approx(0.52 + wire(9, 0) + 0.45 + 0.44 + 0.05)}


@pytest.mark.parametrize(("mode", "time"), [("NOREG", 5.6), ("OUTREG", 0.6)])
def test_a_block_ram_without_a_register_is_slow(mode, time):
    found = times(memory=cell("DP16KD", (0, 0), {"REGMODE_A": mode}, CLKA=9, DOA0=1),
                  block=cell("MULT18X18D", (4, 0), CLK0=9, B3=1, P0=2))
    assert found == {("block", "B3"): pytest.approx(time + wire(4, 0) + 0.1)}


def test_what_comes_from_no_register_begins_with_the_clock():
    assert times(late=cell("TRELLIS_FF", (0, 1), CE=4)) == {("late", "CE"): pytest.approx(0.15)}


def test_paths_of_a_word_are_told_once_the_longest_first(tmp_path, capsys):
    cells = {f"tile.late_{n}_TRELLIS_FF_Q": cell("TRELLIS_FF", (10 * n, 0), M=1, Q=10 + n) for n in range(1, 4)}
    placed = module(early=cell("TRELLIS_FF", (0, 0), Q=1), **cells)
    [(n, end)] = longest(Placement(placed), 2.6)
    assert (n, end.cell) == (2, "tile.late_3_TRELLIS_FF_Q")
    path = tmp_path / "placed.json"
    path.write_text(json.dumps({"modules": {"top": placed}}))
    assert main([str(path), "--longer", "2.6"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("2 paths take more than 2.6 ns, of 1 pairs of components")
    assert "tile.word to tile.late_#.M" in told


def test_a_routed_design_tells_what_its_ends_take(tmp_path, capsys):
    """The longer of both edges; a word's bits as one."""
    ends = {f"tile.word_TRELLIS_FF_Q_{n}": [0.5, time] for n, time in enumerate((3.0, 7.5, 6.9))}
    path = tmp_path / "report.json"
    path.write_text(json.dumps({"detailed_net_timings": [
        {"net": "any", "endpoints": [{"cell": cell, "port": "DI", "delay": delay}]} for cell, delay in ends.items()]}))
    assert main([str(path), "--longer", "6.5"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("2 paths take more than 6.5 ns, to 1 components")
    assert "7.50 ns      2  to tile.word.DI: tile.word_TRELLIS_FF_Q_1" in told


def test_a_file_that_is_no_placement_is_named(tmp_path, capsys):
    path = tmp_path / "placed.json"
    for text in ("", "[]", '{"modules": {}}'):
        path.write_text(text)
        assert main([str(path)]) == 2
        assert "must be a file that nextpnr-ecp5 wrote with --write" in capsys.readouterr().err
