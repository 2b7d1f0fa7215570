# SPDX-License-Identifier: Apache-2.0
"""cocotb bench of the serial tile between a third-party UART's two ends, golden as the model of both host and tile.
Run by test_serial_tile.
"""
import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles
from cocotbext.uart import UartSink, UartSource

from golden.config import Plane
from golden.controller import Controller
from golden.frame import Reason
from golden.link import Host, Verdict
from golden.protocol import Opcode, Status, header, packet
from golden.tile import Tile
from tests.support import CONFIGS, assert_bits, device_planes, random_codes, random_updates

CONFIG = CONFIGS["tiny"]
PERIOD, DIVISOR = 10, 8
BAUD = 1e9 / (PERIOD * DIVISOR)
BYTE = 10 * DIVISOR
MOST_BYTES = 3000
"""Byte times that an answer may take."""


loaded: set[Plane] = set()
"""Planes that a test before has loaded, and that no operation changes: a reset leaves them."""


class Board:
    """The host's machine and golden's tile, with the board between source and sink."""

    def __init__(self, dut, rate: float = 1.0):
        self.dut, self.host, self.controller = dut, Host(), Controller(Tile(CONFIG))
        self.source, self.sink = UartSource(dut.rx, baud=BAUD * rate), UartSink(dut.tx, baud=BAUD * rate)
        self.sent = 0

    async def begin(self) -> None:
        self.dut.rst.value = 1
        Clock(self.dut.clk, PERIOD, unit="ns").start()
        await ClockCycles(self.dut.clk, 2)
        self.dut.rst.value = 0
        self.host.open(7)
        await self.until_done()

    async def until_done(self, damage=lambda data: data) -> None:
        await self.source.write(damage(self.host.pending))
        self.sent = 1
        for _ in range(MOST_BYTES):
            await ClockCycles(self.dut.clk, BYTE)
            verdict = self.host.receive(bytes(self.sink.read_nowait()))
            if verdict == Verdict.DONE:
                return
            if verdict == Verdict.SEND:
                self.sent += 1
                await self.source.write(self.host.pending)
        raise AssertionError(f"An answer must come within {MOST_BYTES} byte times")

    async def exchange(self, words, name: str, damage=lambda data: data) -> None:
        """Compare one packet's answer with golden's."""
        wanted = self.controller.exchange(words)
        self.host.command((np.asarray(words) & np.uint64(0xFFFFFFFF)).tolist())
        await self.until_done(damage)
        assert_bits(f"SerialTile, {name}", wanted & np.uint64(0xFFFFFFFF), self.host.response)


    async def load(self) -> None:
        """Every plane, in golden; over the line, those that are not as they should be."""
        for plane, values in device_planes(CONFIG, 1).items():
            for row, line in enumerate(values):
                words = packet(Opcode.WRITE, plane, row, line)
                if plane in loaded:
                    self.controller.exchange(words)
                else:
                    await self.exchange(words, f"WRITE {plane.name}")
        loaded.update(set(Plane) - {Plane.WEIGHT})


def packets() -> list[tuple[str, np.ndarray]]:
    """Operations, with one that is refused."""
    x, d = random_codes(CONFIG, 4, CONFIG.rows, 1)[3], random_codes(CONFIG, 4, CONFIG.cols, 2)[3]
    row, col, bl = (values[1] for values in random_updates(CONFIG, 2, 3))
    return [("GET", packet(Opcode.GET, 2, 8)), ("FORWARD", packet(Opcode.FORWARD, payload=x)),
            ("BACKWARD", packet(Opcode.BACKWARD, payload=d)), ("short", packet(Opcode.FORWARD, payload=x[1:])),
            ("UPDATE", packet(Opcode.UPDATE, int(bl), payload=[*row, *col])),
            ("READ", packet(Opcode.READ, Plane.WEIGHT, 1))]


@cocotb.test(timeout_time=100, timeout_unit="ms")
@cocotb.parametrize(rate=[0.98, 1.0, 1.02])
async def packets_are_answered_as_by_golden(dut, rate):
    board = Board(dut, rate)
    await board.begin()
    await board.load()
    for name, words in packets():
        await board.exchange(words, name)
        assert board.sent == 1
    await ClockCycles(dut.clk, BYTE)  # the last stop bit's end
    assert not dut.is_busy.value


@cocotb.test(timeout_time=50, timeout_unit="ms")
async def a_damaged_packet_is_sent_again(dut):
    board = Board(dut)
    await board.begin()

    def wrong(data: bytes) -> bytes:
        return data[:5] + bytes([data[5] % 255 + 1]) + data[6:]  # no delimiter

    await board.exchange(packet(Opcode.SET, 0, 8, [0x12345]), "SET", wrong)
    assert board.sent == 2
    await board.exchange(packet(Opcode.GET, 1, 8), "GET", lambda data: b"\x01\x02noise" + data)
    assert board.sent == 2  # the noise was refused, the packet behind it answered
    await board.exchange(packet(Opcode.GET, 1, 8), "GET")
    assert board.sent == 1


@cocotb.test(timeout_time=50, timeout_unit="ms")
async def an_operation_is_aborted(dut):
    """Out of band, while it runs; what it has done by then is what golden's does up to the same slot."""
    board = Board(dut)
    await board.begin()
    await board.load()
    registers = board.controller.tile.registers
    await board.exchange(packet(Opcode.SET, 0, registers["t_slot"].index, [255]), "SET t_slot")
    row, col, _ = (values[0] for values in random_updates(CONFIG, 2, 3))
    update = packet(Opcode.UPDATE, 63, 0, [*row, *col])
    board.host.command((update & np.uint64(0xFFFFFFFF)).tolist())
    board.host.abort()
    await board.until_done()
    answer = board.host.response
    assert answer == (header(Opcode.UPDATE, Status.ABORTED),)

    board.host.command((header(Opcode.GET, 1, registers["aborted_slots"].index),))
    await board.until_done()
    slots = board.host.response[1]
    assert 0 < slots < 63
    board.controller.abort_at(slots)
    assert_bits("answer to the abort", board.controller.exchange(update) & np.uint64(0xFFFFFFFF), answer)
    for n in range(CONFIG.rows):
        await board.exchange(packet(Opcode.READ, Plane.WEIGHT, n), f"READ row {n}")


@cocotb.test(timeout_time=50, timeout_unit="ms")
async def an_interrupt_is_a_level(dut):
    board = Board(dut)
    await board.begin()
    registers = board.controller.tile.registers
    assert not dut.irq.value
    await board.exchange(packet(Opcode.SET, 0, registers["irq_enable"].index, [1]), "SET irq_enable")
    await board.exchange(packet(Opcode.FORWARD, payload=[0] * CONFIG.rows), "FORWARD")
    assert dut.irq.value
    await board.exchange(packet(Opcode.SET, 0, registers["irq_status"].index, [1]), "SET irq_status")
    assert not dut.irq.value


@cocotb.test(timeout_time=50, timeout_unit="ms")
async def what_is_longer_than_the_buffer_is_refused(dut):
    board = Board(dut)
    await board.begin()
    board.host.command(range(1, 259))
    await board.source.write(board.host.pending)
    await board.source.wait()
    await ClockCycles(dut.clk, 40 * BYTE)
    assert board.host.receive(bytes(board.sink.read_nowait())) == Verdict.SEND
    assert board.host.refusal
    assert board.host.refusal.payload == (Reason.LENGTH,)
    await board.exchange(packet(Opcode.GET, 1, 1), "GET")
