# SPDX-License-Identifier: Apache-2.0
"""The state machine with a register a state."""
from amaranth.hdl import Module
from amaranth.lib.wiring import Component, In, Out

from rtl.states import States
from tests.rtl.simulation import run
from tests.support import assert_bits


class Lamp(Component):
    """A -> B where it is told to, and from there back, or to C where it is told so; `at` is one-hot."""

    def __init__(self):
        super().__init__({"go": In(1), "on": In(1), "at": Out(3)})

    def elaborate(self, platform):
        m = Module()
        states = States(m, ("A", "B", "C"))
        m.d.comb += self.at.eq(sum(at << n for n, at in enumerate(states.at.values())))
        with states.state("A"), m.If(self.go):
            states.go("B")
        with states.state("B"):
            states.go("A")
            with m.If(self.on):
                states.go("C")
        with states.state("C"), m.If(self.go):
            states.go("A")
        states.close()
        return m


def test_one_state_at_a_time_and_the_last_way_is_meant():
    lamp, seen = Lamp(), []

    async def check(ctx):
        for go, on in ((0, 0), (0, 1), (1, 0), (0, 0), (1, 1), (0, 1), (0, 1), (1, 1), (0, 0)):
            ctx.set(lamp.go, go)
            ctx.set(lamp.on, on)
            seen.append(int(ctx.get(lamp.at)))
            await ctx.tick()

    run(lamp, check)
    a, b, c = 1, 2, 4
    assert_bits("states", [a, a, a, b, a, b, c, c, a], seen)
