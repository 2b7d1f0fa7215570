# SPDX-License-Identifier: Apache-2.0
import random
from collections import deque

import pytest
from amaranth.sim import Simulator

from golden.protocol import Opcode, header
from rtl.dispatcher import Dispatcher

DEPTH = 5
ABORT = header(Opcode.ABORT)


class Bench:
    """A receive buffer in front of the dispatcher, a controller that answers behind it."""

    def __init__(self, seed: int, stall: float):
        self.rng, self.stall = random.Random(seed), stall
        self.dispatcher = Dispatcher(DEPTH)
        self.delivered: list[list[int]] = []
        self.buffer = [0] * DEPTH
        self.cycles_done = 0

    async def memory(self, ctx):
        dispatcher, read = self.dispatcher, deque([0])
        async for *_, address in ctx.tick().sample(dispatcher.address):
            read.append(self.buffer[address] if address < DEPTH else 0)
            ctx.set(dispatcher.word, read.popleft())

    async def controller(self, ctx):
        """Takes packets; the words and framing bits must be those of one packet."""
        command, part, held = self.dispatcher.command, [], None
        while True:
            ready = self.rng.random() >= self.stall
            ctx.set(command.ready, ready)
            *_, valid, payload = await ctx.tick().sample(command.valid, command.payload.as_value())
            assert held is None or (valid and payload == held)
            held = payload if valid and not ready else None
            if valid and ready:
                assert bool(payload >> 32 & 1) == (not part)
                part.append(payload & 0xFFFFFFFF)
                if payload >> 33:
                    self.delivered.append(part)
                    part = []

    async def respond(self, ctx, words) -> None:
        response = self.dispatcher.response
        for n, word in enumerate(words):
            ctx.set(response.payload.data, word)
            ctx.set(response.payload.first, n == 0)
            ctx.set(response.payload.last, n == len(words) - 1)
            ctx.set(response.valid, 1)
            *_, ready, done = await ctx.tick().sample(response.ready, self.dispatcher.done)
            while not ready:
                *_, ready, done = await ctx.tick().sample(response.ready, self.dispatcher.done)
            self.cycles_done += done
        ctx.set(response.valid, 0)

    async def start(self, ctx, words) -> None:
        self.buffer[:len(words)] = words
        ctx.set(self.dispatcher.length, len(words))
        ctx.set(self.dispatcher.start, 1)
        await ctx.tick()
        ctx.set(self.dispatcher.start, 0)
        ctx.set(self.dispatcher.length, 0)

    async def delivered_all(self, ctx, n: int) -> None:
        for _ in range(200):
            if len(self.delivered) == n:
                return
            await ctx.tick()
        raise AssertionError(f"{n} packets must be delivered, not {self.delivered}")

    async def kept(self, ctx) -> list[int]:
        words = []
        for n in range(ctx.get(self.dispatcher.n_kept)):
            ctx.set(self.dispatcher.index, n)
            await ctx.tick().repeat(self.dispatcher.read_latency)
            words.append(ctx.get(self.dispatcher.kept))
        return words

    def run(self, bench) -> None:
        sim = Simulator(self.dispatcher)
        sim.add_clock(1e-6)
        sim.add_process(self.memory)
        sim.add_testbench(self.controller, background=True)
        sim.add_testbench(bench)
        sim.run()


@pytest.mark.parametrize("stall", [0.0, 0.6])
def test_packets_are_delivered_and_responses_kept(stall):
    bench = Bench(1, stall)
    rng, dispatcher = random.Random(2), bench.dispatcher
    sent = [[rng.getrandbits(32) for _ in range(n)] for n in (1, 2, DEPTH, 3, 1)]

    async def host(ctx):
        for n, words in enumerate(sent):
            await bench.start(ctx, words)
            assert ctx.get(dispatcher.is_running)
            assert ctx.get(dispatcher.n_kept) == 0
            await bench.delivered_all(ctx, n + 1)
            assert not ctx.get(dispatcher.is_delivering)
            assert ctx.get(dispatcher.is_running)
            response = [header(rng.randrange(1, 9)), *(rng.getrandbits(32) for _ in range(n))]
            await bench.respond(ctx, response)
            assert not ctx.get(dispatcher.is_running)
            assert await bench.kept(ctx) == response
        assert bench.cycles_done == len(sent)

    bench.run(host)
    assert bench.delivered == sent


def test_a_word_in_three_cycles():
    bench = Bench(1, 0.0)

    async def host(ctx):
        await bench.start(ctx, [1] * DEPTH)
        for _ in range(3 * DEPTH):
            assert ctx.get(bench.dispatcher.is_delivering)
            await ctx.tick()
        assert not ctx.get(bench.dispatcher.is_delivering)

    bench.run(host)
    assert bench.delivered == [[1] * DEPTH]


@pytest.mark.parametrize("is_first", [False, True], ids=["abort answered last", "abort answered first"])
def test_an_abort_follows_the_packet_and_its_response_is_dropped(is_first):
    bench = Bench(1, 0.5)
    dispatcher, own, other = bench.dispatcher, [header(5, 6, 1), 77], [ABORT]

    async def host(ctx):
        await bench.start(ctx, [header(5), 1, 2])
        ctx.set(dispatcher.abort, 1)
        await ctx.tick()
        ctx.set(dispatcher.abort, 0)
        await bench.delivered_all(ctx, 2)
        for n, response in enumerate([other, own] if is_first else [own, other]):
            assert ctx.get(dispatcher.is_running)
            assert bench.cycles_done == 0
            await bench.respond(ctx, response)
            assert ctx.get(dispatcher.is_running) == (n == 0)
        assert bench.cycles_done == 1
        assert await bench.kept(ctx) == own

    bench.run(host)
    assert bench.delivered == [[header(5), 1, 2], [ABORT]]


def test_the_response_to_an_abort_in_its_turn_is_kept():
    bench = Bench(1, 0.0)

    async def host(ctx):
        await bench.start(ctx, [ABORT])
        await bench.delivered_all(ctx, 1)
        await bench.respond(ctx, [ABORT])
        assert await bench.kept(ctx) == [ABORT]

    bench.run(host)


def test_what_is_kept_is_no_longer_than_the_memory():
    bench = Bench(1, 0.0)

    async def host(ctx):
        await bench.start(ctx, [header(1)])
        await bench.delivered_all(ctx, 1)
        await bench.respond(ctx, [header(1), *range(20)])
        assert not ctx.get(bench.dispatcher.is_running)
        assert await bench.kept(ctx) == [header(1), 0, 1, 2, 3]
        ctx.set(bench.dispatcher.clear, 1)
        await ctx.tick()
        assert ctx.get(bench.dispatcher.n_kept) == 0

    bench.run(host)


def test_a_stall_keeps_the_response_that_is_there():
    bench = Bench(1, 0.0)

    async def host(ctx):
        ctx.set(bench.dispatcher.stall, 1)
        await bench.start(ctx, [header(1)])
        await bench.delivered_all(ctx, 1)
        assert not ctx.get(bench.dispatcher.response.ready)
        ctx.set(bench.dispatcher.stall, 0)
        await bench.respond(ctx, [header(1)])
        assert not ctx.get(bench.dispatcher.response.ready)  # nothing is owed

    bench.run(host)
