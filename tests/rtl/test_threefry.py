# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from golden.threefry import MAX_ROUNDS, MIN_ROUNDS, threefry2x32
from rtl.threefry import RolledThreefry2x32, Threefry2x32
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


@pytest.mark.parametrize("rounds", [13, 16, 20, 31, 32])
def test_rolled_takes_a_counter_every_latency_and_equals_golden(rounds):
    """Counters change in every cycle, so that only those of the cycle that takes them give the words."""
    rng = np.random.default_rng(rounds)
    key, rolled, taken, found = rng.integers(0, 1 << 32, 2).tolist(), RolledThreefry2x32(rounds), [], []

    async def bench(ctx):
        ctx.set(rolled.key0, key[0])
        ctx.set(rolled.key1, key[1])
        for cycle in range(6 * rolled.latency + 1):
            counter = rng.integers(0, 1 << 32, 2).tolist()
            ctx.set(rolled.counter0, counter[0])
            ctx.set(rolled.counter1, counter[1])
            assert ctx.get(rolled.takes) == (cycle % rolled.latency == 0)
            if ctx.get(rolled.takes):
                taken.append(counter)
                found.append((ctx.get(rolled.word0), ctx.get(rolled.word1)))
            await ctx.tick()

    run(rolled, bench)
    wanted = np.stack(threefry2x32(*np.array(taken[:-1]).T, *key, rounds), -1)
    assert_bits("words", wanted, found[1:])
