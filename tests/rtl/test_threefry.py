# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from golden.threefry import MAX_ROUNDS, MIN_ROUNDS, ROTATIONS, threefry2x32
from rtl.threefry import _TURNS, RolledThreefry2x32, Threefry2x32, _turns
from tests.golden.test_threefry import KNOWN_ANSWERS
from tests.rtl.simulation import asked, check_pipeline, run
from tests.support import assert_bits


def check(rounds: int, counters, key) -> None:
    pipeline = Threefry2x32(rounds)
    word0, word1 = threefry2x32(*counters, *key, rounds)
    check_pipeline(pipeline, pipeline.latency,
                   {"counter0": counters[0], "counter1": counters[1], "key0": key[0], "key1": key[1]},
                   {"word0": word0, "word1": word1}, settling=2)


@pytest.mark.parametrize("line", KNOWN_ANSWERS)
def test_known_answers_of_random123_one_a_cycle(line):
    """The published counter amid others, so that its answer comes in its own cycle only."""
    rounds, *values = line.split()
    c0, c1, k0, k1, *answer = (int(v, 16) for v in values)
    counters = np.random.default_rng(1).integers(0, 1 << 32, (2, 8))
    counters[:, 3] = c0, c1
    assert_bits("golden", [int(word[3]) for word in threefry2x32(*counters, k0, k1, int(rounds))], answer)
    check(int(rounds), counters, (k0, k1))


@pytest.mark.parametrize("rounds", range(MIN_ROUNDS, MAX_ROUNDS + 1))
def test_every_number_of_rounds_equals_golden(rounds):
    rng = np.random.default_rng(rounds)
    check(rounds, rng.integers(0, 1 << 32, (2, 30)), rng.integers(0, 1 << 32, 2).tolist())


def test_latency_is_one_register_an_addition():
    latencies = asked(lambda: None, lambda _: [Threefry2x32(rounds).latency for rounds in (13, 15, 16, 20, 32)])
    assert latencies == [17, 19, 21, 26, 41]


@pytest.mark.parametrize("rounds", [*range(13, 21), 31, 32])
def test_rolled_takes_a_counter_when_it_starts_and_equals_golden(rounds):
    """Counters change in every cycle, so that only those of the cycle that starts give the words; these then stand."""
    rng = np.random.default_rng(rounds)
    key, rolled, taken, found = rng.integers(0, 1 << 32, 2).tolist(), RolledThreefry2x32(rounds), [], []

    async def bench(ctx):
        ctx.set(rolled.key0, key[0])
        ctx.set(rolled.key1, key[1])
        for pause in (0, 0, 3, 0, 1, 7):
            for cycle in range(rolled.latency + pause + 1):
                counter = rng.integers(0, 1 << 32, 2).tolist()
                ctx.set(rolled.counter0, counter[0])
                ctx.set(rolled.counter1, counter[1])
                ctx.set(rolled.start, cycle == 0 or (cycle < rolled.latency and rng.random() < 0.5))
                if cycle == 0:
                    taken.append(counter)
                assert ctx.get(rolled.is_idle) == (cycle == 0 or cycle >= rolled.latency)
                if cycle >= rolled.latency:
                    found.append((len(taken) - 1, ctx.get(rolled.word0), ctx.get(rolled.word1)))
                if cycle == rolled.latency + pause:
                    break
                await ctx.tick()

    run(rolled, bench)
    words = np.stack(threefry2x32(*np.array(taken).T, *key, rounds), -1)
    assert {n for n, *_ in found} == set(range(len(taken)))
    assert_bits("words", [words[n] for n, *_ in found], [each for _, *each in found])


def test_rolled_turns_come_to_every_rotation():
    for rotation in ROTATIONS:
        assert sum(n * turn for n, turn in zip(_turns(rotation), _TURNS, strict=True)) % 32 == rotation
    assert asked(lambda: None, lambda _: [RolledThreefry2x32(rounds).latency for rounds in (13, 20)]) == [69, 111]
