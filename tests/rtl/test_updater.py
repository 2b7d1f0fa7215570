# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import pytest

from golden.config import Plane, TileConfig
from golden.noise import gaussian_of_draw
from golden.presets import DEVICES
from rtl.updater import Updater
from tests.rtl.simulation import asked, put, run, take
from tests.support import CONFIGS, FOLDED, HUMP, assert_bits, device_planes

NOISE_LATENCY = 9
CASES = {
    **{name: CONFIGS[name] for name in ("tiny", "quiet", "linear", "softbounds", "table", "narrow", "writenoise",
                                         "writenoise alone")},
    "C equals P": TileConfig(rows=3, cols=4, lanes=4, device=DEVICES["SoftBounds"]),
    "one chunk, table": TileConfig(rows=2, cols=3, lanes=3, device=HUMP),
    "rolled": FOLDED["rolled"],
    "narrow parameters": replace(CONFIGS["linear"], parameter_bits=9),
    "narrow parameters, writenoise": replace(CONFIGS["writenoise"], parameter_bits=9),
    **{f"constants, {name}": replace(CONFIGS[name], device=CONFIGS[name].device.alike(), parameter_bits=0)
       for name in ("tiny", "softbounds", "table", "writenoise")},
}


class Array:
    """Weights as block RAM with registers at addresses and outputs, of which a rolled tile has none: the old value
    where a read and a write meet.
    """

    def __init__(self, config: TileConfig, weights: np.ndarray):
        self.memory = weights.copy()
        self.is_bare = config.rolled
        self.read = self.word = [0] * config.lanes
        self.address, self.write = 0, (0, 0, ())

    def edge(self, address: int, write_place: int, mask: int, values) -> None:
        following = address, (write_place, mask, values)
        if self.is_bare:
            self.address, self.write = following
        word = self.memory[self.address].tolist()
        self.read, self.word = word if self.is_bare else self.word, word
        place, written, at = self.write
        for lane, value in enumerate(at):
            if written >> lane & 1:
                self.memory[place, lane] = value
        self.address, self.write = following


def chunked(config: TileConfig, values: np.ndarray) -> np.ndarray:
    """A plane as (places, lanes), zero beyond the last column."""
    padded = np.zeros((config.rows, config.chunks * config.lanes), dtype=np.int64)
    padded[:, :config.cols] = values
    return padded.reshape(config.rows * config.chunks, config.lanes)


def apply(config: TileConfig, planes: dict, visit: dict) -> None:
    """One visit on planes of (places, lanes), by golden."""
    place, lanes = visit["place"], np.nonzero(visit["mask"])[0]
    up = visit["up"][lanes] > 0
    at = {plane: values[place, lanes] for plane, values in planes.items() if values.shape[1:] == (config.lanes,)}
    at |= {plane: np.full(len(lanes), values[0, 0]) for plane, values in config.constants.items()}
    step = np.where(up, at[Plane.STEP_UP], at[Plane.STEP_DOWN])
    slope = np.where(up, at[Plane.SLOPE_UP], at[Plane.SLOPE_DOWN]) if config.device.has_slope else 0
    persistent = Plane.HIDDEN if Plane.HIDDEN in planes else Plane.WEIGHT
    planes[persistent][place, lanes] = after = config.engine.pulse(
        at[persistent], up, step, slope, at[Plane.W_MAX], at[Plane.W_MIN], visit["xi"][lanes])
    if persistent == Plane.HIDDEN:
        planes[Plane.WEIGHT][place, lanes] = config.engine.apparent(after, visit["write_xi"][lanes])


def random_visits(config: TileConfig, places, rng) -> list[dict]:
    shape = (config.rows, config.chunks, config.lanes)
    exists = (np.arange(config.chunks * config.lanes) < config.cols).reshape(shape[1:])
    return [{"place": int(place), "up": rng.integers(0, 2, config.lanes),
             "mask": (rng.random(config.lanes) < 0.7) & exists[place % config.chunks],
             "xi": rng.choice(gaussian_of_draw(), config.lanes),
             "write_xi": rng.choice(gaussian_of_draw(), config.lanes)} for place in places]


def bits(mask) -> int:
    return sum(1 << n for n, bit in enumerate(mask) if bit)


def update(config: TileConfig, places, seed: int, pause: float = 0.0) -> tuple[list[int], Updater]:
    """Run visits to `places` and compare weights and coincidences with golden; the cycles of the visits."""
    rng = np.random.default_rng(seed)
    updater = Updater(config, NOISE_LATENCY)
    planes = {plane: chunked(config, values) for plane, values in device_planes(config, seed).items()
              if config.planes[plane].rows == config.rows}
    has_write_noise = Plane.HIDDEN in planes
    array = Array(config, planes[Plane.HIDDEN if has_write_noise else Plane.WEIGHT])
    apparent = Array(config, planes[Plane.WEIGHT])
    visits = random_visits(config, places, rng)
    cycles, found_coincidences = [], 0

    async def load(ctx):
        for plane in updater.parameters:
            for place, values in enumerate(planes[plane]):
                for lane, value in enumerate(values):
                    ctx.set(updater.side_place, place)
                    ctx.set(updater.value, int(value))
                    ctx.set(updater.side_write[plane.name], 1 << lane)
                    await ctx.tick()
            ctx.set(updater.side_write[plane.name], 0)

    async def bench(ctx):
        nonlocal found_coincidences
        await load(ctx)
        ctx.set(updater.active, 1)
        waiting, taken, noises, idle_for, cycle = list(visits), [], [None] * NOISE_LATENCY, 0, 0
        lanes = [None] * updater.lanes_latency
        while idle_for <= updater.drain:
            offered = bool(waiting) and rng.random() >= pause
            ctx.set(updater.valid, offered)
            if offered:
                visit = waiting[0]
                ctx.set(updater.place, visit["place"])
            begun = taken.pop(0) if ctx.get(updater.visit) else None
            noises.append(begun)
            lanes.append(begun)
            if begun:
                cycles.append(cycle)
            masked = lanes.pop(0)
            for name in ("mask", "up"):
                ctx.set(getattr(updater, name), bits(masked[name] if masked else rng.integers(0, 2, config.lanes)))
            if offered and not ctx.get(updater.blocked):
                taken.append(waiting.pop(0))
            arrived = noises.pop(0)
            put(ctx, updater.xi, arrived["xi"] if arrived else rng.integers(-4000, 4000, config.lanes))
            if has_write_noise:
                put(ctx, updater.write_xi, arrived["write_xi"] if arrived else rng.integers(-4000, 4000, config.lanes))
            found_coincidences += ctx.get(updater.coincidences)
            put(ctx, updater.weights, array.read)
            edge = (int(ctx.get(updater.address)), int(ctx.get(updater.write_place)), int(ctx.get(updater.write_mask)),
                    take(ctx, updater.write_values))
            shown = (0, int(ctx.get(updater.apparent_place)), int(ctx.get(updater.apparent_mask)),
                     take(ctx, updater.apparent_values)) if has_write_noise else None
            await ctx.tick()
            array.edge(*edge)
            if shown:
                apparent.edge(*shown)
            idle_for = 0 if waiting or offered else idle_for + 1
            cycle += 1

    run(updater, bench)
    for visit in visits:
        apply(config, planes, visit)
    if has_write_noise:
        assert_bits("hidden weight (place, lane)", planes[Plane.HIDDEN], array.memory)
        array = apparent
    assert_bits("weight (place, lane)", planes[Plane.WEIGHT], array.memory)
    assert_bits("coincidences", sum(int(visit["mask"].sum()) for visit in visits), found_coincidences)
    return cycles, updater


@pytest.mark.parametrize("pause", [0.0, 0.4])
@pytest.mark.parametrize("name", CASES)
def test_random_places(name, pause):
    """Few places, so that the same one comes again at every distance."""
    config = CASES[name]
    depth = config.rows * config.chunks
    places = np.random.default_rng(1).integers(0, min(depth, 4), 80)
    update(config, places, 2, pause)


@pytest.mark.parametrize("name", ["tiny", "quiet", "table", "rolled"])
def test_same_place_again_waits_as_long_as_it_must(name):
    """The worst case: one row of one chunk, in every slot of the longest train."""
    config = CASES[name]
    cycles, updater = update(config, [0] * 63, 3)
    assert_bits("cycles between visits", np.full(62, updater.wait + 1), np.diff(cycles))


@pytest.mark.parametrize("distance", range(1, 17))
def test_every_distance_between_visits_to_one_place(distance):
    """Places in a ring: one visit a cycle, but where the ring is shorter than a read-modify-write."""
    config = replace(CASES["C equals P"], rows=16)
    cycles, updater = update(config, np.tile(np.arange(distance), 40 // distance), 4)
    lap = max(distance, updater.wait + 1)
    assert_bits("cycles of a lap", np.full(len(cycles) - distance, lap),
                np.subtract(cycles[distance:], cycles[:-distance]))


def test_different_places_one_a_cycle():
    config = CASES["linear"]
    cycles, _ = update(config, np.arange(config.rows * config.chunks), 5)
    assert_bits("cycles between visits", np.ones(len(cycles) - 1, dtype=int), np.diff(cycles))


@pytest.mark.parametrize(("parameter_bits", "widths"), [
    (18, [16, 16, 16, 16, 18, 18]), (17, [16, 16, 16, 16, 17, 17]), (9, [9] * 6), (0, [])])
def test_memories_are_as_wide_as_parameters(parameter_bits, widths):
    config = TileConfig(device=DEVICES["EcRam"].alike(), parameter_bits=parameter_bits)
    memories = asked(lambda: Updater(config, NOISE_LATENCY), lambda updater: updater.parameters)
    assert [len(memory.values[0]) for memory in memories.values()] == widths


@pytest.mark.parametrize("name", CASES)
def test_write_latency_is_exact(name):
    """One visit: its write comes in that cycle and in no other."""
    config = CASES[name]
    updater, writes = Updater(config, NOISE_LATENCY), []

    async def bench(ctx):
        ctx.set(updater.active, 1)
        ctx.set(updater.valid, 1)
        ctx.set(updater.mask, 1)
        await ctx.tick()
        ctx.set(updater.valid, 0)
        for _ in range(updater.entry - 1):
            await ctx.tick()
        for cycle in range(updater.write_latency + 5):
            assert ctx.get(updater.visit) == (cycle == 0)
            if ctx.get(updater.write_mask):
                writes.append(cycle)
            await ctx.tick()

    run(updater, bench)
    assert writes == [updater.write_latency]
