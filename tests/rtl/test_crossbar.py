# SPDX-License-Identifier: Apache-2.0
"""The emulated array alone, with the bench as controller: planes, charges, coincidences, and its cycles."""
from dataclasses import replace

import numpy as np
import pytest

from golden import crossbar as golden
from golden.config import DIGITAL, MAX_BL, Plane, TileConfig
from golden.pulses import pulse_width
from golden.tile import Tile
from rtl.analog_port import Mode
from rtl.crossbar import CrossbarEmulator
from rtl.planes import SIDE_LATENCY
from tests.rtl.simulation import run
from tests.support import CONFIGS, assert_bits, device_planes, loaded_tile, random_codes

SEED = 5


def word(lines) -> int:
    return sum(1 << n for n, bit in enumerate(lines) if bit)


class Bench:
    """Drives the port as a controller does, and the side band."""

    def __init__(self, config: TileConfig):
        self.config, self.emulator = config, CrossbarEmulator(config)
        self.coincidences = 0

    async def tick(self, ctx) -> None:
        self.coincidences += int(ctx.get(self.emulator.coincidences))
        await ctx.tick()

    def address(self, ctx, plane: Plane, row: int, column: int) -> None:
        side, lanes = self.emulator.side, self.config.lanes
        for name, value in {"plane": plane, "row": row, "chunk": column // lanes, "lane": column % lanes}.items():
            ctx.set(getattr(side, name), value)

    async def write(self, ctx, plane: Plane, values) -> None:
        side = self.emulator.side
        for (row, column), value in np.ndenumerate(values):
            self.address(ctx, plane, row, column)
            ctx.set(side.value, int(value))
            ctx.set(side.write, 1)
            await self.tick(ctx)
        ctx.set(side.write, 0)
        await self.tick(ctx)  # the last one is on its way

    async def read(self, ctx, plane: Plane) -> np.ndarray:
        """Each place `SIDE_LATENCY` cycles after its address."""
        shape = self.config.planes[plane]
        found = np.zeros((shape.rows, shape.cols), dtype=np.int64)
        for row, column in np.ndindex(found.shape):
            self.address(ctx, plane, row, column)
            for _ in range(SIDE_LATENCY):
                await self.tick(ctx)
            found[row, column] = int(ctx.get(self.emulator.side.read))
        return found

    async def window(self, ctx, mode: Mode, row_pulses, col_pulses, row_negative, col_negative) -> int:
        """Play (lines, slots); the cycles of `busy` that follow."""
        port = self.emulator.port
        ctx.set(port.mode, mode)
        ctx.set(port.integrate, 1)
        ctx.set(port.row_negative, word(row_negative))
        ctx.set(port.col_negative, word(col_negative))
        await self.tick(ctx)
        for slot in range(row_pulses.shape[1]):
            ctx.set(port.row_pulse, word(row_pulses[:, slot]))
            ctx.set(port.col_pulse, word(col_pulses[:, slot]))
            ctx.set(port.slot, 1)
            await self.tick(ctx)
        for name in ("slot", "row_pulse", "col_pulse", "integrate"):
            ctx.set(getattr(port, name), 0)
        await self.tick(ctx)
        busy = 0
        while ctx.get(port.busy):
            busy += 1
            assert busy < 100_000, "busy must end"
            await self.tick(ctx)
        return busy

    async def multiply(self, ctx, mode: Mode, codes) -> tuple[list[int], int]:
        """Codes by trying every trial code on all converters, and the cycles of `busy`."""
        config, port = self.config, self.emulator.port
        pulses = pulse_width(codes, config.code.max)
        rest_rows, rest_cols = (np.zeros((n, pulses.shape[1]), dtype=bool) for n in (config.rows, config.cols))
        lines = (pulses, rest_cols) if mode == Mode.FORWARD else (rest_rows, pulses)
        negatives = (codes < 0, rest_cols[:, 0]) if mode == Mode.FORWARD else (rest_rows[:, 0], codes < 0)
        busy = await self.window(ctx, mode, *lines, *negatives)
        found = np.full(config.n_converters, config.adc.code.min)
        for trial in range(config.adc.code.min + 1, config.adc.code.max + 1):
            for pin in port.adc_trial:
                ctx.set(pin, trial)
            above = int(ctx.get(port.adc_compare))
            found += [above >> n & 1 for n in range(config.n_converters)]
        ctx.set(port.mode, Mode.IDLE)
        await self.tick(ctx)
        return found.tolist()[:config.cols if mode == Mode.FORWARD else config.rows], busy


def small_adc(config: TileConfig) -> TileConfig:
    """Few codes, because the bench tries them one by one."""
    return replace(config, adc=replace(config.adc, bits=5))


CASES = {name: small_adc(CONFIGS[name]) for name in ("tiny", "softbounds", "table", "narrow", "writenoise",
                                                         "writenoise alone")}
CASES["table"] = replace(CASES["table"], rows=3, cols=4, lanes=4, code_bits=5)  # C equals P


async def load(ctx, bench: Bench, tile: Tile) -> None:
    ctx.set(bench.emulator.side.seed, tile.get("seed"))
    for plane, values in in_the_array(tile.planes).items():
        await bench.write(ctx, plane, values)


def in_the_array(planes: dict) -> dict:
    """Without those that the digital half keeps."""
    return {plane: values for plane, values in planes.items() if plane not in DIGITAL}


@pytest.mark.parametrize("name", CASES)
def test_planes_are_read_back(name):
    config = CASES[name]
    bench, planes = Bench(config), in_the_array(device_planes(CASES[name], SEED))

    async def check(ctx):
        for plane, values in planes.items():
            await bench.write(ctx, plane, values)
        for plane, values in planes.items():
            assert_bits(plane.name, values, await bench.read(ctx, plane))

    run(bench.emulator, check)


@pytest.mark.parametrize("name", CASES)
def test_forward_and_backward(name):
    """Rails, zero and any, in both directions by turns; `busy` keeps to its bound."""
    config = CASES[name]
    bench, tile = Bench(config), loaded_tile(CASES[name], SEED)
    chunks, emulator = config.chunks, bench.emulator

    async def check(ctx):
        await load(ctx, bench, tile)
        for x, d in zip(random_codes(config, 4, config.rows, 1), random_codes(config, 4, config.cols, 2), strict=True):
            for mode, codes, multiply in ((Mode.FORWARD, x, tile.forward), (Mode.BACKWARD, d, tile.backward)):
                ctx.set(emulator.side.event, tile.get("event"))
                found, busy = await bench.multiply(ctx, mode, codes)
                assert_bits(f"{mode.name} code", multiply(codes)[0], found)
                active_chunks = sum(bool(codes[n * config.lanes:][:config.lanes].any()) for n in range(chunks))
                visits = max(np.count_nonzero(codes), 1) * chunks if mode == Mode.FORWARD else \
                    config.rows * max(active_chunks, 1)
                assert busy <= visits + emulator.multiply_constant, f"{mode.name}: {busy} cycles for {visits} visits"

    run(emulator, check)


def trains(config: TileConfig, kind: str, bl: int, rng):
    """Pulses of rows and columns (lines, BL)."""
    row, col = (rng.random((n, bl)) < 0.6 for n in (config.rows, config.cols))
    match kind:
        case "all on":
            row[:], col[:] = True, True
        case "one row":
            row[:], row[-1] = False, True
            col[:] = True
        case "one cross-point":
            row[:], row[0] = False, True
            col[:], col[-1] = False, True
        case "no rows":
            row[:] = False
        case "no columns":
            col[:] = False
    return row, col


TRAINS = {"one slot": 1, "all on": 7, "one row": MAX_BL, "no rows": 2, "one cross-point": 12, "no columns": 3,
          "random": 9}
"""Slots of each kind of train."""


@pytest.mark.parametrize("name", CASES)
def test_update(name):
    """Update after update: weights, coincidences and the bound of `busy`."""
    config = CASES[name]
    bench, tile, rng = Bench(config), loaded_tile(CASES[name], SEED), np.random.default_rng(8)
    emulator, planes = bench.emulator, tile.planes

    async def check(ctx):
        await load(ctx, bench, tile)
        for event, (kind, bl) in enumerate(TRAINS.items()):
            row, col = trains(config, kind, bl, rng)
            row_negative, col_negative = (rng.random(n) < 0.5 for n in (config.rows, config.cols))
            ctx.set(emulator.side.event, event)
            bench.coincidences = 0
            busy = await bench.window(ctx, Mode.UPDATE, row, col, row_negative, col_negative)
            ctx.set(emulator.port.mode, Mode.IDLE)
            await bench.tick(ctx)
            wanted = golden.update(config, planes, SEED, event, row, col, row_negative, col_negative)
            assert_bits(f"coincidences, {kind}", wanted, bench.coincidences)
            for plane in (Plane.WEIGHT, Plane.HIDDEN):
                if plane in planes:
                    assert_bits(f"{plane.name}, {kind}", planes[plane], await bench.read(ctx, plane))
            visits = int(row.sum()) * config.chunks
            bound = visits + emulator.slot_constant * bl + emulator.update_constant
            assert busy <= bound, f"{kind}: {busy} cycles for {visits} visits in {bl} slots, at most {bound}"

    run(emulator, check)


def test_planes_are_out_of_reach_during_an_operation():
    """A write to any plane in the window or while busy changes nothing."""
    config = CASES["narrow"]
    bench, tile = Bench(config), loaded_tile(CASES["narrow"], SEED)
    emulator = bench.emulator
    port, side = emulator.port, emulator.side

    async def disturb(ctx, plane: Plane):
        bench.address(ctx, plane, 0, 1)
        ctx.set(side.value, int(tile.planes[plane][0, 1]) ^ 1)
        ctx.set(port.mode, Mode.FORWARD)
        ctx.set(port.integrate, 1)
        await bench.tick(ctx)
        ctx.set(side.write, 1)
        await bench.tick(ctx)
        ctx.set(port.integrate, 0)
        await bench.tick(ctx)
        while ctx.get(port.busy):
            await bench.tick(ctx)
        ctx.set(side.write, 0)
        ctx.set(port.mode, Mode.IDLE)
        await bench.tick(ctx)

    async def check(ctx):
        await load(ctx, bench, tile)
        for plane in in_the_array(tile.planes):
            await disturb(ctx, plane)
        for plane, values in in_the_array(tile.planes).items():
            assert_bits(plane.name, values, await bench.read(ctx, plane))

    run(emulator, check)
