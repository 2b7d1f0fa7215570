# SPDX-License-Identifier: Apache-2.0
import random

import pytest
from amaranth.hdl import Module
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out, connect, flipped

from rtl.uart import UartReceiver, UartTransmitter, checked_divisor
from rtl.verilog import verilog_of
from sim.cocotb_runner import run_bench
from tests.rtl import bench_uart
from tests.rtl.simulation import run

DIVISORS = [2, 3, 4, 7, 16]


class Uart(Component):
    """Receiver and transmitter side by side."""

    def __init__(self, divisor: int):
        self.divisor = divisor
        super().__init__({
            "rx": In(1, init=1), "tx": Out(1, init=1), "error": Out(1), "is_idle": Out(1),
            "i": In(stream.Signature(8)), "byte": Out(8), "valid": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.receiver, m.submodules.transmitter = receiver, transmitter = (
            UartReceiver(self.divisor), UartTransmitter(self.divisor))
        connect(m, flipped(self.i), transmitter.i)
        m.d.comb += [receiver.rx.eq(self.rx), self.byte.eq(receiver.o.payload), self.valid.eq(receiver.o.valid),
                     self.tx.eq(transmitter.tx), self.error.eq(receiver.error), self.is_idle.eq(transmitter.is_idle)]
        return m


@pytest.mark.parametrize("divisor", DIVISORS)
def test_a_byte_takes_ten_bits(divisor):
    """The levels of the line, cycle by cycle, with no gap between bytes."""
    transmitter = UartTransmitter(divisor)
    data = [0x00, 0xFF, 0xA5, 0x01]
    expected = [int(bit) for byte in data for bit in f"0{byte:08b}"[:1] + f"{byte:08b}"[::-1] + "1"
                for _ in range(divisor)]
    levels = []

    async def send(ctx):
        for byte in data:
            ctx.set(transmitter.i.payload, byte)
            ctx.set(transmitter.i.valid, 1)
            await ctx.tick().until(transmitter.i.ready)
        ctx.set(transmitter.i.valid, 0)

    async def watch(ctx):
        for _ in range(len(expected) + 3):
            levels.append(ctx.get(transmitter.tx))
            await ctx.tick()

    run(transmitter, send, watch)
    assert levels[1:] == [*expected, 1, 1]


@pytest.mark.parametrize("divisor", DIVISORS)
@pytest.mark.parametrize("gap", [0, 1, 5])
def test_the_receiver_hears_what_stands_on_the_line(divisor, gap):
    receiver = UartReceiver(divisor)
    data = random.Random(divisor).randbytes(20) + b"\x00\xff"
    found, errors = [], []

    async def send(ctx):
        for byte in data:
            for bit in (0, *(byte >> n & 1 for n in range(8)), 1):
                ctx.set(receiver.rx, bit)
                await ctx.tick().repeat(divisor)
            if gap:
                await ctx.tick().repeat(gap)

    async def watch(ctx):
        for _ in range(len(data) * (10 * divisor + gap) + 2):
            *_, valid, payload, error = await ctx.tick().sample(receiver.o.valid, receiver.o.payload, receiver.error)
            found.extend([payload] * valid)
            errors.extend([error] * error)

    run(receiver, send, watch)
    assert bytes(found) == data
    assert not errors


@pytest.mark.parametrize("divisor", [0, 1, 65536])
def test_a_divisor_that_no_bit_fits(divisor):
    with pytest.raises(ValueError, match=f"Divisor must be in 2..65535 cycles a bit, not {divisor}"):
        checked_divisor(divisor)


@pytest.mark.cocotb
def test_bench():
    names = run_bench(verilog_of(Uart(bench_uart.DIVISOR), "uart"), "uart", bench_uart.__name__, opt="-O0",
                      env={"COCOTB_LOG_LEVEL": "WARNING"})  # a line for each byte would be most of the time
    assert len(names) == 3 + 3 + 2
