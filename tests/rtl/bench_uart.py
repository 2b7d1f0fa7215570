# SPDX-License-Identifier: Apache-2.0
"""cocotb bench of the UART against a third-party one, at rates that do not quite agree. Run by test_uart."""
import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, Timer
from cocotbext.uart import UartSink, UartSource

PERIOD = 10
DIVISOR = 16
BAUD = 1e9 / (PERIOD * DIVISOR)
BYTES = bytes(range(256)) + random.Random(1).randbytes(200)


async def begin(dut) -> None:
    dut.rx.value = 1
    dut.i__valid.value = 0
    dut.rst.value = 1
    Clock(dut.clk, PERIOD, unit="ns").start()
    await ClockCycles(dut.clk, 2)
    dut.rst.value = 0
    await ClockCycles(dut.clk, 2)


class Receiver:
    """Bytes and errors of the receiver."""

    def __init__(self, dut):
        self.found, self.errors = bytearray(), 0
        cocotb.start_soon(self._watch(dut))

    async def _watch(self, dut) -> None:
        while True:
            await RisingEdge(dut.clk)
            if dut.valid.value:
                self.found.append(int(dut.byte.value))
            self.errors += bool(dut.error.value)


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(rate=[0.98, 1.0, 1.02])
async def bytes_are_received(dut, rate):
    await begin(dut)
    receiver = Receiver(dut)
    source = UartSource(dut.rx, baud=BAUD * rate)
    await source.write(BYTES)
    await source.wait()
    await ClockCycles(dut.clk, 2 * DIVISOR)
    assert bytes(receiver.found) == BYTES
    assert receiver.errors == 0


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(rate=[0.98, 1.0, 1.02])
async def bytes_are_sent(dut, rate):
    await begin(dut)
    sink = UartSink(dut.tx, baud=BAUD * rate)
    for byte in BYTES:
        dut.i__payload.value = byte
        dut.i__valid.value = 1
        await RisingEdge(dut.clk)
        while not dut.i__ready.value:
            await RisingEdge(dut.clk)
    dut.i__valid.value = 0
    while not dut.is_idle.value:
        await RisingEdge(dut.clk)
    await ClockCycles(dut.clk, DIVISOR)
    assert bytes(sink.read_nowait()) == BYTES


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def a_glitch_is_no_start_bit(dut):
    await begin(dut)
    receiver, source = Receiver(dut), UartSource(dut.rx, baud=BAUD)
    for cycles in (1, 3, DIVISOR // 2 - 1):
        dut.rx.value = 0
        await Timer(cycles * PERIOD, "ns")
        dut.rx.value = 1
        await Timer(DIVISOR * PERIOD, "ns")
    await source.write(b"\x55")
    await source.wait()
    await ClockCycles(dut.clk, DIVISOR)
    assert (bytes(receiver.found), receiver.errors) == (b"\x55", 0)


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def a_low_stop_bit_drops_the_byte(dut):
    await begin(dut)
    receiver, source = Receiver(dut), UartSource(dut.rx, baud=BAUD)
    await source.write(b"\x31")
    await source.wait()
    dut.rx.value = 0
    await Timer(25 * DIVISOR * PERIOD, "ns")  # a break: one error, not several
    dut.rx.value = 1
    await Timer(DIVISOR * PERIOD, "ns")
    await source.write(b"\x32")
    await source.wait()
    await ClockCycles(dut.clk, DIVISOR)
    assert (bytes(receiver.found), receiver.errors) == (b"\x31\x32", 1)
