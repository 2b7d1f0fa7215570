# SPDX-License-Identifier: Apache-2.0
"""A serial line of 8 data bits, no parity, one stop bit: receiver and transmitter."""
from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out


def checked_divisor(divisor: int) -> int:
    """Cycles of a bit; ValueError where a bit would be too short or too long."""
    if not 2 <= divisor < 1 << 16:
        raise ValueError(f"Divisor must be in 2..65535 cycles a bit, not {divisor}")
    return divisor


class UartReceiver(Component):
    """Bytes from a line that is already synchronous to the clock.

    Every bit is sampled once, in its middle, counted from the edge that began the byte. A start bit that is over
    by then was a glitch. A stop bit that is low gives `error` instead of a byte, and the next byte begins after the
    line was high again. With `divisor` cycles a bit, the far end's clock may be off by (1/2 - 1/divisor) / 9.5: 3.9 %
    at 8 cycles, 5 % at many.

    Members: `rx` in, idle high; `o` stream of bytes, always ready; `error` strobe.
    """

    def __init__(self, divisor: int):
        self.divisor = checked_divisor(divisor)
        super().__init__({"rx": In(1, init=1), "o": Out(stream.Signature(8, always_ready=True)), "error": Out(1)})

    def elaborate(self, platform):
        m = Module()
        timer, n, bits = Signal(range(self.divisor)), Signal(range(8)), Signal(8, reset_less=True)
        is_sampled = timer == 0
        m.d.sync += timer.eq(timer - 1)
        with m.If(is_sampled):
            m.d.sync += timer.eq(self.divisor - 1)
        m.d.comb += self.o.payload.eq(bits)

        with m.FSM():
            with m.State("IDLE"):  # wait for a start bit
                m.d.sync += [timer.eq(self.divisor // 2 - 1), n.eq(0)]
                with m.If(~self.rx):
                    m.next = "START"
            with m.State("START"):  # in its middle: still low?
                with m.If(is_sampled):
                    m.next = "DATA"
                    with m.If(self.rx):
                        m.next = "IDLE"
            with m.State("DATA"):  # low bit first
                with m.If(is_sampled):
                    m.d.sync += [bits.eq(Cat(bits[1:], self.rx)), n.eq(n + 1)]
                    with m.If(n == 7):
                        m.next = "STOP"
            with m.State("STOP"):
                with m.If(is_sampled):
                    m.d.comb += [self.o.valid.eq(self.rx), self.error.eq(~self.rx)]
                    m.next = "IDLE"
                    with m.If(~self.rx):
                        m.next = "BREAK"
            with m.State("BREAK"):  # a line held low is no start bit
                with m.If(self.rx):
                    m.next = "IDLE"
        return m


class UartTransmitter(Component):
    """Bytes onto a line, `divisor` cycles a bit, 10 bits a byte without a gap.

    Members: `i` stream of bytes; `tx` out, idle high; `is_idle` while no bit is on the line.
    """

    def __init__(self, divisor: int):
        self.divisor = checked_divisor(divisor)
        super().__init__({"i": In(stream.Signature(8)), "tx": Out(1, init=1), "is_idle": Out(1, init=1)})

    def elaborate(self, platform):
        m = Module()
        timer, n, bits = Signal(range(self.divisor)), Signal(range(11)), Signal(9, init=0x1FF)
        m.d.comb += [self.tx.eq(bits[0]), self.is_idle.eq(n == 0)]
        with m.If(timer != 0):
            m.d.sync += timer.eq(timer - 1)
        with m.Elif(n > 1):
            m.d.sync += [bits.eq(Cat(bits[1:], 1)), n.eq(n - 1), timer.eq(self.divisor - 1)]
        with m.Else():
            m.d.comb += self.i.ready.eq(1)
            m.d.sync += n.eq(0)
            with m.If(self.i.valid):
                m.d.sync += [bits.eq(Cat(0, self.i.payload)), n.eq(10), timer.eq(self.divisor - 1)]
        return m
