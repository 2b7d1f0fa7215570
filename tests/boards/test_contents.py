# SPDX-License-Identifier: Apache-2.0
"""What is counted of small designs, and what blocks memories and products become on each family."""
from dataclasses import replace

import pytest
from amaranth.hdl import Cat, Module, Mux, signed
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from boards.contents import Contents
from boards.family import ECP5, GW1N, ICE40HX, ICE40UP
from golden.config import SETTINGS
from golden.presets import TILES
from rtl.registers import RegisterBank


class Sum(Component):
    """A sum with a register behind it, that may be kept; and a constant multiple."""

    a: In(8)
    b: In(8)
    keep: In(1)
    o: Out(9)
    half: Out(9)

    def elaborate(self, platform):
        m = Module()
        total = self.a + self.b
        with m.If(~self.keep):
            m.d.sync += self.o.eq(total)
        m.d.comb += self.half.eq(Mux(self.keep, total, self.o))
        return m


class Blocks(Component):
    """A memory and a product."""

    def __init__(self, depth: int, width: int, a: int, b: int, domain: str = "sync"):
        self.depth, self.width, self.domain = depth, width, domain
        super().__init__({"a": In(signed(a)), "b": In(signed(b)), "o": Out(signed(a + b)), "data": Out(width)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = Memory(shape=self.width, depth=self.depth, init=[])
        write, read = memory.write_port(), memory.read_port(domain=self.domain)
        m.d.comb += [write.data.eq(self.a), write.en.eq(1), self.data.eq(read.data), self.o.eq(self.a * self.b)]
        return m


def test_registers_sums_and_choices_are_counted_once():
    counts = Contents.of(Sum(), ECP5).counts()
    assert counts["computed"] == 9
    assert (counts["registers"], counts["sums"], counts["products"], counts["block_rams"]) == (9, 9, 0, 0)
    assert counts["choices"] == 9 + 9, "the register's and the Mux's"


class Delays(Component):
    """Registers that take over what is there, and two that hold the same sum."""

    a: In(8)
    b: In(8)
    late: Out(16)
    first: Out(9)
    second: Out(9)

    def elaborate(self, platform):
        m = Module()
        m.d.sync += [self.late.eq(Cat(self.a, self.b[:8])), self.first.eq(self.a + self.b),
                     self.second.eq(self.a + self.b)]
        return m


def test_delays_are_not_computed_and_equal_sums_are_one():
    counts = Contents.of(Delays(), ECP5).counts()
    assert (counts["registers"], counts["computed"], counts["sums"]) == (34, 18, 9)


@pytest.mark.parametrize(("family", "depth", "width", "blocks"), [
    (ECP5, 1024, 18, 1), (ECP5, 1024, 19, 2), (ECP5, 512, 32, 1), (ECP5, 16, 18, 0), (ECP5, 4096, 18, 4),
    (GW1N, 254, 8, 1), (GW1N, 64, 18, 0), (ICE40UP, 256, 32, 2), (ICE40UP, 8, 7, 0), (ICE40UP, 64, 18, 2),
])
def test_a_memory_becomes_what_costs_less(family, depth, width, blocks):
    counts = Contents.of(Blocks(depth, width, 2, 2), family).counts()
    assert counts["block_rams"] == blocks
    if not blocks and family.memory.has_cells:
        assert counts["small_rams"] == -(-depth // 16) * -(-width // 4)
    elif not blocks:
        assert counts["registers"] == depth * width


def test_a_memory_that_is_read_in_the_same_cycle_is_no_block():
    assert Contents.of(Blocks(1024, 18, 2, 2, "comb"), ECP5).counts()["block_rams"] == 0


@pytest.mark.parametrize(("family", "a", "b", "blocks", "bits"), [
    (ECP5, 18, 18, 1, 0), (ECP5, 19, 18, 2, 0), (ECP5, 3, 3, 0, 9), (ICE40UP, 16, 16, 1, 0),
    (ICE40UP, 18, 7, 1, 3 * 7), (ICE40UP, 18, 16, 2, 0), (ICE40HX, 18, 7, 0, 18 * 7),
])
def test_a_product_becomes_blocks_and_bits(family, a, b, blocks, bits):
    counts = Contents.of(Blocks(16, 4, a, b), family).counts()
    assert (counts["multipliers"], counts["products"]) == (blocks, bits)


def test_settings_that_can_be_written_are_counted():
    config = TILES["small training"]
    whole, fixed, some = (Contents.of(RegisterBank(replace(config, fixed=fixed)), ICE40UP)
                          for fixed in ((), SETTINGS, ("t_slot", "train")))
    seed_and_event = 64
    assert fixed.settings == seed_and_event
    assert whole.settings - some.settings == 8 + 2
    assert whole.registers > some.registers > fixed.registers
