# SPDX-License-Identifier: Apache-2.0
"""Memories P lanes wide, and the side band through which they are loaded and read."""
from collections.abc import Mapping, Sequence

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out, Signature

from golden.config import MAX_BL, Plane, TileConfig
from golden.formats import Format
from rtl.formats import delay, shape_of
from rtl.memory import ANY_ON_COLLISION

WORD = Format(18)
"""Every plane's words travel in 18 signed bits; unsigned 16-bit planes fit as well."""

SIDE_LATENCY = 11
"""Cycles of a read on the side band at most, with the way there, and the choices among lanes, groups of lanes, and
planes."""
_GROUP = 8
"""Lanes among which a read on the side band chooses in one cycle."""


def fetch_latency(config: TileConfig) -> int:
    """Cycles from the choice of an address to the words of the cross-points: the address, the memory, its output; in a
    rolled tile the memory alone.
    """
    return 1 + 2 * config.way_registers


def plane_domain(config: TileConfig) -> str:
    """The domain of what goes to the memories of the cross-points: a register on the way, or in a rolled tile none."""
    return "sync" if config.way_registers else "comb"


def plane_memory(config: TileConfig, fmt: Format) -> "LaneMemory":
    """The memory of a plane of the cross-points; `fetch_latency` is that of its words."""
    return LaneMemory(fmt, config.rows * config.chunks, config.lanes, registered=not config.rolled,
                      any_on_collision=True)


class SideBand(Signature):
    """What an emulator needs and a real array does not: its devices' parameters, and the noise's address.

    `value` is written to (`plane`, `row`, `chunk`, `lane`) while `write` is high; `read` is that place's value
    `SIDE_LATENCY` cycles after the address stands. Only between operations, of which none begins in the two cycles
    behind a `write`; `seed` and `event` stand during one, and so do `noise_row`, the row in the address of the
    converters' noise, and `first_slot`, with which an update begins.
    """

    def __init__(self, config: TileConfig):
        most_rows = max(shape.rows for shape in config.planes.values())
        super().__init__({
            "seed": Out(32), "event": Out(32), "noise_row": Out(6), "first_slot": Out(range(MAX_BL + 1)),
            "plane": Out(4), "row": Out(range(most_rows)), "chunk": Out(range(config.converter_chunks)),
            "lane": Out(range(config.lanes)), "write": Out(1), "value": Out(shape_of(WORD)),
            "read": In(shape_of(WORD)),
        })


class LaneMemory(Component):
    """A memory of `depth` words for each of P lanes, one address for all: block RAM.

    Members: `address` in, `values` out `latency` cycles later: one, or two where they are `registered`, as the
    outputs of large block RAMs should be; `write_address`, `write_mask` (a bit a lane) and `write_values` in. A read in
    the cycle of a write gives the old value, but nobody may rely on it where `registered` or `any_on_collision`.
    `joined` lanes are in one memory: fewer small blocks.
    """

    def __init__(self, fmt: Format, depth: int, lanes: int, *, registered: bool = False, joined: bool = False,
                 any_on_collision: bool = False):
        self.fmt, self.depth, self.lanes, self.registered, self.joined = fmt, depth, lanes, registered, joined
        self.attributes = ANY_ON_COLLISION if registered or any_on_collision else {}
        self.latency = 1 + registered
        super().__init__({
            "address": In(range(depth)), "values": Out(shape_of(fmt)).array(lanes), "write_address": In(range(depth)),
            "write_mask": In(lanes), "write_values": In(shape_of(fmt)).array(lanes),
        })

    def elaborate(self, platform):
        m = Module()
        together = self.lanes if self.joined else 1
        for first in range(0, self.lanes, together):
            lanes = slice(first, first + together)
            shape = data.ArrayLayout(shape_of(self.fmt), together)
            m.submodules[f"lane_{first}"] = memory = Memory(shape=shape, depth=self.depth, init=[],
                                                            attrs=self.attributes)
            write, read = memory.write_port(granularity=1), memory.read_port()
            m.d.comb += [
                read.addr.eq(self.address), write.addr.eq(self.write_address), write.en.eq(self.write_mask[lanes]),
                *(value.eq(read_value) for value, read_value in
                  zip(self.values[lanes], delay(m, read.data, self.registered), strict=True)),
                *(old.eq(new) for old, new in zip(write.data, self.write_values[lanes], strict=True)),
            ]
        return m


def read_lane(m: Module, plane, lane, target, values: Mapping[Plane, Sequence], more: int = 0) -> None:
    """The lane of a plane to the register `target`, three cycles later, of the `values` of all lanes by plane; `more`
    cycles are for the way between groups of lanes. Without such a way what is no choice has no register.
    """
    low, found = (_GROUP - 1).bit_length(), {}

    def chosen(name: str, number, lanes: Sequence):
        if len(lanes) == 1 and not more:
            return lanes[0]
        register = Signal.like(lanes[0], name=name, reset_less=True)
        choose(m, number, lanes, register)
        return register

    for each, lanes in values.items():
        groups = []
        for first in range(0, len(lanes), _GROUP):
            group = chosen(f"{each.name.lower()}_{first}", lane[:low], lanes[first:first + _GROUP])
            groups.append(delay(m, group, more))
        found[each] = chosen(each.name.lower(), lane[low:], groups)
    for each, value in found.items():
        with m.If(delay(m, plane == each, 1)):  # the plane stands for as long as its address
            m.d.sync += target.eq(value)


def choose(m: Module, number, values: Sequence, target) -> None:
    """Value number `number` to the register `target`: one choice among all, not one after the other."""
    if len(values) == 1:
        m.d.sync += target.eq(values[0])
        return
    m.d.sync += target.eq(Cat(Cat(value[bit] for value in values).bit_select(number, 1) for bit in range(len(target))))
