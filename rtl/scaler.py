# SPDX-License-Identifier: Apache-2.0
"""Multiplies by a gain, rounds half to even and limits: `golden.gain.scaled`, a value a cycle."""
from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib.wiring import Component, In, Out

from golden.gain import MANTISSA_BITS, MOST_LEFT
from rtl.formats import delay

LIMIT_BITS = 24


class Scaler(Component):
    """`value * mantissa / 2**shift`, within +-`limit`, `latency` cycles later.

        magnitude -> product -> shift right, with what falls out -> round, limit, sign

    Magnitudes round and saturate like signed values, as both are symmetric. Left shifts beyond `MOST_LEFT` - 1 give the
    limit whatever they are, so that the shifter begins that far to the left. The gain and the limit stand while values
    are on their way.

    Parameters: `value_bits` of the signed values. Members: `value`, `mantissa`, `shift` in -64..63 - MOST_LEFT and
    `limit` in; `result` out; `valid` and `last` go along with a value to `result_valid` and `result_last`.
    """

    latency = 4

    def __init__(self, value_bits: int):
        super().__init__({
            "value": In(signed(value_bits)), "mantissa": In(MANTISSA_BITS), "shift": In(signed(7)),
            "limit": In(LIMIT_BITS), "result": Out(signed(LIMIT_BITS + 1)),
            "valid": In(1), "last": In(1), "result_valid": Out(1), "result_last": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        bits = len(self.value)
        magnitude = Signal(bits, reset_less=True)
        product = Signal(bits + MANTISSA_BITS, reset_less=True)
        m.d.sync += [magnitude.eq(Mux(self.value < 0, -self.value, self.value)), product.eq(magnitude * self.mantissa)]

        # one place at a time is half of the result's last one, all below are one bit that says whether there was any
        amount = Signal(6)
        m.d.comb += amount.eq(Mux(self.shift < 1 - MOST_LEFT, 0, self.shift + (MOST_LEFT - 1)))
        moving, is_inexact = Cat(Const(0, MOST_LEFT), product), Const(0, 1)
        for n in reversed(range(len(amount))):
            stage, lost = Signal(len(moving), name=f"stage_{n}"), Signal(name=f"lost_{n}")
            m.d.comb += [stage.eq(Mux(amount[n], moving >> (1 << n), moving)),
                         lost.eq(is_inexact | (amount[n] & moving[:1 << n].any()))]
            moving, is_inexact = stage, lost
        shifted, inexact = Signal(len(moving), reset_less=True), Signal(reset_less=True)
        m.d.sync += [shifted.eq(moving), inexact.eq(is_inexact)]

        rounded, is_negative = Signal(len(moving)), delay(m, self.value < 0, self.latency - 1)
        limited = Signal(LIMIT_BITS)
        m.d.comb += [rounded.eq(shifted[1:] + (shifted[0] & (inexact | shifted[1]))),
                     limited.eq(Mux(rounded > self.limit, self.limit, rounded))]
        m.d.sync += self.result.eq(Mux(is_negative, -limited, limited))
        m.d.comb += [self.result_valid.eq(delay(m, self.valid, self.latency, reset=True)),
                     self.result_last.eq(delay(m, self.last, self.latency))]
        return m
