# SPDX-License-Identifier: Apache-2.0
"""Converters of every kind, digital and analog side together, against golden; then the digital side's steps."""
from dataclasses import replace

import numpy as np
import pytest
from amaranth.hdl import Module

from golden.adc import AdcConfig, AdcKind
from golden.config import Plane, TileConfig
from golden.conversion import LSB
from golden.device import ConstantStep
from golden.formats import round_half_even
from golden.noise import GAUSSIAN_FRAC, gaussian_of_draw
from rtl.adc import AdcInterface
from rtl.adc_cells import AdcCells
from rtl.adc_pins import adc_pins, join
from tests.golden.test_conversion import KINDS
from tests.rtl.simulation import put, run, take
from tests.support import CONFIGS, assert_bits

NOISE_LATENCY = 7
SMALL = TileConfig(rows=2, cols=7, lanes=3, device=ConstantStep(dw_min=0.1), code_bits=2,
                   adc=AdcConfig(bits=4, bound=1.0))
EVERY = KINDS | {"sar 14 bits": AdcConfig(bits=14, capacitor_spread=0.2, comparator_noise=15.9, comparator_offset=25.0),
                 "ramp noise": AdcConfig(bits=4, kind=AdcKind.RAMP, comparator_noise=1.0),
                 "ramp offset": AdcConfig(bits=5, kind=AdcKind.RAMP, comparator_offset=1.0),
                 "spi 4 bits": AdcConfig(bits=4, kind=AdcKind.SPI)}


def shared(config: AdcConfig, share: int) -> TileConfig:
    return replace(SMALL, adc=replace(config, bound=1.0, columns_per_adc=share))


class Bench:
    """Held charges on the analog side, which draws what the bench gives it, and the digital side that converts them."""

    def __init__(self, config: TileConfig):
        self.config, self.design = config, Module()
        self.cells, self.adc = AdcCells(config, NOISE_LATENCY), AdcInterface(config)
        self.design.submodules += [self.cells, self.adc]
        join(self.design, adc_pins(config), self.adc, self.cells)
        self.design.d.comb += self.adc.busy.eq(self.cells.busy)
        self._asked = [(0, 0, False)] * NOISE_LATENCY
        self.chip_cycles = self.busy_cycles = 0

    async def tick(self, ctx, xi, phase) -> None:
        """One cycle; what was asked for comes at its own time, and at no other."""
        cells, lanes = self.cells, self.config.lanes
        self._asked.append((int(ctx.get(cells.ask_chunk)), int(ctx.get(cells.ask_slot)), bool(ctx.get(cells.asks))))
        chunk, slot, is_asked = self._asked.pop(0)
        for port, values in ((cells.xi, xi[:, slot]), (cells.phase, phase)):
            lines = np.resize(values[chunk * lanes:][:lanes], lanes) if is_asked else [-1 & 0xFF] * lanes
            put(ctx, port, lines)
        self.chip_cycles += int(ctx.get(self.adc.chip_cycle))
        self.busy_cycles += int(ctx.get(cells.busy))
        await ctx.tick()

    async def load(self, ctx, plane: Plane, values) -> None:
        cells, lanes = self.cells, self.config.lanes
        ctx.set(cells.active, 0)
        for (row, line), value in np.ndenumerate(values):
            ctx.set(cells.address, line // lanes)
            ctx.set(cells.dac_address, row * cells.chunks + line // lanes)
            ctx.set(cells.value, int(value))
            ctx.set(cells.side_write[plane.name], 1 << line % lanes)
            await ctx.tick()
        ctx.set(cells.side_write[plane.name], 0)

    async def convert(self, ctx, held, xi, phase, t_convert: int = 1) -> list[int]:
        config, cells, adc, lanes = self.config, self.cells, self.adc, self.config.lanes
        ctx.set(cells.active, 1)
        for chunk in range(cells.chunks):
            put(ctx, cells.held, np.resize(held[chunk * lanes:][:lanes], lanes))
            ctx.set(cells.held_chunk, chunk)
            ctx.set(cells.is_held, 1)
            await self.tick(ctx, xi, phase)
        ctx.set(cells.is_held, 0)
        put(ctx, cells.held, [config.adc.held.max] * lanes)
        self.chip_cycles = self.busy_cycles = 0
        ctx.set(cells.settle, 1)
        await self.tick(ctx, xi, phase)
        ctx.set(cells.settle, 0)
        while ctx.get(cells.busy):
            await self.tick(ctx, xi, phase)
        assert self.busy_cycles == cells.settle_cycles
        ctx.set(adc.t_convert, t_convert)
        ctx.set(adc.start, 1)
        await self.tick(ctx, xi, phase)
        ctx.set(adc.start, 0)
        most = config.adc.cycles(t_convert) + cells.conversion_cycles + 2
        for _ in range(most):
            if ctx.get(adc.done):
                break
            await self.tick(ctx, xi, phase)
        assert ctx.get(adc.done), f"done must come within {most} cycles"
        assert self.chip_cycles == config.adc.cycles(t_convert)
        assert self.busy_cycles <= cells.settle_cycles + cells.conversion_cycles
        codes = take(ctx, adc.codes)
        await self.tick(ctx, xi, phase)
        assert not ctx.get(adc.done)
        assert codes == take(ctx, adc.codes), "codes must stand from done on"
        return codes


def stimulus(config: TileConfig, rng):
    """Charges near levels and rails, planes, and what is drawn."""
    adc, n = config.adc, config.n_converters
    top = adc.code.max
    code = rng.choice([-top, 1 - top, -1, 0, 1, top - 1, top, *rng.integers(-top, top, 6)], n)
    held = code * LSB + rng.choice([-129, -128, -127, -1, 0, 1, 127, 128, 129, *rng.integers(-500, 500, 3)], n)
    held[rng.random(n) < 0.1] = rng.choice([adc.held.min, adc.held.max])
    xi, phase = rng.choice(gaussian_of_draw(), (n, adc.bits)), rng.integers(0, 256, n)
    return held, xi, phase


def planes_of(config: TileConfig, rng, wild: bool) -> dict[Plane, np.ndarray]:
    found = {}
    for plane in (Plane.COMPARATOR, Plane.ADC_DAC):
        if plane in config.planes:
            shape = config.planes[plane]
            low, high = (shape.format.min, shape.format.max) if wild else (-600, 600)
            found[plane] = rng.integers(low, high, (shape.rows, shape.cols), endpoint=True)
    return found


@pytest.mark.parametrize("share", [1, 3, 7])
@pytest.mark.parametrize("name", EVERY)
def test_codes_equal_golden(name, share):
    """All kinds, any sharing, planes likely and wild, more than one cycle a step."""
    config = shared(EVERY[name], share)
    bench, rng, found, wanted = Bench(config), np.random.default_rng(share), [], []
    rounds = 1 if config.adc.steps > 40 else 4 if share < 7 else 2

    async def check(ctx):
        for n in range(rounds):
            planes = planes_of(config, rng, wild=n % 2 == 1)
            for plane, values in planes.items():
                await bench.load(ctx, plane, values)
            held, xi, phase = stimulus(config, rng)
            found.append(await bench.convert(ctx, held, xi, phase, 1 + 2 * (n // 2)))
            noise = round_half_even(config.adc.comparator_sigma * xi, GAUSSIAN_FRAC).T
            draws = phase if config.adc.phase_noise else 0
            if config.adc.comparator_sigma:
                draws = noise if config.adc.kind is AdcKind.SAR else noise[0]
            wanted.append(config.converter.convert(held, planes.get(Plane.COMPARATOR, np.zeros((1, 7), int))[0],
                                                   planes.get(Plane.ADC_DAC, 0), draws))

    run(bench.design, check)
    assert_bits(f"{name}, code (batch, line)", wanted, found)


@pytest.mark.parametrize("name", ["sar ideal", "ramp ideal", "cco ideal", "spi 4 bits"])
def test_ideal_converters_at_every_level(name):
    """Beyond both rails too."""
    config = shared((EVERY | {"sar ideal": AdcConfig(bits=4)})[name], 1)
    bench, found = Bench(config), []
    held = np.ravel(np.arange(-9, 10)[:, None] * LSB + [-129, -128, -127, -1, 0, 1, 127])
    held = np.resize(held, -(-len(held) // 7) * 7).reshape(-1, 7)
    nothing = np.zeros((7, 4), dtype=np.int64)

    async def convert_all(ctx):
        for charges in held:
            found.append(await bench.convert(ctx, charges, nothing, nothing[:, 0]))

    run(bench.design, convert_all)
    assert_bits("code (batch, line)", config.converter.convert(held), found)
    assert {-7, 0, 7} <= set(np.ravel(found).tolist())


def test_planes_are_read_back_between_operations():
    config = shared(KINDS["sar"], 2)
    bench, rng = Bench(config), np.random.default_rng(1)
    planes = planes_of(config, rng, wild=True)

    async def check(ctx):
        for plane, values in planes.items():
            await bench.load(ctx, plane, values)
        for plane, values in planes.items():
            for (row, line), value in np.ndenumerate(values):
                ctx.set(bench.cells.address, line // config.lanes)
                ctx.set(bench.cells.dac_address, row * bench.cells.chunks + line // config.lanes)
                await ctx.tick()
                assert take(ctx, bench.cells.memories[plane].values)[line % config.lanes] == value

    run(bench.design, check)


@pytest.mark.parametrize("t_convert", [1, 2, 5, 255])
def test_a_trial_lasts_t_convert_and_is_read_at_its_end(t_convert):
    """The comparators say nothing true before a trial's last cycle."""
    config = CONFIGS["narrow"]
    adc, code = AdcInterface(config), config.adc.code
    levels = [code.min - 1, 3, code.max]

    async def bench(ctx):
        ctx.set(adc.t_convert, t_convert)
        ctx.set(adc.start, 1)
        await ctx.tick()
        ctx.set(adc.start, 0)
        for step in range(config.adc.bits):
            trials = take(ctx, adc.adc_trial)
            right = sum((level >= trial) << n for n, (level, trial) in enumerate(zip(levels, trials, strict=True)))
            for cycle in range(t_convert):
                assert_bits("trial", trials, take(ctx, adc.adc_trial))
                assert not ctx.get(adc.done)
                assert ctx.get(adc.adc_step) == (cycle == 0)
                assert ctx.get(adc.adc_start) == (cycle == 0 and step == 0)
                ctx.set(adc.adc_compare, right if cycle == t_convert - 1 else ~right & 7)
                await ctx.tick()
        assert ctx.get(adc.done)
        assert_bits("codes", np.clip(levels, code.min, code.max), take(ctx, adc.codes))

    run(adc, bench)


@pytest.mark.parametrize("share", [1, 2, 3])
def test_lines_take_turns(share):
    """Each line is converted in its round and in no other, also where the last converter has none to take."""
    config = replace(CONFIGS["narrow"], adc=replace(CONFIGS["narrow"].adc, columns_per_adc=share))
    adc, levels, seen = AdcInterface(config), [-4, 5, 2], []

    async def bench(ctx):
        ctx.set(adc.t_convert, 2)
        ctx.set(adc.start, 1)
        await ctx.tick()
        ctx.set(adc.start, 0)
        for _ in range(config.adc.cycles(2) + 2):
            if ctx.get(adc.done):
                break
            select, trials = int(ctx.get(adc.adc_select)), take(ctx, adc.adc_trial)
            seen.append(select)
            lines = [(levels[m * share + select] if m * share + select < 3 else 0) for m in range(len(trials))]
            ctx.set(adc.adc_compare, sum(int(level >= trial) << m
                                         for m, (level, trial) in enumerate(zip(lines, trials, strict=True))))
            await ctx.tick()
        assert ctx.get(adc.done)
        assert_bits("codes", levels, take(ctx, adc.codes))

    run(adc, bench)
    n = config.adc.steps * 2
    assert seen[:share * n] == [select for select in range(share) for _ in range(n)]


@pytest.mark.parametrize("t_convert", [1, 3])
def test_busy_holds_a_step_and_is_no_chip_time(t_convert):
    """An emulator that is slow to answer delays the end of each step; what it costs is not the chip's."""
    config = CONFIGS["narrow"]
    adc, chip, cycles = AdcInterface(config), [], []

    async def bench(ctx):
        ctx.set(adc.t_convert, t_convert)
        ctx.set(adc.start, 1)
        await ctx.tick()
        ctx.set(adc.start, 0)
        left = 0
        while not ctx.get(adc.done):
            left = 6 if ctx.get(adc.adc_step) else max(left - 1, 0)
            ctx.set(adc.busy, left > 0)
            ctx.set(adc.adc_compare, 0b010 if not left else 0b101)
            chip.append(int(ctx.get(adc.chip_cycle)))
            cycles.append(1)
            await ctx.tick()
        assert take(ctx, adc.codes) == [-7, 7, -7]

    run(adc, bench)
    assert sum(chip) == config.adc.bits * t_convert
    assert len(cycles) == config.adc.bits * 7


def test_stop_abandons_a_conversion():
    config = shared(AdcConfig(bits=4), 3)
    adc = AdcInterface(config)

    async def bench(ctx):
        ctx.set(adc.t_convert, 2)
        for cycles in range(1, 25):
            ctx.set(adc.start, 1)
            await ctx.tick()
            ctx.set(adc.start, 0)
            await ctx.tick().repeat(cycles)
            ctx.set(adc.stop, 1)
            await ctx.tick()
            ctx.set(adc.stop, 0)
            for _ in range(30):
                assert not ctx.get(adc.chip_cycle)
                assert not ctx.get(adc.adc_step)
                assert not ctx.get(adc.done)
                await ctx.tick()
        ctx.set(adc.start, 1)
        await ctx.tick()
        ctx.set(adc.start, 0)
        ctx.set(adc.adc_compare, 0b111)
        await ctx.tick().until(adc.done)
        assert take(ctx, adc.codes) == [7] * 7

    run(adc, bench)
