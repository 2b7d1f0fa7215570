# SPDX-License-Identifier: Apache-2.0
"""The walk over the cross-points where pulses coincide: which, in which order, in which direction."""
from dataclasses import replace

import numpy as np
import pytest

from rtl.pulse_walk import PulseWalk
from tests.rtl.simulation import run
from tests.support import FOLDED, assert_bits

CASES = {"wide": FOLDED["folded wide"], "tall": replace(FOLDED["folded wide"], rows=21, cols=7, lanes=3),
         "a lane": replace(FOLDED["folded wide"], rows=3, cols=4, lanes=1),
         "parts": replace(FOLDED["folded wide"], rows=45, cols=30, lanes=20),
         "a chunk": replace(FOLDED["folded wide"], rows=70, cols=32, lanes=32), "rolled": FOLDED["rolled"]}
OUTPUTS = ("slot_number", "row", "chunk", "place", "negative", "columns' pulses", "columns' polarities")


def word(bits) -> int:
    return sum(1 << n for n, bit in enumerate(bits) if bit)


def padded(lines, lanes: int):
    return np.pad(lines, (0, -len(lines) % lanes)).reshape(-1, lanes)


def visits(config, rows, cols, negative_rows, negative_cols) -> list[tuple[int, ...]]:
    """OUTPUTS of every visit; pulses (slots, lines)."""
    K, P, found = config.chunks, config.lanes, []
    for slot in range(len(rows)):
        for row in np.flatnonzero(rows[slot]).tolist():
            for chunk, (mask, negative) in enumerate(zip(padded(cols[slot], P), padded(negative_cols, P), strict=True)):
                found.append((slot, row, chunk, row * K + chunk, int(negative_rows[row]), word(mask), word(negative)))
    return found


@pytest.mark.parametrize("blocked", [0.0, 0.3])
@pytest.mark.parametrize("name", CASES)
def test_every_coincidence_of_the_slots_that_are_played(name, blocked):
    """Beats and slots at random times, visits that are blocked at random; beats of a slot that is never played do not
    count, and an update leaves nothing behind.
    """
    config = CASES[name]
    walk, rng = PulseWalk(config), np.random.default_rng(3)
    P, L = config.lanes, walk.beat_lines

    async def check(ctx):
        for n_slots, density in ((1, 0.5), (4, 1.0), (7, 0.1), (5, 0.0), (3, 0.3)):
            rows, cols = (rng.random((n_slots + 1, n)) < density for n in (config.rows, config.cols))
            negative_rows, negative_cols = (rng.random(n) < 0.5 for n in (config.rows, config.cols))
            wanted, found = visits(config, rows[:-1], cols[:-1], negative_rows, negative_cols), []
            ctx.set(walk.clear, 1)
            await ctx.tick()
            ctx.set(walk.clear, 0)
            ctx.set(walk.ended, 0)
            beats = [(np.concatenate([padded(rows[s], P), padded(cols[s], P)]).reshape(-1, L),
                      np.concatenate([padded(negative_rows, P), padded(negative_cols, P)]).reshape(-1, L))
                     for s in range(n_slots + 1)]
            to_come = []  # (beat, its pulses and polarities), and behind those of each slot its strobe
            for s, (pulses, negatives) in enumerate(beats):
                to_come += [(n, word(p), word(d)) for n, (p, d) in enumerate(zip(pulses, negatives, strict=True))]
                to_come += [(-1, 0, 0)] * (s < n_slots)
            for _ in range(20_000):
                ctx.set(walk.write, 0)
                ctx.set(walk.slot, 0)
                if to_come and rng.random() < 0.7:
                    n, pulses, negatives = to_come.pop(0)
                    ctx.set(walk.write, n >= 0)
                    ctx.set(walk.slot, n < 0)
                    ctx.set(walk.beat, max(n, 0))
                    ctx.set(walk.pulses, pulses)
                    ctx.set(walk.negatives, negatives)
                elif not to_come:
                    ctx.set(walk.ended, 1)
                    if ctx.get(walk.done):
                        break
                ctx.set(walk.blocked, bool(ctx.get(walk.coincide)) and rng.random() < blocked)
                is_taken = ctx.get(walk.coincide) and not ctx.get(walk.blocked)
                if is_taken:
                    found.append([int(ctx.get(getattr(walk, name))) for name in OUTPUTS[:5]])
                ctx.set(walk.fetch, is_taken)
                ctx.set(walk.address, ctx.get(walk.word))
                await ctx.tick()
                if found:  # a cycle later, and until the next
                    lanes = [int(ctx.get(walk.column_pulses)), int(ctx.get(walk.column_negatives))]
                    found[-1] = found[-1][:5] + lanes
            assert ctx.get(walk.done), "the walk must end"
            assert_bits(f"{OUTPUTS}, {n_slots} slots", np.array(wanted).reshape(-1, 7), np.array(found).reshape(-1, 7))

    run(walk, check)


def test_a_visit_a_cycle():
    """Dense pulses: nothing but visits from the first to the last, where a row has chunks enough to hide words."""
    config = replace(FOLDED["folded wide"], lanes=4)
    walk = PulseWalk(config)

    async def check(ctx):
        for beat in range(walk.row_chunks + config.chunks):
            for name, value in (("write", 1), ("beat", beat), ("pulses", 15)):
                ctx.set(getattr(walk, name), value)
            await ctx.tick()
        ctx.set(walk.write, 0)
        ctx.set(walk.slot, 1)
        await ctx.tick()
        ctx.set(walk.slot, 0)
        ctx.set(walk.ended, 1)
        seen = []
        while not ctx.get(walk.done):
            seen.append(int(ctx.get(walk.coincide)))
            await ctx.tick()
        first, last = seen.index(1), len(seen) - seen[::-1].index(1)
        assert_bits("visits", [1] * (config.rows * config.chunks), seen[first:last])

    run(walk, check)


@pytest.mark.parametrize("density", [0.0, 0.05, 0.3, 1.0])
@pytest.mark.parametrize("name", CASES)
def test_cycles_of_slots(name, density):
    """All slots at once: `latency` up to the first visit, and two cycles a word at most beyond the visits."""
    config = CASES[name]
    walk, rng, n_slots = PulseWalk(config), np.random.default_rng(4), 5
    rows = rng.random((n_slots, config.rows)) < density
    rows[0, 0] |= density > 0

    async def check(ctx):
        ctx.set(walk.write, 1)
        for pulses in rows:
            for beat in range((walk.row_chunks + config.chunks) * walk.beats):
                lines = padded(pulses, config.lanes).reshape(-1, walk.beat_lines)
                ctx.set(walk.beat, beat)
                ctx.set(walk.pulses, word(lines[beat]) if beat < len(lines) else 1)
                await ctx.tick()
        ctx.set(walk.write, 0)
        ctx.set(walk.slot, 1)
        await ctx.tick().repeat(n_slots)
        ctx.set(walk.slot, 0)
        ctx.set(walk.ended, 1)
        cycle, first = n_slots, None
        while not ctx.get(walk.done):
            if ctx.get(walk.coincide) and first is None:
                first = cycle
            await ctx.tick()
            cycle += 1
        if density:
            assert_bits("cycles from a slot's strobe to its first visit", walk.latency, first)
        assert cycle <= int(rows.sum()) * config.chunks + 2 * walk.row_chunks * n_slots + walk.latency

    run(walk, check)
