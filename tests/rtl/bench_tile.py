# SPDX-License-Identifier: Apache-2.0
"""cocotb bench of the whole tile: driver, monitor and checker of its streams, golden as the model.

Run by test_bench_tile with the tile of `tests.support.CONFIGS["tiny"]`.
"""
import cocotb
import numpy as np
from cocotb.triggers import RisingEdge
from cocotb.utils import get_sim_time

from crosstwin.stimulus import draw_operations, readback
from golden.config import Plane
from golden.controller import Controller
from golden.protocol import LAST, Opcode, packet
from golden.tile import Tile
from sim.bus import StreamChecker, StreamDriver, StreamMonitor, never, sometimes, start
from tests.golden.test_controller import ERRORS
from tests.support import CONFIGS, assert_bits, device_planes, random_codes, random_updates

CONFIG = CONFIGS["tiny"]
PERIOD = 10


class Bench:
    """The tile between a driver and a monitor, a checker at its streams, and golden beside it."""

    def __init__(self, dut):
        self.dut, self.controller = dut, Controller(Tile(CONFIG))

    async def begin(self, checked: str = "io") -> None:
        """Reset; `checked` leaves out "i" where the bench itself breaks the rules of packets."""
        await start(self.dut, period_ns=PERIOD)
        self.checkers = {name: StreamChecker(self.dut, name) for name in checked}
        self.transfers = dict.fromkeys(checked, 0)

    async def exchange(self, words, named: str, *, idle=None, stall=None) -> int:
        """Compare the answer; the cycles from the first word to the last of the answer."""
        words = np.asarray(words, dtype=np.uint64)
        wanted = self.controller.exchange(words)
        begin = get_sim_time("ns")
        cocotb.start_soon(StreamDriver(self.dut, "i", idle=idle).send(words.tolist()))
        found = await StreamMonitor(self.dut, "o", stall=stall).receive(int(np.count_nonzero(wanted & np.uint64(LAST))))
        cycles = round((get_sim_time("ns") - begin) / PERIOD)
        assert_bits(f"Tile.o, {named}, cycle {get_sim_time('ns') / PERIOD:.0f}", wanted, found)
        for name, transferred in (("i", words), ("o", wanted)):
            if name in self.transfers:
                self.transfers[name] += len(transferred)
        return cycles

    async def write(self, plane: Plane, values) -> None:
        for row, line in enumerate(values):
            await self.exchange(packet(Opcode.WRITE, plane, row, line), f"WRITE of {plane.name}")

    async def load(self, seed: int) -> None:
        """Every plane, because a reset leaves what the test before has put there."""
        for plane, values in device_planes(CONFIG, seed).items():
            await self.write(plane, values)

    async def end(self) -> None:
        for operation in readback(CONFIG):
            await self.exchange(operation.words, operation.name)
        await RisingEdge(self.dut.clk)  # at one edge, the monitor may wake before the checkers
        assert {name: checker.transfers for name, checker in self.checkers.items()} == self.transfers


def packets(payload: str) -> list[tuple[str, np.ndarray]]:
    """Named packets of a kind of payload."""
    match payload:
        case "errors":
            return [(name, words) for name, (words, _) in ERRORS.items()]
        case "malformed":
            rng = np.random.default_rng(1)
            drawn = [o for o in draw_operations(rng, CONFIG, 150) if "bad" in o.name]
            return [(o.name, o.words) for o in drawn] + [("GET", packet(Opcode.GET, 1, 0))]
    x, d = random_codes(CONFIG, 4, CONFIG.rows, 1), random_codes(CONFIG, 4, CONFIG.cols, 2)
    row, col, bl = random_updates(CONFIG, 3, 3)
    found = [("FORWARD", packet(Opcode.FORWARD, payload=codes)) for codes in x]
    found += [("UPDATE", packet(Opcode.UPDATE, int(n), payload=[*r, *c])) for r, c, n in zip(row, col, bl, strict=True)]
    return found + [("BACKWARD", packet(Opcode.BACKWARD, payload=codes)) for codes in d]


@cocotb.test(timeout_time=2, timeout_unit="ms")
@cocotb.parametrize(idle=[0.0, 0.3], stall=[0.0, 0.3], payload=["operations", "errors", "malformed"])
async def packets_are_answered_as_by_golden(dut, idle, stall, payload):
    bench = Bench(dut)
    await bench.begin("io" if payload == "operations" else "o")
    await bench.load(1)
    named = packets(payload)
    await bench.exchange(np.concatenate([words for _, words in named]), payload,
                         idle=sometimes(idle, 1), stall=sometimes(stall, 2))
    await bench.end()


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(seed=[1, 2])
async def soak(dut, seed):
    """Random packets, malformed ones among them, under a stress that changes from exchange to exchange."""
    bench, rng = Bench(dut), np.random.default_rng(seed)
    await bench.begin("o")
    for number, operation in enumerate(draw_operations(rng, CONFIG, 60)):
        idle, stall = rng.choice([0.0, 0.3, 0.8], 2).tolist()
        await bench.exchange(operation.words, operation.name,
                             idle=sometimes(idle, number), stall=sometimes(stall, number))
    await bench.exchange(packet(Opcode.GET, 1, 1), "GET")
    await bench.end()


REFUSED = 2 + 8
"""Cycles of a refused command beside its words: the header's decoding and the steps of the controller, and one in the
register of each stream."""
ACTED = REFUSED + 1
FETCH, FETCH_PLANE = 7, 13
"""Cycles before each word that is read from a register, and from a plane."""
STORE = 3
"""Cycles of each word that is stored."""


@cocotb.test(timeout_time=200, timeout_unit="us")
async def throughput_with_zero_waits(dut):
    """A word a cycle in and out; no cycle more between them than the steps of the controller take."""
    bench = Bench(dut)
    await bench.begin()
    await bench.load(1)
    n = CONFIG.cols
    for name, words, between in (
        ("GET of 1", packet(Opcode.GET, 1, 0), ACTED + FETCH),
        ("GET of 28", packet(Opcode.GET, 28, 64), ACTED + FETCH * 28),
        ("SET", packet(Opcode.SET, 0, 8, [1]), ACTED),
        ("RESET", packet(Opcode.RESET), ACTED),
        ("WRITE", packet(Opcode.WRITE, Plane.WEIGHT, 0, [0] * n), ACTED + STORE * n),
        ("READ", packet(Opcode.READ, Plane.WEIGHT, 0), ACTED + FETCH_PLANE * n),
        ("FORWARD without codes", packet(Opcode.FORWARD), REFUSED),
        ("UPDATE of a bad value", packet(Opcode.UPDATE, 1, 0, [-1 << 31] * (CONFIG.rows + n)), REFUSED),
    ):
        answered = len(Controller(Tile(CONFIG)).exchange(words))
        cycles = await bench.exchange(words, name, idle=never(), stall=never())
        assert_bits(f"cycles of {name}", len(words) + between + answered, cycles)
    await bench.end()
