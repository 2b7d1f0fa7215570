# SPDX-License-Identifier: Apache-2.0
"""Fixed-point formats in hardware: shapes, and the only two places where bits are lost. Mirrors golden."""
from amaranth.hdl import Const, Mux, Shape, Signal, Value, signed, unsigned

from golden.formats import Format


def shape_of(fmt: Format) -> Shape:
    """The Amaranth shape of a golden format."""
    return signed(fmt.bits) if fmt.signed else unsigned(fmt.bits)


def round_half_even(value, shift: int) -> Value:
    """`value / 2**shift`, rounded to the nearest integer, ties to the even one; no wider than needed."""
    value = Value.cast(value)
    if shift <= 0:
        return value << -shift
    is_odd = value[shift] if shift < len(value) else (value < 0)
    total = value + ((1 << (shift - 1)) - 1) + is_odd
    # a slice, not a shift: sign bits that nobody reads cost the simulator dear
    quotient = total[min(shift, len(total) - 1):]
    return quotient.as_signed() if value.shape().signed else quotient


def saturate(value, fmt: Format) -> Value:
    """The code of `fmt` nearest to `value`."""
    value, shape = Value.cast(value), shape_of(fmt)
    low, high = Const(fmt.min, shape), Const(fmt.max, shape)
    return Mux(value > high, high, Mux(value < low, low, _cut(value, shape)))


def clip(value, low, high) -> Value:
    """`value` between two bounds that are signals of one shape; `high` where they are in disorder."""
    return Mux((value > high) | (low > high), high, Mux(value < low, low, _cut(value, high.shape())))


def popcount(bits) -> Value:
    """How many bits are set: sums of ever wider fields, in words of 32 bits."""
    bits = Value.cast(bits)
    total = Const(0, 1)
    for start in range(0, len(bits), 32):
        word, width = bits[start:start + 32], 1
        while width < len(word):
            mask = sum(((1 << width) - 1) << place for place in range(0, 32, 2 * width))
            word, width = ((word & mask) + ((word >> width) & mask))[:32], 2 * width
        total = total + word
    return total[:len(bits).bit_length()]


def delay(m, value, cycles: int, *, reset: bool = False) -> Value:
    """`value`, `cycles` clocks later. Not inside an `m.If`, which would hold the registers up.

    Data goes through registers without reset; what says that data is valid needs `reset`, so that nothing in
    flight outlives one.
    """
    for n in range(cycles):
        register = Signal.like(value, name=f"delay_{n + 1}", reset_less=not reset)
        m.d.sync += register.eq(value)
        value = register
    return value


def _cut(value: Value, shape: Shape) -> Value:
    """The low bits of a value that is known to fit the shape."""
    low = value[:shape.width] if len(value) >= shape.width else value
    return low.as_signed() if shape.signed and len(value) >= shape.width else low
