# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import pytest

from golden.config import MAX_BL, MAX_LEVEL, TileConfig
from golden.noise import Stream
from golden.presets import TILES
from golden.pulses import WORD_SLOTS, Train, negative, pulse_width, train
from rtl.pulses import PulseTrain, PulseWidth
from tests.rtl.simulation import run
from tests.support import CONFIGS, assert_bits

ALL_CODES = replace(TILES["tiny"], rows=31, code_bits=5)
"""One line for each of the codes."""
CASES = {**CONFIGS, "many chunks": TileConfig(rows=13, cols=9, lanes=4)}


def bits(word: int, n: int) -> list[int]:
    return [word >> i & 1 for i in range(n)]


async def load_codes(ctx, width, codes, prefix: str = "") -> None:
    """Into a `PulseWidth`, or the ports of a `Drive` by their prefix."""
    write, index, value = (getattr(width, prefix + name) for name in ("write", "index", "code"))
    for n, code in enumerate(codes):
        ctx.set(write, 1)
        ctx.set(index, n)
        ctx.set(value, int(code))
        await ctx.tick()
    ctx.set(write, 0)


@pytest.mark.parametrize("pause", [0, 2])
@pytest.mark.parametrize("name", ["all codes", "narrow", "table", "linear"])
def test_pulse_width_slot_by_slot(name, pause):
    """Codes over older codes, slots one a cycle or slower; pulses and polarity stand between."""
    config = {"all codes": ALL_CODES, **CONFIGS}[name]
    width, n, n_slots = PulseWidth(config), config.n_converters, config.code.max
    rng = np.random.default_rng(1)
    batches = [rng.permutation(np.resize(np.arange(config.code.min, config.code.max + 1), n)) for _ in range(2)]
    batches += [np.full(n, config.code.max), np.zeros(n, dtype=int), np.full(n, config.code.min)]

    async def bench(ctx):
        for number, codes in enumerate(batches):
            await load_codes(ctx, width, codes)
            ctx.set(width.restart, 1)
            await ctx.tick()
            ctx.set(width.restart, 0)
            found = []
            for _ in range(n_slots):
                for _ in range(pause):
                    await ctx.tick()
                found.append(bits(ctx.get(width.pulses), n))
                assert_bits("PulseWidth.negative", codes < 0, bits(ctx.get(width.negative), n))
                ctx.set(width.advance, 1)
                await ctx.tick()
                ctx.set(width.advance, 0)
            assert_bits(f"PulseWidth.pulses (slot, line), batch {number}", pulse_width(codes, n_slots).T, found, 0)

    run(width, bench)


def test_a_line_loaded_anew_leaves_the_others():
    config = ALL_CODES
    width = PulseWidth(config)

    async def bench(ctx):
        codes = np.arange(config.code.min, config.code.max + 1)
        await load_codes(ctx, width, codes)
        codes[7] = 3
        ctx.set(width.write, 1)
        ctx.set(width.index, 7)
        ctx.set(width.code, 3)
        await ctx.tick()
        ctx.set(width.write, 0)
        ctx.set(width.restart, 1)
        await ctx.tick()
        ctx.set(width.restart, 0)
        ctx.set(width.advance, 1)
        for slot in range(config.code.max):
            assert_bits(f"pulses in slot {slot}", pulse_width(codes, config.code.max)[:, slot],
                        bits(ctx.get(width.pulses), len(codes)))
            await ctx.tick()

    run(width, bench)


def levels(config: TileConfig, seed: int) -> np.ndarray:
    """Levels of all rows and columns: the ends, the smallest, and any."""
    rng = np.random.default_rng(seed)
    n = config.rows + config.cols
    edges = rng.choice([0, 1, -1, MAX_LEVEL, -MAX_LEVEL, MAX_LEVEL - 1, 1 - MAX_LEVEL], n)
    return np.where(rng.random(n) < 0.4, edges, rng.integers(-MAX_LEVEL, MAX_LEVEL, n, endpoint=True))


async def load_levels(ctx, generator, values) -> None:
    """Into a `PulseTrain`, or through the drive of a sequencer."""
    config = generator.config
    ports, prefix = (generator, "") if isinstance(generator, PulseTrain) else (generator.drive, "train_")
    write, chunk, lane, value = (getattr(ports, prefix + name) for name in ("write", "chunk", "lane", "value"))
    for n, level in enumerate(values):
        line = n if n < config.rows else n - config.rows
        ctx.set(write, 1)
        ctx.set(chunk, line // config.lanes + (0 if n < config.rows else -(-config.rows // config.lanes)))
        ctx.set(lane, line % config.lanes)
        ctx.set(value, int(level))
        await ctx.tick()
    ctx.set(write, 0)


async def play(ctx, generator: PulseTrain, seed: int, event: int, late, first: int = 0,
               end: int | None = None) -> tuple[list, list, list]:
    """Slots `first` to `end` - 1 of a loaded train: pulses of rows and of columns, and the cycles of the slots.

    `late(slot)` cycles pass between a slot's `ready` and its `advance`. A train that ends early is stopped.
    """
    config, bl = generator.config, int(ctx.get(generator.bl)) if end is None else end
    rows, cols, cycles, cycle = [], [], [], 0

    async def tick():
        nonlocal cycle
        await ctx.tick()
        cycle += 1

    for port, value in ((generator.seed, seed), (generator.event, event), (generator.first_slot, first),
                        (generator.start, 1)):
        ctx.set(port, value)
    await tick()
    ctx.set(generator.start, 0)
    ctx.set(generator.first_slot, 0)
    for slot in range(first, bl):
        while not ctx.get(generator.ready):
            await tick()
            assert cycle < 20_000, f"slot {slot} must be ready some time"
        for _ in range(late(slot)):
            await tick()
        assert ctx.get(generator.ready), "ready must hold until advance"
        rows.append(bits(ctx.get(generator.row_pulses), config.rows))
        cols.append(bits(ctx.get(generator.col_pulses), config.cols))
        cycles.append(cycle)
        ctx.set(generator.advance, 1)
        await tick()
        ctx.set(generator.advance, 0)
    if end is not None:
        for _ in range(late(end)):  # with the next slot made, too
            await tick()
        ctx.set(generator.stop, 1)
        await tick()
        ctx.set(generator.stop, 0)
        return rows, cols, cycles
    for _ in range(generator.latency + 2 * generator.chunks):
        assert not ctx.get(generator.ready), "no slot must follow the last one"
        await tick()
    return rows, cols, cycles


@pytest.mark.parametrize("late", [0, "random"], ids=["in-time", "late"])
@pytest.mark.parametrize("name", CASES)
def test_train_slot_by_slot(name, late):
    """Trains of every kind, of 1, 2, some and 63 slots, after one another, at the ends of seed and event."""
    config = CASES[name]
    generator, rng = PulseTrain(config), np.random.default_rng(4)
    S, M, D, W = Train
    operations = [(S, 1, 0, 0), (S, 2, 0xFFFFFFFF, 0xFFFFFFFF), (M, MAX_BL, 1, 1), (S, MAX_BL, 12345, 1 << 31),
                  (W, WORD_SLOTS, 1, 2), (D, MAX_BL, 1, 1), (M, 1, 1, 1), (D, 1, 1, 1), (S, 1, 7, 8), (W, 3, 0, 0),
                  (M, 30, 1, 1), (D, 31, 1, 1), (S, 5, 1, 2)]

    async def bench(ctx):
        for number, (kind, bl, seed, event) in enumerate(operations):
            values = rng.integers(-1 << 31, 1 << 31, config.rows + config.cols) if kind is W else levels(config, number)
            x, d = values[:config.rows], values[config.rows:]
            ctx.set(generator.kind, kind)
            ctx.set(generator.bl, bl)
            await load_levels(ctx, generator, values)
            rows, cols, cycles = await play(
                ctx, generator, seed, event,
                (lambda slot: int(rng.integers(0, 3 * generator.chunks))) if late else (lambda slot: 0))
            for named, stream, given, found in (("row", Stream.ROW_TRAIN, x, rows),
                                                ("col", Stream.COLUMN_TRAIN, d, cols)):
                wanted = train(config, seed, stream, event, given, bl, kind)
                assert_bits(f"PulseTrain.{named}_pulses (slot, line), train {number}, {kind.name}", wanted.T, found)
                assert_bits(f"{named}_negative", negative(given, kind),
                            bits(ctx.get(getattr(generator, f"{named}_negative")), len(given)))
            if not late:
                assert cycles[0] <= generator.latency + generator.chunks + 1
                assert max(np.diff(cycles), default=0) <= generator.source.slot_cycles

    run(generator, bench)


@pytest.mark.parametrize("kind", Train, ids=lambda kind: kind.name)
@pytest.mark.parametrize("name", ["tiny", "many chunks"])
def test_train_in_two_parts(name, kind):
    """A train that is stopped anywhere, one slot made ahead or not, goes on behind its last slot; and a stopped one
    leaves nothing for the next.
    """
    config, bl = CASES[name], 9
    generator, rng = PulseTrain(config), np.random.default_rng(5)

    async def bench(ctx):
        values = levels(config, 3)
        if kind is Train.WORDS:
            values = rng.integers(-1 << 31, 1 << 31, len(values))
        whole = [train(config, 6, stream, 7, given, bl, kind).T for stream, given in (
            (Stream.ROW_TRAIN, values[:config.rows]), (Stream.COLUMN_TRAIN, values[config.rows:]))]
        ctx.set(generator.kind, kind)
        ctx.set(generator.bl, bl)
        await load_levels(ctx, generator, values)
        for cut in range(bl):
            for wait in (0, 1, 2, generator.chunks, generator.latency + 3 * generator.chunks):
                rows, cols, _ = await play(ctx, generator, 6, 7, lambda slot, wait=wait: wait, 0, cut)
                if wait % 2:
                    await load_levels(ctx, generator, values)
                rest = await play(ctx, generator, 6, 7, lambda slot: 0, cut)
                for named, wanted, found in (("rows", whole[0], rows + rest[0]), ("columns", whole[1], cols + rest[1])):
                    assert_bits(f"{named} of a train that was cut at slot {cut}, {wait} cycles late", wanted, found)

    run(generator, bench)


@pytest.mark.parametrize("name", ["all codes", "narrow", "linear"])
def test_bits_of_codes(name):
    """Bit-serial codes: each bit of the magnitudes of all lines."""
    config = {"all codes": ALL_CODES, **CONFIGS}[name]
    width, n = PulseWidth(config), config.n_converters

    async def bench(ctx):
        codes = np.resize(np.arange(config.code.min, config.code.max + 1), n)
        await load_codes(ctx, width, codes)
        for bit in range(config.code_bits - 1):
            ctx.set(width.bit, bit)
            assert_bits(f"bit {bit}", np.abs(codes) >> bit & 1, bits(ctx.get(width.serial), n))

    run(width, bench)
