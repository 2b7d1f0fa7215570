# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import pytest

from golden.adc import GAIN, AdcConfig
from golden.config import TileConfig
from golden.device import ConstantStep
from golden.formats import round_half_even
from golden.noise import GAUSSIAN_FRAC, gaussian_of_draw
from rtl.sampler import Sampler
from tests.rtl.simulation import put, run, take
from tests.support import CONFIGS, FOLDED, assert_bits

NOISE_LATENCY = 7
FINE = TileConfig(rows=20, cols=6, lanes=6, device=ConstantStep(dw_min=0.1), code_bits=2, weight_bits=8,
                  adc=AdcConfig(bits=4, bound=1.0, noise=0.0))
CASES = {**{name: CONFIGS[name] for name in ("tiny", "quiet", "linear", "softbounds", "table", "narrow")},
         "14 bits": replace(FINE, adc=AdcConfig(bits=14, bound=2.0, noise=15.9)),
         "shift 0": replace(FINE, adc=AdcConfig(bits=14, bound=1.1))}


async def load(ctx, sampler: Sampler, gain, offset) -> None:
    lanes = sampler.config.lanes
    ctx.set(sampler.active, 0)
    for port, values in ((sampler.write_gain, gain), (sampler.write_offset, offset)):
        for n, value in enumerate(values):
            ctx.set(sampler.address, n // lanes)
            ctx.set(sampler.value, int(value))
            ctx.set(port, 1 << n % lanes)
            await ctx.tick()
        ctx.set(port, 0)


class Noise:
    """Noise of line n is xi[n], NOISE_LATENCY cycles behind its being asked for; -1 where nobody asked."""

    def __init__(self, sampler: Sampler, xi):
        self.sampler, self.asked = sampler, [None] * NOISE_LATENCY
        self.padded = np.zeros(sampler.chunks * sampler.config.lanes, dtype=np.int64)
        self.padded[:len(xi)] = xi

    async def tick(self, ctx) -> None:
        lanes = self.sampler.config.lanes
        self.asked.append(int(ctx.get(self.sampler.fill_chunk)))
        chunk = self.asked.pop(0)
        put(ctx, self.sampler.xi,
            self.padded[chunk * lanes:][:lanes] if chunk in range(self.sampler.chunks) else [-1] * lanes)
        await ctx.tick()


async def prefill(ctx, sampler: Sampler, noise: Noise) -> None:
    """Ask for offset and noise."""
    ctx.set(sampler.active, 1)
    ctx.set(sampler.prefill, 1)
    await ctx.tick()
    ctx.set(sampler.prefill, 0)
    for cycle in range(1, sampler.fill_latency):
        assert not ctx.get(sampler.ready), f"ready in cycle {cycle}"
        await noise.tick(ctx)
    assert ctx.get(sampler.ready)


async def sample(ctx, sampler: Sampler, charges, noise: Noise) -> np.ndarray:
    """Push the charges chunk by chunk, one a cycle; what is held of each comes `latency` cycles later."""
    lanes, n_chunks = sampler.config.lanes, -(-len(charges) // sampler.config.lanes)
    padded = np.zeros(n_chunks * lanes, dtype=np.int64)
    padded[:len(charges)] = charges
    held = []
    for cycle in range(n_chunks + sampler.latency + 2):
        chunk = cycle - sampler.latency
        assert ctx.get(sampler.is_held) == (0 <= chunk < n_chunks), f"is_held in cycle {cycle}"
        if ctx.get(sampler.is_held):
            assert ctx.get(sampler.held_chunk) == chunk
            held += take(ctx, sampler.held)
        ctx.set(sampler.push, cycle < n_chunks)
        ctx.set(sampler.chunk, cycle if cycle < n_chunks else 0)
        put(ctx, sampler.charges, padded[cycle * lanes:][:lanes] if cycle < n_chunks else
            [sampler.config.charge.max] * lanes)
        await noise.tick(ctx)
    return np.array(held[:len(charges)])


def stimulus(config: TileConfig, seed: int):
    """Charges, gains, offsets and xi of all lines: offsets aim at ties and rails wherever they reach."""
    adc, rng, n = config.converter, np.random.default_rng(seed), config.n_converters
    largest = min(config.charge.max, (adc.config.held.max << adc.shift) // adc.nominal_gain)
    charge = rng.integers(-largest, largest, n, endpoint=True)
    charge[rng.random(n) < 0.15] = config.charge.max
    charge[rng.random(n) < 0.15] = config.charge.min
    gain = rng.choice([0, 1, GAIN.max, adc.nominal_gain, adc.nominal_gain + 1], n)
    xi = rng.choice(gaussian_of_draw(), n)
    noise = round_half_even(config.adc.sigma * xi, GAUSSIAN_FRAC)
    target = rng.choice([adc.config.held.min, adc.config.held.max], n) + rng.choice([-1, 0, 1], n)
    offset = target - noise - round_half_even(charge * gain, adc.shift)
    offset = np.where((offset >= config.adc.offset.min) & (offset <= config.adc.offset.max), offset,
                      rng.integers(config.adc.offset.min, config.adc.offset.max, n, endpoint=True))
    return charge, gain, offset, xi, noise


@pytest.mark.parametrize("lead", [0, 3, 50])
@pytest.mark.parametrize("name", CASES)
def test_held_charges_equal_golden(name, lead):
    """The first chunk is pushed as early as `ready` allows it."""
    config = CASES[name]
    sampler, wanted, found = Sampler(config, NOISE_LATENCY, config.lanes, lead=lead), [], []

    async def check(ctx):
        for seed in range(max(3, 60 // config.n_converters)):
            charge, gain, offset, xi, noise = stimulus(config, seed)
            await load(ctx, sampler, gain, offset)
            given = Noise(sampler, xi)
            await prefill(ctx, sampler, given)
            for _ in range(lead):
                await given.tick(ctx)
            found.append(await sample(ctx, sampler, charge, given))
            wanted.append(config.converter.sample(charge, gain, offset, noise))

    run(sampler, check)
    assert_bits("held (batch, line)", wanted, found)
    if name != "narrow":  # whose charges do not reach that far
        assert {config.adc.held.min, config.adc.held.max} <= set(np.ravel(found).tolist())


@pytest.mark.parametrize("name", ["linear", "rolled"])
def test_planes_are_read_back_between_operations(name):
    config = (CONFIGS | FOLDED)[name]
    sampler = Sampler(config, NOISE_LATENCY, config.lanes)
    _, gain, offset, _, _ = stimulus(config, 1)
    found = []

    async def read(ctx):
        await load(ctx, sampler, gain, offset)
        for n in range(config.n_converters):
            ctx.set(sampler.address, n // config.lanes)
            found.append([])
            for asks_offset, values in enumerate((sampler.gains, sampler.offsets)):
                if config.rolled:
                    ctx.set(sampler.asks_offset, asks_offset)
                await ctx.tick().repeat(sampler.fetch_latency)
                found[-1].append(take(ctx, values)[n % config.lanes])

    run(sampler, read)
    assert_bits("(gain, offset)", np.stack([gain, offset], axis=1), found)
