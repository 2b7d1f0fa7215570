# SPDX-License-Identifier: Apache-2.0
import re

from amaranth.back import rtlil
from amaranth.hdl import Module
from amaranth.lib.fifo import SyncFIFO

from boards.family import ECP5, GW1N, ICE40HX
from boards.memories import SMALL, tell
from golden.formats import Format
from rtl.noise import Gaussian
from rtl.planes import LaneMemory


def masks(text: str) -> list[str]:
    return re.findall(r"parameter \\COLLISION_X_MASK (\S+)", text)


def modules(text: str) -> dict[str, str]:
    return dict(re.findall(r"\nmodule (\S+)\n(.*?)\nend\n", text, re.DOTALL))


def test_only_memories_that_leave_it_open_lose_their_checks():
    m = Module()
    m.submodules.open = LaneMemory(Format(3), 16, 2, registered=True)
    m.submodules.kept = LaneMemory(Format(3), 16, 1)
    m.submodules.other = LaneMemory(Format(3), 16, 1, registered=True)
    text = rtlil.convert(m, ports=())
    assert masks(text) == ["1'0"] * 4
    told = tell(text, ICE40HX.memory)
    by_module = {name: masks(body) for name, body in modules(told).items()}
    assert [by_module[rf"\top.{name}"] for name in ("open", "kept", "other")] == [["1'1"] * 2, ["1'0"], ["1'1"]]
    assert re.sub(r"(COLLISION_X_MASK) \S+", r"\1", told) == re.sub(r"(COLLISION_X_MASK) \S+", r"\1", text)


def test_small_memories_go_to_cells_where_there_are_some():
    m = Module()
    m.submodules.small = LaneMemory(Format(8), SMALL, 2)
    m.submodules.large = LaneMemory(Format(8), SMALL + 1, 2)
    m.submodules.constant = Gaussian()
    text, asked = rtlil.convert(m, ports=()), '  attribute \\ram_style "distributed"\n'
    told = tell(text, ECP5.memory)
    assert {name: body.count(asked) for name, body in modules(told).items() if asked in body} == {r"\top.small": 2}
    assert told.replace(asked, "") == text


def test_large_memories_go_to_blocks_where_cells_are_few():
    m = Module()
    m.submodules.small = LaneMemory(Format(8), SMALL, 1)
    m.submodules.large = LaneMemory(Format(8), SMALL + 1, 2)
    m.submodules.unclocked = SyncFIFO(width=8, depth=SMALL + 1)
    m.submodules.constant = Gaussian()
    text = rtlil.convert(m, ports=())
    told = modules(tell(text, GW1N.memory))
    assert {name: re.findall(r'ram_style "(\w+)"', body) for name, body in told.items() if "ram_style" in body} == {
        r"\top.small": ["distributed"], r"\top.large": ["block"] * 2}


def test_memories_that_a_block_costs_no_more_than_go_there_where_there_are_no_cells():
    """A block of iCE40 costs as much as 64 bits."""
    m = Module()
    m.submodules.tie = LaneMemory(Format(4), 16, 2)
    m.submodules.less = LaneMemory(Format(7), 9, 1)
    m.submodules.blocks = LaneMemory(Format(18), 256, 1)
    m.submodules.unclocked = SyncFIFO(width=8, depth=64)
    m.submodules.constant = Gaussian()
    text, asked = rtlil.convert(m, ports=()), '  attribute \\ram_style "block"\n'
    told = tell(text, ICE40HX.memory)
    assert {name: body.count(asked) for name, body in modules(told).items() if asked in body} == {
        r"\top.tie": 2, r"\top.blocks": 1}
    assert told.replace(asked, "") == text
