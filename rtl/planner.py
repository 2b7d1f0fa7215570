# SPDX-License-Identifier: Apache-2.0
"""Slots and largest levels of a managed update: `golden.management.plan`, on the gain unit."""
from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib.wiring import Component, In, Out

from golden.config import MAX_BL, MAX_LEVEL, VECTOR
from golden.gain import OPERAND_BITS
from golden.management import MAX_EXCESS, UpdateManagement
from rtl.gain import HIGH_BITS, LOW_BITS, OPERAND_WIDTH, GainUnit, Operation

MAX_BITS = VECTOR.bits
"""A largest magnitude is at most 2**23."""


class Planner(Component):
    """k = ratio * max|x| * max|d|; slots from k, and from k / slots the root, or with too few slots the excess.

    `early`, at least a cycle before `start`, begins the first product as soon as max|x| is known. `done` comes at most
    `latency` cycles behind `start`, if the product's `multiply_latency` is over by the cycle after it, else later by as
    much; then `slots`, `row` and `col` stand until the next start. With nothing to do `slots` is 0, and `row` and `col`
    mean nothing.

    Members: `early`, `start`, registers `um`, `bl`, `ratio`, and `x_max`, `d_max` in; `done` and results out; and the
    ports of a `GainUnit`, mirrored, under its names.
    """

    latency = GainUnit.multiply_latency + (2 * 32 + 1) + (2 * 16 + 1) + 7

    def __init__(self):
        super().__init__({
            "early": In(1), "start": In(1), "um": In(UpdateManagement), "bl": In(range(MAX_BL + 1)), "ratio": In(32),
            "x_max": In(MAX_BITS), "d_max": In(MAX_BITS),
            "done": Out(1), "slots": Out(range(MAX_BL + 1)), "row": Out(OPERAND_BITS), "col": Out(OPERAND_BITS),
            "unit_start": Out(1), "operation": Out(Operation), "steps": Out(range(LOW_BITS + 1)),
            "high": Out(HIGH_BITS), "low": Out(LOW_BITS), "operand": Out(OPERAND_WIDTH),
            "ready": In(1), "product": In(OPERAND_WIDTH + MAX_BITS), "quotient": In(LOW_BITS),
            "root": In(LOW_BITS // 2),
        })

    def elaborate(self, platform):
        m = Module()
        is_off, k = self.um == UpdateManagement.OFF, self.product
        # each has a cycle or more to come to rest before it is looked at
        whole, is_nothing, is_inexact, is_few = k[48:], Signal(), Signal(), Signal()
        needed, is_within, is_near = Signal(33, reset_less=True), Signal(), Signal()
        m.d.sync += [
            is_nothing.eq(~self.x_max.any() | ~self.d_max.any() | ~self.ratio.any()),
            is_inexact.eq(k[:48].any()), needed.eq(whole + is_inexact),
            is_few.eq((self.um == UpdateManagement.UBLM) & (needed < self.bl)),
            is_within.eq(whole < self.slots), is_near.eq(k[64:] < self.slots),
        ]
        with m.FSM():
            with m.State("IDLE"):
                with m.If(self.early):
                    self._multiply(m, self.ratio, self.x_max)
                with m.If(self.start):
                    m.next = "JUDGE"
            with m.State("JUDGE"):  # nothing to do, roots alone, or the second product
                m.d.sync += self.slots.eq(self.bl)
                with m.If(is_nothing):
                    m.d.sync += self.slots.eq(0)
                    m.next = "DONE"
                with m.Elif(is_off):
                    self._divide(m, 0, Cat(Const(0, 16), self.ratio), self.bl, LOW_BITS)
                    m.next = "QUOTIENT"
                with m.Elif(self.ready):
                    self._multiply(m, self.product, self.d_max)
                    m.next = "MULTIPLY"
            with m.State("MULTIPLY"):  # until k stands
                with m.If(self.ready):
                    m.next = "REST"
            with m.State("REST"):
                m.next = "COUNT"
            with m.State("COUNT"):
                m.next = "SLOTS"
            with m.State("SLOTS"):  # as many as k needs
                with m.If(is_few):
                    m.d.sync += self.slots.eq(needed)
                m.next = "COMPARE"
            with m.State("COMPARE"):
                m.next = "DIVIDE"
            with m.State("DIVIDE"):  # k over slots, from the digits that matter; beyond the limit from higher ones
                with m.If(is_within):
                    self._divide(m, whole, Cat(Const(0, 16), k[16:48]), self.slots, 32)
                    m.next = "QUOTIENT"
                with m.Elif(is_near):
                    self._divide(m, k[64:], Cat(Const(0, 16), k[32:64]), self.slots, 32)
                    m.next = "EXCESS"
                with m.Else():
                    m.d.sync += [self.row.eq(MAX_LEVEL), self.col.eq(MAX_EXCESS)]
                    m.next = "DONE"
            with m.State("QUOTIENT"):
                with m.If(self.ready):
                    m.d.comb += [
                        self.unit_start.eq(1), self.operation.eq(Operation.ROOT), self.steps.eq(Mux(is_off, 24, 16)),
                        self.low.eq(Mux(is_off, self.quotient, Cat(Const(0, 16), self.quotient))),
                    ]
                    m.next = "ROOT"
            with m.State("ROOT"):
                m.d.sync += [self.row.eq(self.root), self.col.eq(self.root)]
                with m.If(self.ready):
                    m.next = "DONE"
            with m.State("EXCESS"):
                is_most = self.quotient[:32] > MAX_EXCESS
                m.d.sync += [self.row.eq(MAX_LEVEL), self.col.eq(Mux(is_most, MAX_EXCESS, self.quotient))]
                with m.If(self.ready):
                    m.next = "DONE"
            with m.State("DONE"):
                m.d.comb += self.done.eq(1)
                m.next = "IDLE"
        return m

    def _multiply(self, m: Module, operand, low):
        m.d.comb += [self.unit_start.eq(1), self.operation.eq(Operation.MULTIPLY), self.operand.eq(operand),
                     self.low.eq(low)]

    def _divide(self, m: Module, high, low, operand, steps: int):
        m.d.comb += [self.unit_start.eq(1), self.operation.eq(Operation.DIVIDE), self.high.eq(high), self.low.eq(low),
                     self.operand.eq(operand), self.steps.eq(steps)]
