# SPDX-License-Identifier: Apache-2.0
"""The `sync` domain: in reset until the PLL has been locked for long enough, and again when it loses its lock."""
from amaranth.hdl import ClockDomain, ClockSignal, Module, ResetSignal, Signal
from amaranth.sim import Simulator

from boards.clock import by_count

MHZ = 2
WAIT = 15 * MHZ
"""Cycles of 15 us."""


def test_the_reset_waits_for_a_lock_that_lasts():
    go, is_reset = Signal(), Signal()
    m = Module()
    m.domains += [ClockDomain("oscillator", reset_less=True), ClockDomain("sync")]
    m.submodules.start = by_count(ClockSignal("oscillator"), go, MHZ)
    m.d.comb += is_reset.eq(ResetSignal())

    async def bench(ctx):
        async def cycles_in_reset(most: int) -> int:
            for cycle in range(most):
                if not ctx.get(is_reset):
                    return cycle
                await ctx.tick("oscillator")
            return most

        assert await cycles_in_reset(3 * WAIT) == 3 * WAIT, "no lock yet"
        ctx.set(go, 1)
        assert await cycles_in_reset(WAIT // 2) == WAIT // 2
        ctx.set(go, 0)  # a lock that was none
        await ctx.tick("oscillator").repeat(4)
        ctx.set(go, 1)
        assert WAIT <= await cycles_in_reset(2 * WAIT) <= WAIT + 5
        ctx.set(go, 0)
        await ctx.tick("oscillator").repeat(5)
        assert ctx.get(is_reset), "lost"

    simulator = Simulator(m)
    simulator.add_clock(1e-6, domain="oscillator")
    simulator.add_testbench(bench)
    simulator.run()
