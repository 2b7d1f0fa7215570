# SPDX-License-Identifier: Apache-2.0
import numpy as np
from amaranth.hdl import Module
from amaranth.lib.wiring import connect

from rtl.axi_stream import AxiStreamReceiver, AxiStreamTransmitter
from tests.rtl.simulation import run
from tests.support import assert_bits


def test_first_is_what_follows_last():
    """Random packets, offered and taken at random; also what leaves the transmitter is what came in."""
    m = Module()
    m.submodules.receiver = receiver = AxiStreamReceiver()
    m.submodules.transmitter = transmitter = AxiStreamTransmitter()
    connect(m, receiver.o, transmitter.i)
    rng = np.random.default_rng(1)
    lasts = (rng.random(60) < 0.4).tolist()
    words, found, taken = rng.integers(0, 1 << 32, 60).tolist(), [], []

    async def bench(ctx):
        while len(found) < len(words):
            n = len(found)
            ctx.set(receiver.bus.tdata, words[n])
            ctx.set(receiver.bus.tlast, lasts[n])
            ctx.set(receiver.bus.tvalid, int(rng.integers(2)))
            ctx.set(transmitter.bus.tready, int(rng.integers(2)))
            offered, payload = ctx.get(receiver.o.valid), ctx.get(receiver.o.payload.as_value())
            assert (ctx.get(transmitter.bus.tvalid), ctx.get(receiver.bus.tready)) == (
                offered, ctx.get(transmitter.bus.tready))
            if offered and ctx.get(receiver.bus.tready):
                found.append(payload)
                taken.append((ctx.get(transmitter.bus.tdata), ctx.get(transmitter.bus.tlast)))
            await ctx.tick()

    run(m, bench)
    firsts = [True, *lasts[:-1]]
    assert_bits("word", [word | first << 32 | last << 33
                         for word, first, last in zip(words, firsts, lasts, strict=True)], found)
    assert taken == list(zip(words, lasts, strict=True))
