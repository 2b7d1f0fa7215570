# SPDX-License-Identifier: Apache-2.0
"""cocotb bench of ``Increment``: payload, idle, back-pressure; run by test_cocotb_runner."""

import random

import cocotb
from cocotb.triggers import RisingEdge
from cocotb.utils import get_sim_time

from sim.bus import FIRST, LAST, StreamChecker, StreamDriver, StreamMonitor, never, packet, sometimes, start

PERIOD = 10


def expected(words: list[int]) -> list[int]:
    return [(word & (FIRST | LAST)) | ((word + 1) & 0xFFFF_FFFF) for word in words]


async def exchange(dut, words, packets, *, idle, stall):
    await start(dut, period_ns=PERIOD)
    checkers = [StreamChecker(dut, "i"), StreamChecker(dut, "o")]
    cocotb.start_soon(StreamDriver(dut, "i", idle=idle).send(words))
    assert await StreamMonitor(dut, "o", stall=stall).receive(packets) == expected(words)
    await RisingEdge(dut.clk)  # at one edge, the monitor may wake before the checkers
    assert [checker.transfers for checker in checkers] == [len(words)] * 2


@cocotb.test(timeout_time=100, timeout_unit="us")
@cocotb.parametrize(idle=[0.0, 0.5], stall=[0.0, 0.5], length=[1, 2, 33])
async def packets_come_back(dut, idle, stall, length):
    coin = random.Random(length)
    edges = [0, 1, 0xFFFF_FFFF]
    words = packet(edges[:length] + [coin.getrandbits(32) for _ in range(length - len(edges))])
    await exchange(dut, words * 3, 3, idle=sometimes(idle, 1), stall=sometimes(stall, 2))


@cocotb.test(timeout_time=100, timeout_unit="us")
async def one_word_a_cycle(dut):
    await start(dut, period_ns=PERIOD)
    words = packet(range(100))
    begin = get_sim_time("ns")
    cocotb.start_soon(StreamDriver(dut, "i", idle=never()).send(words))
    assert await StreamMonitor(dut, "o", stall=never()).receive() == expected(words)
    cycles = (get_sim_time("ns") - begin) / PERIOD
    assert cycles == len(words) + 1, f"{len(words)} words must take one more cycle than that, not {cycles}"
