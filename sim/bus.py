# SPDX-License-Identifier: Apache-2.0
"""cocotb models of a stream's two ends: four separate things that any bench may combine.

A *pattern* says in which cycles an end rests; a *driver* sends words; a *monitor* takes them; a *checker*
only watches. What the words should be is the bench's business.
"""

import random
from collections.abc import Iterable, Iterator
from itertools import repeat

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge

FIRST = 1 << 32
LAST = 1 << 33


def packet(data: Iterable[int]) -> list[int]:
    """Words of one packet: ``first`` on the first, ``last`` on the last."""
    words = list(data)
    if not words:
        raise ValueError("A packet must hold at least one word, not none")
    words[0] |= FIRST
    words[-1] |= LAST
    return words


def never() -> Iterator[bool]:
    """The pattern that never rests."""
    return repeat(False)


def sometimes(share: float, seed: int) -> Iterator[bool]:
    """The pattern that rests in this share of the cycles, at random."""
    if not 0.0 <= share < 1.0:
        raise ValueError(f"Share of resting cycles must be from 0 to below 1, not {share}")
    coin = random.Random(seed)
    return (coin.random() < share for _ in repeat(None))


class _Stream:
    """Handles of one stream, looked up once, because each look-up walks the simulator's object tree."""

    def __init__(self, dut, name: str):
        self.name = name
        self.clk = dut.clk
        self.payload = getattr(dut, f"{name}__payload")
        self.valid = getattr(dut, f"{name}__valid")
        self.ready = getattr(dut, f"{name}__ready")
        self.edge = RisingEdge(dut.clk)


async def start(dut, *, period_ns: int = 10) -> None:
    """Run the clock and reset the design, with both streams at rest."""
    dut.i__valid.value = 0
    dut.i__payload.value = 0
    dut.o__ready.value = 0
    dut.rst.value = 1
    Clock(dut.clk, period_ns, unit="ns").start()
    await ClockCycles(dut.clk, 2)
    dut.rst.value = 0
    await RisingEdge(dut.clk)


class StreamDriver:
    """Sends words into a stream; ``idle`` is the pattern of cycles in which it offers none."""

    def __init__(self, dut, name: str = "i", *, idle: Iterator[bool] | None = None):
        self._stream = _Stream(dut, name)
        self._idle = idle or never()

    async def send(self, words: Iterable[int]) -> None:
        """Return after the edge that transferred the last word."""
        stream = self._stream
        for word in words:
            while next(self._idle):
                await stream.edge
            stream.payload.value = word
            stream.valid.value = 1
            await stream.edge
            while not stream.ready.value:
                await stream.edge
            stream.valid.value = 0  # the next word, if it comes at once, sets it again in the same cycle


class StreamMonitor:
    """Takes words from a stream; ``stall`` is the pattern of cycles in which it is not ready."""

    def __init__(self, dut, name: str = "o", *, stall: Iterator[bool] | None = None):
        self._stream = _Stream(dut, name)
        self._stall = stall or never()

    async def receive(self, packets: int = 1) -> list[int]:
        """All words up to the given number of them with ``last``."""
        stream = self._stream
        words: list[int] = []
        while packets:
            ready = not next(self._stall)
            stream.ready.value = ready
            await stream.edge
            if ready and stream.valid.value:
                words.append(int(stream.payload.value))
                packets -= bool(words[-1] & LAST)
        stream.ready.value = 0
        return words


class StreamChecker:
    """Watches a stream and fails the test in the first cycle that breaks a rule.

    Valid and payload hold until the transfer; valid, ready and a valid payload are never unknown; packets
    run from ``first`` to ``last``. Make it after reset; it works until the test ends.
    """

    def __init__(self, dut, name: str):
        self._stream = _Stream(dut, name)
        self.transfers = 0
        cocotb.start_soon(self._watch())

    async def _watch(self) -> None:
        stream, name = self._stream, self._stream.name
        held: int | None = None
        in_packet = False
        while True:
            await stream.edge
            valid, ready = stream.valid.value, stream.ready.value
            assert valid.is_resolvable, f"{name}: valid must be known"
            assert ready.is_resolvable, f"{name}: ready must be known"
            if not valid:
                assert held is None, f"{name}: valid must hold until the transfer, but fell"
                continue
            assert stream.payload.value.is_resolvable, f"{name}: a valid payload must be known"
            payload = int(stream.payload.value)
            assert held in (None, payload), f"{name}: payload must hold, but {held:#x} became {payload:#x}"
            held = None if ready else payload
            if ready:
                self.transfers += 1
                first, last = bool(payload & FIRST), bool(payload & LAST)
                assert first != in_packet, f"{name}: first must mark a packet's first word, {payload:#x}"
                in_packet = not last
