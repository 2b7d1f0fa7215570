# SPDX-License-Identifier: Apache-2.0
"""Multiplies by a gain, rounds half to even and limits: `golden.gain.scaled`, a value a cycle."""
from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib.wiring import Component, In, Out

from golden.gain import MANTISSA_BITS, MOST_LEFT
from rtl.formats import delay
from rtl.wide_product import LATENCY as PRODUCT_LATENCY
from rtl.wide_product import wide_product

LIMIT_BITS = 24
_AMOUNT_BITS = 6


class Scaler(Component):
    """`value * mantissa / 2**shift`, within +-`limit`, `latency` cycles later.

        magnitude -> product -> shift right, with what falls out, in three cycles -> round -> limit -> sign

    Magnitudes round and saturate like signed values, as both are symmetric. Left shifts beyond `MOST_LEFT` - 1 give the
    limit whatever they are, so that the shifter begins that far to the left. The gain and the limit stand from a cycle
    before the first value until all are through.

    Parameters: `value_bits` of the signed values. Members: `value`, `mantissa`, `shift` in -64..63 - MOST_LEFT and
    `limit` in; `result` out; `valid` and `last` go along with a value to `result_valid` and `result_last`.
    """

    latency = 1 + PRODUCT_LATENCY + _AMOUNT_BITS // 2 + 4

    def __init__(self, value_bits: int):
        super().__init__({
            "value": In(signed(value_bits)), "mantissa": In(MANTISSA_BITS), "shift": In(signed(7)),
            "limit": In(LIMIT_BITS), "result": Out(signed(LIMIT_BITS + 1)),
            "valid": In(1), "last": In(1), "result_valid": Out(1), "result_last": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        magnitude = Signal(len(self.value), reset_less=True)
        m.d.sync += magnitude.eq(Mux(self.value < 0, -self.value, self.value))
        product = wide_product(m, "product", magnitude, delay(m, self.mantissa, 1))

        # one place at a time is half of the result's last one, all below are one bit that says whether there was any
        amount = Signal(_AMOUNT_BITS, reset_less=True)
        m.d.sync += amount.eq(Mux(self.shift < 1 - MOST_LEFT, 0, self.shift + (MOST_LEFT - 1)))
        moving, is_inexact = Cat(Const(0, MOST_LEFT), product), Const(0, 1)
        for n in reversed(range(_AMOUNT_BITS)):
            stage, lost = Signal(len(moving), name=f"stage_{n}", reset_less=True), Signal(name=f"lost_{n}")
            domain = m.d.comb if n % 2 else m.d.sync
            domain += [stage.eq(Mux(amount[n], moving >> (1 << n), moving)),
                       lost.eq(is_inexact | (amount[n] & moving[:1 << n].any()))]
            moving, is_inexact = stage, lost

        is_up, rounded = Signal(reset_less=True), Signal(len(moving), reset_less=True)
        is_beyond, limited = Signal(reset_less=True), Signal(LIMIT_BITS, reset_less=True)
        m.d.sync += [is_up.eq(moving[0] & (is_inexact | moving[1])),
                     rounded.eq(delay(m, moving[1:], 1) + is_up),
                     is_beyond.eq(rounded > self.limit),
                     limited.eq(rounded[:LIMIT_BITS])]
        bounded, is_negative = Mux(is_beyond, self.limit, limited), delay(m, self.value < 0, self.latency - 1)
        m.d.sync += self.result.eq(Mux(is_negative, -bounded, bounded))
        m.d.comb += [self.result_valid.eq(delay(m, self.valid, self.latency, reset=True)),
                     self.result_last.eq(delay(m, self.last, self.latency))]
        return m
