# SPDX-License-Identifier: Apache-2.0
"""One small sequential unit for products, quotients, roots and gains; mirrors golden."""
from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import enum
from amaranth.lib.wiring import Component, In, Out

from golden.gain import ALIGN, MANTISSA_BITS, OPERAND_BITS

HIGH_BITS, LOW_BITS, OPERAND_WIDTH = 56, 48, 56
MULTIPLIER_BITS = 24
_FAR, _NEAR = 8, 1
"""Shifts of a normalization, in one cycle each."""


class Operation(enum.Enum, shape=2):
    """What the unit makes of its registers."""

    MULTIPLY = 0
    """`product` = operand * low, of 24 bits."""
    DIVIDE = 1
    """`quotient` = the number of `steps` bits behind high, top aligned in low, over operand; high below operand."""
    ROOT = 2
    """`root` = integer square root of the top 2 * `steps` bits of low; high and operand 0."""
    GAIN = 3
    """`mantissa`, `shift` of the numerator in high and low, as `numerator` puts it, over operand > 0."""


class _Phase(enum.Enum, shape=3):
    READY = 0
    """The result stands."""
    LOOK = 1
    """Whether there is a first one to be shifted to the top."""
    NORMALIZE = 2
    """Shift the first ones of both sides to the top."""
    TRY = 3
    """What a bit of the result would leave."""
    TAKE = 4
    """That bit."""
    JUDGE = 5
    """Which way a gain is rounded."""
    ROUND = 6
    """Its last bit."""


class GainUnit(Component):
    """A bit in two cycles (two of a radicand) in three registers: `high` and `low`, which shift as one, and `operand`.

    `start` loads them, whatever has run before; `ready` says that the result stands, and it does so until the next
    start. Cycles from start to ready: 49 to multiply, 2 * `steps` + 1 to divide or to take a root, and for a gain 44 to
    `gain_latency`, as both sides are first shifted to the top.

        multiply   high += operand where low ends in 1, then both a bit right
        divide     both a bit left, then high -= operand where that leaves it positive, which is the new bit of low
        root       the same with two bits of low, and 4 root + 1 in place of operand, which collects the root

    Members: `start`, `operation`, `high`, `low`, `operand`, `steps` in; `ready` out and the results, of which the one
    that was asked for is valid: `product`, `quotient`, `root`, `mantissa` with `shift` (which means nothing for a
    numerator 0).
    """

    multiply_latency = 2 * MULTIPLIER_BITS + 1
    gain_latency = 9 + 2 * (ALIGN + 1) + 6  # 30 places are three far and six near shifts, 23 are two and seven

    def __init__(self):
        super().__init__({
            "start": In(1), "operation": In(Operation), "steps": In(range(LOW_BITS + 1)),
            "high": In(HIGH_BITS), "low": In(LOW_BITS), "operand": In(OPERAND_WIDTH),
            "ready": Out(1), "product": Out(OPERAND_WIDTH + MULTIPLIER_BITS), "quotient": Out(LOW_BITS),
            "root": Out(LOW_BITS // 2), "mantissa": Out(MANTISSA_BITS), "shift": Out(signed(7)),
        })

    @staticmethod
    def numerator(value) -> tuple:
        """`high` and `low` for a numerator of at most 31 bits."""
        value = Cat(value, Const(0, OPERAND_BITS - len(value)))
        return value[1:], Cat(Const(0, LOW_BITS - 1), value[0])

    def elaborate(self, platform):
        m = Module()
        high, low = Signal(HIGH_BITS, reset_less=True), Signal(LOW_BITS, reset_less=True)
        operand = Signal(OPERAND_WIDTH, reset_less=True)
        operation, phase, left = Signal(Operation), Signal(_Phase), Signal(range(LOW_BITS + 1))

        # a division: shift, then try to subtract
        is_root = operation == Operation.ROOT
        shifted, divisor, rest = Signal(33), Signal(33), Signal(signed(34), reset_less=True)
        m.d.comb += [
            shifted.eq(Mux(is_root, Cat(low[-2:], high), Cat(low[-1], high))),
            divisor.eq(Mux(is_root, Cat(Const(1, 2), operand), operand)),
        ]
        is_bit = ~rest[-1]
        total = Signal(HIGH_BITS + 1, reset_less=True)
        m.d.sync += [rest.eq(shifted - divisor), total.eq(high + Mux(low[0], operand, 0))]

        numerator = Cat(low[-1], high[:OPERAND_BITS - 1])
        up, down = _distance(numerator), _distance(operand[:OPERAND_BITS])
        is_some, is_upward = Signal(reset_less=True), Signal(reset_less=True)
        is_up, is_down = ~numerator[-1] & is_some, ~operand[OPERAND_BITS - 1]
        with m.Switch(phase):
            with m.Case(_Phase.LOOK):
                m.d.sync += [is_some.eq(numerator.any()), phase.eq(_Phase.NORMALIZE)]
            with m.Case(_Phase.NORMALIZE):
                with m.If(is_up):
                    m.d.sync += Cat(low, high).eq(Mux(up == _FAR, Cat(low, high) << _FAR, Cat(low, high) << _NEAR))
                with m.If(is_down):
                    m.d.sync += operand.eq(Mux(down == _FAR, operand << _FAR, operand << _NEAR))
                m.d.sync += self.shift.eq(self.shift + Mux(is_up, up, 0) - Mux(is_down, down, 0))
                with m.If(~is_up & ~is_down):
                    m.d.sync += phase.eq(_Phase.TRY)
            with m.Case(_Phase.TRY):
                m.d.sync += phase.eq(Mux(left == 0, _Phase.JUDGE, _Phase.TAKE))
            with m.Case(_Phase.TAKE):
                with m.Switch(operation):
                    with m.Case(Operation.MULTIPLY):
                        m.d.sync += [high.eq(total[1:]), low.eq(Cat(low[1:], total[0]))]
                    with m.Case(Operation.ROOT):
                        m.d.sync += [high.eq(Mux(is_bit, rest, shifted)), low.eq(low << 2),
                                     operand.eq(Cat(is_bit, operand))]
                    with m.Default():
                        m.d.sync += [high.eq(Mux(is_bit, rest, shifted)), low.eq(Cat(is_bit, low))]
                m.d.sync += [left.eq(left - 1), phase.eq(_Phase.TRY)]
                with m.If((left == 1) & (operation != Operation.GAIN)):
                    m.d.sync += phase.eq(_Phase.READY)
            with m.Case(_Phase.JUDGE):  # half to even: twice what is left against the denominator
                m.d.sync += [is_upward.eq(is_bit & (rest.any() | low[0])), phase.eq(_Phase.ROUND)]
            with m.Case(_Phase.ROUND):
                m.d.sync += [low.eq(self.mantissa + is_upward), phase.eq(_Phase.READY)]
        with m.If(self.start):
            m.d.sync += [
                operation.eq(self.operation), high.eq(self.high), low.eq(self.low), operand.eq(self.operand),
                left.eq(self.steps), self.shift.eq(ALIGN), phase.eq(_Phase.TRY),
            ]
            with m.Switch(self.operation):
                with m.Case(Operation.MULTIPLY):
                    m.d.sync += left.eq(MULTIPLIER_BITS)
                with m.Case(Operation.GAIN):
                    m.d.sync += [left.eq(ALIGN + 1), phase.eq(_Phase.LOOK)]
        m.d.comb += [
            self.ready.eq(phase == _Phase.READY), self.quotient.eq(low), self.root.eq(operand),
            self.product.eq(Cat(low[LOW_BITS - MULTIPLIER_BITS:], high)), self.mantissa.eq(low),
        ]
        return m


def _distance(value):
    """How far to shift in one cycle, where the top bit is 0."""
    return Mux(value[-_FAR:].any(), _NEAR, _FAR)
