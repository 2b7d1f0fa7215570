# SPDX-License-Identifier: Apache-2.0
"""The correction between sequencer and engines, with the bench on both of its sides."""
import numpy as np
import pytest

from golden.config import TileConfig
from golden.correction import CORRECTION_GAIN, correct
from golden.protocol import Status
from rtl.analog_port import Mode
from rtl.correction import LATENCY, Corrector
from rtl.drive import OUTPUT_LATENCY
from tests.rtl.simulation import run
from tests.support import CONFIGS, assert_bits

CASES = {name: CONFIGS[name] for name in ("tiny", "linear", "table", "narrow")}


def planes(config: TileConfig, rng):
    n = config.n_converters
    offset = rng.integers(config.adc.offset.min, config.adc.offset.max, n, endpoint=True)
    gain = rng.integers(0, CORRECTION_GAIN.max, n, endpoint=True)
    offset[::3] >>= 6
    gain[1::3] = 1 << CORRECTION_GAIN.frac
    offset[0], gain[0] = config.adc.offset.min, CORRECTION_GAIN.max
    return offset, gain


async def load(ctx, dut, offset, gain):
    for line, pair in enumerate(zip(offset, gain, strict=True)):
        ctx.set(dut.line, line)
        for write, value in zip((dut.write_offset, dut.write_gain), pair, strict=True):
            ctx.set(dut.value, int(value))
            ctx.set(write, 1)
            await ctx.tick()
            ctx.set(write, 0)


async def sequence(ctx, dut, outputs, mode, raw: bool = False, status=Status.OK):
    """One sequence; (cycles from the sequencer's done to the engine's, status, outputs as the engine reads them)."""
    ctx.set(dut.i.mode, mode)
    ctx.set(dut.i.raw, raw)
    ctx.set(dut.i.start, 1)
    assert ctx.get(dut.o.start)
    await ctx.tick()
    ctx.set(dut.i.start, 0)
    ctx.set(dut.o.done, 1)
    ctx.set(dut.o.saturated, 1)
    ctx.set(dut.o.status, status)
    cycles, asked = 0, [0] * OUTPUT_LATENCY
    while not ctx.get(dut.i.done):
        assert cycles < 5000, "done must come"
        asked.append(int(outputs[min(ctx.get(dut.o.output_index), len(outputs) - 1)]))
        ctx.set(dut.o.output, asked[-1 - OUTPUT_LATENCY])
        await ctx.tick()
        ctx.set(dut.o.done, 0)
        ctx.set(dut.o.saturated, 0)
        ctx.set(dut.o.status, 0)
        cycles += 1
    found = ctx.get(dut.i.status)
    assert ctx.get(dut.i.saturated)
    await ctx.tick()
    ctx.set(dut.o.done, 0)
    assert not ctx.get(dut.i.done)
    read = []
    for line, output in enumerate(outputs):
        ctx.set(dut.i.output_index, line)
        await ctx.tick().repeat(OUTPUT_LATENCY)
        ctx.set(dut.o.output, int(output))
        read.append(ctx.get(dut.i.output))
    return cycles, found, read


@pytest.mark.parametrize("shifts", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_outputs_are_corrected_where_they_should_be(name, shifts):
    config, rng = CASES[name], np.random.default_rng(1)
    dut, (offset, gain) = Corrector(config), planes(config, rng)
    n, fmt = config.n_converters, config.output
    weight = config.code.max if shifts else 1

    async def bench(ctx):
        await load(ctx, dut, offset, gain)
        ctx.set(dut.shifts, shifts)
        for turn, mode in enumerate((Mode.FORWARD, Mode.BACKWARD, Mode.FORWARD)):
            outputs = rng.integers(fmt.min, fmt.max, n, endpoint=True)
            outputs[:2] = fmt.min, fmt.max
            ctx.set(dut.correct, 1)
            cycles, status, found = await sequence(ctx, dut, outputs, mode)
            assert_bits(f"output, turn {turn}", correct(outputs, offset, gain, weight, fmt), found)
            assert (cycles, status) == (n + LATENCY + 1, Status.OK)
            for other in ({"raw": True}, {"mode": Mode.REFERENCE}, {"status": Status.ABORTED}):
                cycles, status, found = await sequence(ctx, dut, outputs, **{"mode": mode} | other)
                assert_bits(f"output as it is, {other}", outputs, found)
                assert (cycles, status) == (0, other.get("status", Status.OK))
            ctx.set(dut.correct, 0)
            cycles, _, found = await sequence(ctx, dut, outputs, mode)
            assert_bits("output, not to be corrected", outputs, found)
            assert cycles == 0

    run(dut, bench)


def test_planes_are_read_back():
    config = CASES["linear"]
    dut, (offset, gain) = Corrector(config), planes(config, np.random.default_rng(2))

    async def bench(ctx):
        await load(ctx, dut, offset, gain)
        for line, pair in enumerate(zip(offset, gain, strict=True)):
            ctx.set(dut.line, line)
            await ctx.tick().repeat(2)
            assert (ctx.get(dut.read_offset), ctx.get(dut.read_gain)) == pair

    run(dut, bench)
