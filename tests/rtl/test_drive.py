# SPDX-License-Identifier: Apache-2.0
import numpy as np
from amaranth.hdl import Value
from amaranth.lib.wiring import In

from rtl.drive import Drive, DriveMux
from tests.rtl.simulation import run
from tests.support import CONFIGS, assert_bits


def test_one_engine_has_the_sequencer():
    """Whatever all engines ask for, the chosen one's is asked a cycle later; all hear the sequencer, one its `done`."""
    config, n = CONFIGS["tiny"], 3
    mux, rng = DriveMux(config, n), np.random.default_rng(1)
    members = Drive(config).members

    def any_value(port) -> int:
        return int(rng.integers(0, 1 << min(len(Value.cast(port)), 30)))

    def put(ctx, port, value: int) -> None:
        ctx.set(Value.cast(port), value)

    def take(ctx, port) -> int:
        return int(ctx.get(Value.cast(port))) & ((1 << len(Value.cast(port))) - 1)

    async def bench(ctx):
        for select in (0, 1, 2, 1, 0):
            ctx.set(mux.select, 1 << select)
            await ctx.tick()
            for name, member in members.items():
                if member.flow == In:
                    value = any_value(getattr(mux.o, name))
                    put(ctx, getattr(mux.o, name), value)
                    if name != "output":
                        await ctx.tick()
                    for number in range(n):
                        wanted = value if name != "done" or number == select else 0
                        assert_bits(f"{name} at engine {number}", wanted, take(ctx, getattr(mux.engines[number], name)))
                    continue
                values = [any_value(getattr(mux.o, name)) for _ in range(n)]
                for engine, value in zip(mux.engines, values, strict=True):
                    put(ctx, getattr(engine, name), value)
                await ctx.tick()
                assert_bits(f"{name} of engine {select}", values[select], take(ctx, getattr(mux.o, name)))

    run(mux, bench)
