# SPDX-License-Identifier: Apache-2.0
import random

from amaranth.lib.crc import catalog

from golden import crc as golden
from rtl.crc import Check
from tests.rtl.simulation import run


def test_golden_and_the_library_mean_the_same():
    for ours, theirs in ((golden.CCITT, catalog.CRC16_IBM_3740), (golden.T10, catalog.CRC16_T10_DIF)):
        assert (ours.polynomial, ours.initial) == (theirs.polynomial, theirs.initial_crc)
        assert ours.compute(b"123456789") == theirs(8).compute(b"123456789")


def test_check_follows_the_bytes_by_a_cycle():
    rng = random.Random(1)
    check = Check()
    messages = [rng.randbytes(n) for n in (1, 2, 9, 70)]

    async def bench(ctx):
        for message in messages:
            for n, byte in enumerate(message):
                while rng.random() < 0.3:  # nothing, for a cycle
                    ctx.set(check.valid, 0)
                    ctx.set(check.start, 0)
                    ctx.set(check.data, rng.randrange(256))
                    await ctx.tick()
                ctx.set(check.start, n == 0)
                ctx.set(check.data, byte)
                ctx.set(check.valid, 1)
                await ctx.tick()
                assert ctx.get(check.check) == golden.check(message[:n + 1])

    run(check, bench)
