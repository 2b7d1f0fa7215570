# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import pytest
from amaranth.hdl import Module

from golden.adc import GAIN, HELD_FRAC, AdcConfig
from golden.config import TileConfig
from golden.device import ConstantStep
from golden.formats import round_half_even
from golden.noise import GAUSSIAN_FRAC, gaussian_of_draw
from rtl.adc import Sampler, SarAdc
from tests.rtl.simulation import put, run, take
from tests.support import CONFIGS, assert_bits

NOISE_LATENCY = 7
FINE = TileConfig(rows=20, cols=6, lanes=6, device=ConstantStep(dw_min=0.1), code_bits=2, weight_bits=8,
                  adc=AdcConfig(bits=4, bound=1.0, noise=0.0))
"""A converter whose charge unit is 1/256 LSB at gain 2**shift, so that charges reach every held value."""
CASES = {**{name: CONFIGS[name] for name in ("tiny", "quiet", "linear", "softbounds", "table", "narrow")},
         "14 bits": replace(FINE, adc=AdcConfig(bits=14, bound=2.0, noise=15.9)),
         "shift 0": replace(FINE, adc=AdcConfig(bits=14, bound=1.1))}


class Bench:
    """A sampler with its successive approximation, and what comes on its `xi`."""

    def __init__(self, config: TileConfig):
        self.config = config
        self.design, self.sampler, self.sar = Module(), Sampler(config, NOISE_LATENCY), SarAdc(config)
        self.design.submodules += [self.sampler, self.sar]
        self.design.d.comb += self.sar.compare.eq(self.sampler.compare)
        self.design.d.comb += [pin.eq(trial) for pin, trial in zip(self.sampler.trial, self.sar.trial, strict=True)]

    async def load(self, ctx, gain, offset) -> None:
        lanes = self.config.lanes
        ctx.set(self.sampler.active, 0)
        for port, values in ((self.sampler.write_gain, gain), (self.sampler.write_offset, offset)):
            for n, value in enumerate(values):
                ctx.set(self.sampler.address, n // lanes)
                ctx.set(self.sampler.value, int(value))
                ctx.set(port, 1 << n % lanes)
                await ctx.tick()
            ctx.set(port, 0)

    async def prefill(self, ctx, xi) -> None:
        """Ask for offset and noise; the noise of converter n is xi[n], at its own time."""
        config, sampler = self.config, self.sampler
        padded = np.zeros(sampler.chunks * config.lanes, dtype=np.int64)
        padded[:len(xi)] = xi
        ctx.set(sampler.active, 1)
        ctx.set(sampler.prefill, 1)
        await ctx.tick()
        ctx.set(sampler.prefill, 0)
        assert not ctx.get(sampler.ready)
        asked = [None] * NOISE_LATENCY
        for cycle in range(1, sampler.fill_latency + 1):
            asked.append(int(ctx.get(sampler.fill_chunk)))
            chunk = asked.pop(0)
            put(ctx, sampler.xi, padded[chunk * config.lanes:][:config.lanes]
                if chunk in range(sampler.chunks) else [-1] * config.lanes)
            assert ctx.get(sampler.ready) == (cycle == sampler.fill_latency), f"ready in cycle {cycle}"
            if cycle < sampler.fill_latency:
                await ctx.tick()

    async def convert(self, ctx, charges, t_convert: int = 1) -> list[int]:
        """Push the charges chunk by chunk, one a cycle, and convert."""
        config, sampler, sar = self.config, self.sampler, self.sar
        padded = np.zeros(sampler.chunks * config.lanes, dtype=np.int64)
        padded[:len(charges)] = charges
        for chunk in range(-(-len(charges) // config.lanes)):
            ctx.set(sampler.push, 1)
            ctx.set(sampler.chunk, chunk)
            put(ctx, sampler.charges, padded[chunk * config.lanes:][:config.lanes])
            await ctx.tick()
        ctx.set(sampler.push, 0)
        put(ctx, sampler.charges, [config.charge.max] * config.lanes)
        await ctx.tick().repeat(sampler.latency - 1)
        ctx.set(sar.t_convert, t_convert)
        ctx.set(sar.start, 1)
        await ctx.tick()
        ctx.set(sar.start, 0)
        for _ in range(config.adc.bits * t_convert):
            assert not ctx.get(sar.done)
            await ctx.tick()
        assert ctx.get(sar.done), f"done must come after {config.adc.bits} trials of {t_convert}"
        codes = take(ctx, sar.codes)
        await ctx.tick()
        assert not ctx.get(sar.done)
        assert codes == take(ctx, sar.codes), "codes must stand from done on"
        return codes[:len(charges)]


def test_every_held_value_of_four_bits():
    """Beyond both rails too, so that each tie between codes, rounded to even, is among them."""
    config, bench = FINE, Bench(FINE)
    adc, n = config.converter, config.n_converters
    assert config.charge.max > 9 << HELD_FRAC
    held = np.arange(-(9 << HELD_FRAC), (9 << HELD_FRAC) + 1)
    held = np.resize(held, -(-len(held) // n) * n).reshape(-1, n)
    gain, offset = np.full(n, 1 << adc.shift), np.zeros(n, dtype=np.int64)
    assert GAIN.holds(gain)
    found = []

    async def convert_all(ctx):
        await bench.load(ctx, gain, offset)
        await bench.prefill(ctx, offset)
        for charges in held:
            found.append(await bench.convert(ctx, charges))

    run(bench.design, convert_all)
    assert_bits("held", held, adc.sample(held, gain, offset, 0))
    assert_bits("code (batch, converter)", adc.convert(held), found)
    assert {config.adc.code.min, config.adc.code.max, 0} <= set(np.ravel(found).tolist())


def stimulus(config: TileConfig, seed: int):
    """Charges, gains, offsets and xi of all converters: offsets aim at ties and rails wherever they reach."""
    adc, rng, n = config.converter, np.random.default_rng(seed), config.n_converters
    largest = min(config.charge.max, (2 * config.adc.code.max << HELD_FRAC + adc.shift) // adc.nominal_gain)
    charge = rng.integers(-largest, largest, n, endpoint=True)
    charge[rng.random(n) < 0.15] = config.charge.max
    charge[rng.random(n) < 0.15] = config.charge.min
    gain = rng.choice([0, 1, GAIN.max, adc.nominal_gain, adc.nominal_gain + 1], n)
    xi = rng.choice(gaussian_of_draw(), n)
    noise = round_half_even(config.adc.sigma * xi, GAUSSIAN_FRAC)
    top = config.adc.code.max
    code = rng.choice([-top, 1 - top, -1, 0, 1, top - 1, top, *rng.integers(-top, top, 3)], n)
    target = (code << HELD_FRAC) + rng.choice([-129, -128, -127, 0, 127, 128, 129], n)
    offset = target - noise - round_half_even(charge * gain, adc.shift)
    offset = np.where((offset >= config.adc.offset.min) & (offset <= config.adc.offset.max), offset,
                      rng.integers(config.adc.offset.min, config.adc.offset.max, n, endpoint=True))
    return charge, gain, offset, xi, noise


@pytest.mark.parametrize("name", CASES)
def test_codes_equal_golden(name):
    config = CASES[name]
    bench, wanted, found = Bench(config), [], []

    async def convert_all(ctx):
        for seed in range(max(3, 60 // config.n_converters)):
            charge, gain, offset, xi, noise = stimulus(config, seed)
            await bench.load(ctx, gain, offset)
            await bench.prefill(ctx, xi)
            found.append(await bench.convert(ctx, charge))
            wanted.append(config.converter.convert(config.converter.sample(charge, gain, offset, noise)))

    run(bench.design, convert_all)
    assert_bits("code (batch, converter)", wanted, found)


@pytest.mark.parametrize("t_convert", [1, 2, 5, 255])
def test_a_trial_lasts_t_convert_and_is_read_at_its_end(t_convert):
    """The comparators say nothing true before a trial's last cycle."""
    config = CONFIGS["narrow"]
    sar, code = SarAdc(config), config.adc.code
    levels = [code.min - 1, 3, code.max]

    async def bench(ctx):
        ctx.set(sar.t_convert, t_convert)
        ctx.set(sar.start, 1)
        await ctx.tick()
        ctx.set(sar.start, 0)
        for _ in range(config.adc.bits):
            trials = take(ctx, sar.trial)
            right = sum((level >= trial) << n for n, (level, trial) in enumerate(zip(levels, trials, strict=True)))
            for cycle in range(t_convert):
                assert_bits("trial", trials, take(ctx, sar.trial))
                assert not ctx.get(sar.done)
                ctx.set(sar.compare, right if cycle == t_convert - 1 else ~right & 7)
                await ctx.tick()
        assert ctx.get(sar.done)
        assert_bits("codes", np.clip(levels, code.min, code.max), take(ctx, sar.codes))

    run(sar, bench)


@pytest.mark.parametrize("bits", [4, 7])
def test_every_code_is_found_and_rails_are_clamped(bits):
    config = replace(CONFIGS["narrow"], adc=AdcConfig(bits=bits, bound=1.0))
    sar, code, n = SarAdc(config), config.adc.code, config.n_converters
    levels = np.resize(np.arange(code.min - 3, code.max + 4), (2 * code.max + 7 + n) // n * n).reshape(-1, n)
    found = []

    async def bench(ctx):
        ctx.set(sar.t_convert, 1)
        for level in levels:
            ctx.set(sar.start, 1)
            await ctx.tick()
            ctx.set(sar.start, 0)
            while not ctx.get(sar.done):
                trials = take(ctx, sar.trial)
                ctx.set(sar.compare, sum(int(a >= t) << i for i, (a, t) in enumerate(zip(level, trials, strict=True))))
                await ctx.tick()
            found.append(take(ctx, sar.codes))

    run(sar, bench)
    assert_bits("codes", np.clip(levels, code.min, code.max), found)


def test_planes_are_read_back_between_operations():
    config = CONFIGS["linear"]
    bench = Bench(config)
    _, gain, offset, _, _ = stimulus(config, 1)
    found = []

    async def read(ctx):
        await bench.load(ctx, gain, offset)
        for n in range(config.n_converters):
            ctx.set(bench.sampler.address, n // config.lanes)
            await ctx.tick()
            found.append([take(ctx, memory.values)[n % config.lanes]
                          for memory in (bench.sampler.gains, bench.sampler.offsets)])

    run(bench.design, read)
    assert_bits("(gain, offset)", np.stack([gain, offset], axis=1), found)


