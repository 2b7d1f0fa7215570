# SPDX-License-Identifier: Apache-2.0
import pytest
from amaranth.hdl import Module

from rtl.stream import StreamRegister
from rtl.stream_checker import StreamChecker
from tests.rtl.simulation import run


def watch(cycles, **options):
    """Drive a checker with (data, valid, ready, framing) a cycle, framing a pair of first and last in two bits."""
    checker = StreamChecker("s", domain="sync", **options)

    async def bench(ctx):
        for data, valid, ready, framing in cycles:
            ctx.set(checker.payload, {"data": data, "first": framing & 1, "last": framing >> 1})
            ctx.set(checker.valid, valid)
            ctx.set(checker.ready, ready)
            await ctx.tick()

    run(checker, bench)


@pytest.mark.parametrize("assumed", [False, True])
@pytest.mark.parametrize(("cycles", "broken"), [
    ([(7, 1, 0, 1), (7, 0, 0, 1)], "valid holds"),
    ([(7, 1, 0, 1), (8, 1, 0, 1)], "payload holds"),
    ([(7, 1, 0, 1), (7, 1, 0, 3)], "payload holds"),
    ([(7, 1, 1, 0)], "first"),
    ([(7, 1, 1, 1), (7, 1, 1, 1)], "first"),
    ([(7, 1, 1, 3), (7, 1, 1, 0)], "first"),
])
def test_a_broken_rule_is_told(cycles, broken, assumed):
    with pytest.raises(AssertionError, match=f"s: .*{broken}"):
        watch([*cycles, (0, 0, 0, 0)], assumed=assumed)


def test_good_packets_pass():
    watch([(1, 1, 0, 1), (1, 1, 0, 1), (1, 1, 1, 1), (5, 0, 1, 0), (2, 1, 1, 0), (3, 1, 1, 2), (4, 1, 1, 3)])


def test_frames_are_free_where_they_are_not_asked_for():
    watch([(7, 1, 1, 0), (7, 1, 1, 1), (8, 1, 1, 1)], framed=False)


def test_other_payloads():
    checker = StreamChecker("bytes", 8, framed=False, domain="sync")

    async def bench(ctx):
        ctx.set(checker.valid, 1)
        await ctx.tick()
        ctx.set(checker.payload, 3)
        await ctx.tick()

    with pytest.raises(AssertionError, match="bytes: payload holds"):
        run(checker, bench)


def test_it_is_added_to_a_module_by_one_call():
    m = Module()
    m.submodules.register = register = StreamRegister()
    StreamChecker.on(m, register.i, "i", domain="sync")

    async def bench(ctx):
        ctx.set(register.i.payload, {"data": 1, "first": 0, "last": 1})
        ctx.set(register.i.valid, 1)
        await ctx.tick()

    with pytest.raises(AssertionError, match="i: packets begin with first"):
        run(m, bench)
