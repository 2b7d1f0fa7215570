# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out

from rtl.formats import delay
from rtl.result_queue import ResultQueue
from tests.rtl.simulation import run
from tests.support import assert_bits

LATENCY = 5


class _Squares(Component):
    """The squares of 0, 1, ..., each LATENCY cycles behind its being asked for."""

    def __init__(self, registered: bool):
        self.registered = registered
        super().__init__({"on": In(1), "o": Out(stream.Signature(16))})

    def elaborate(self, platform):
        m = Module()
        m.submodules.queue = queue = ResultQueue(16, LATENCY + 4 + self.registered, registered=self.registered)
        n, is_asked = Signal(8), self.on & queue.room
        m.d.sync += n.eq(n + is_asked)
        m.d.comb += [queue.asked.eq(is_asked), queue.push.eq(delay(m, is_asked, LATENCY, reset=True)),
                     queue.value.eq(delay(m, n * n, LATENCY)), self.o.payload.eq(queue.o.payload),
                     self.o.valid.eq(queue.o.valid), queue.o.ready.eq(self.o.ready)]
        return m


@pytest.mark.parametrize("registered", [False, True])
@pytest.mark.parametrize("idle", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("stall", [0.0, 0.5, 0.9])
def test_none_is_lost_and_none_comes_twice(idle, stall, registered):
    """In order whatever the two ends do; and one a cycle where neither waits."""
    dut, rng, found, gaps = _Squares(registered), np.random.default_rng(1), [], []

    async def bench(ctx):
        waited = 0
        while len(found) < 120:
            ctx.set(dut.on, rng.random() >= idle)
            ctx.set(dut.o.ready, rng.random() >= stall)
            waited += 1
            if ctx.get(dut.o.valid) and ctx.get(dut.o.ready):
                found.append(int(ctx.get(dut.o.payload)))
                gaps.append(waited)
                waited = 0
            await ctx.tick()

    run(dut, bench)
    assert_bits("squares", np.arange(120) ** 2, found)
    if not idle and not stall:
        assert set(gaps[1:]) == {1}
