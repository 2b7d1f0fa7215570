# SPDX-License-Identifier: Apache-2.0
"""Fixed-point formats in hardware: shapes, and the only two places where bits are lost. Mirrors golden."""
from amaranth.hdl import Cat, Const, Mux, Shape, Signal, Value, signed, unsigned

from golden.formats import Format


def shape_of(fmt: Format) -> Shape:
    """The Amaranth shape of a golden format."""
    return signed(fmt.bits) if fmt.signed else unsigned(fmt.bits)


def round_half_even(value, shift: int) -> Value:
    """`value / 2**shift`, rounded to the nearest integer, ties to the even one; no wider than needed."""
    quotient, is_up = halves_to_even(value, shift)
    return quotient + is_up


def halves_to_even(value, shift: int) -> tuple[Value, Value]:
    """`value / 2**shift` rounded down, and the bit to be added to round it to the nearest integer, ties to even."""
    value = Value.cast(value)
    if shift <= 0:
        return value << -shift, Const(0, 1)
    sign = value[-1] if value.shape().signed else Const(0, 1)
    wide = Cat(value, sign.replicate(max(shift + 1 - len(value), 0)))
    quotient, rest = wide[shift:], wide[:shift]
    is_up = rest[-1] & (rest[:-1].any() | quotient[0])
    return (quotient.as_signed() if value.shape().signed else quotient), is_up


def saturate(value, fmt: Format) -> Value:
    """The code of `fmt` nearest to `value`."""
    value, shape = Value.cast(value), shape_of(fmt)
    low, high = Const(fmt.min, shape), Const(fmt.max, shape)
    if not (value.shape().signed and fmt.signed and len(value) >= fmt.bits):
        return Mux(value > high, high, Mux(value < low, low, _cut(value, shape)))
    # within the word where all bits from its sign on agree: no comparison, no carry chain
    top, code = value[fmt.bits - 1:], value[:fmt.bits]
    is_beyond = top.any() & ~top.all()
    if fmt.symmetric:
        is_beyond |= code == 1 << (fmt.bits - 1)
    return Mux(is_beyond, Mux(value[-1], low, high), code.as_signed())


def within(value, low: int, high: int) -> Value:
    """Whether `low <= value <= high`; by a look at the bits above those of `high`, without a comparison of all of them,
    for the usual bounds: 0, 1 or -1 and any, or those of a signed word.
    """
    value, bits = Value.cast(value), high.bit_length()
    if bits < len(value) and (low >= 0 or value.shape().signed):
        top, rest = value[bits:], value[:bits]
        is_code = ~top.any()  # below 2**bits
        is_word = high == (1 << bits) - 1
        is_right = is_code if is_word else is_code & (rest <= high)
        found = {0: is_right, 1: is_right & rest.any(), -1: is_right | value.all()}
        if is_word:
            found |= {-high - 1: is_code | top.all(), -high: is_code | (top.all() & rest.any())}
        if low in found:
            return found[low]
    return (value >= low) & (value <= high)


def clip(value, low, high, sides=None) -> Value:
    """`value` between two bounds that are signals of one shape; `high` where they are in disorder.

    `sides`: whether it is above, as in disorder, or else below, where registers have that already.
    """
    is_over, is_under = sides or ((value > high) | (low > high), value < low)
    return Mux(is_over, high, Mux(is_under, low, _cut(value, high.shape())))


def add_with_carry(a, b, carry) -> Value:
    """`a + b + carry` of two values and a bit, by one carry chain."""
    return (Cat(1, _signed(a)).as_signed() + Cat(carry, _signed(b)).as_signed())[1:].as_signed()


def add_or_subtract(a, b, subtract, carry=0) -> Value:
    """`a + (b + carry)`, or `a - (b + carry)` where the bit `subtract` says so, by one carry chain."""
    b = _signed(b)
    return add_with_carry(a, (b ^ subtract.replicate(len(b)))[:len(b)].as_signed(), (subtract ^ carry)[0])


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


def delay(m, value, cycles: int, *, reset: bool = False, when=1) -> Value:
    """`value`, `cycles` clocks later; only those count in which `when` is high. Not inside an `m.If`, which would hold
    the registers up.

    Data goes through registers without reset; what says that data is valid needs `reset`, so that nothing in
    flight outlives one.
    """
    for n in range(cycles):
        register = Signal.like(value, name=f"delay_{n + 1}", reset_less=not reset)
        with m.If(when):
            m.d.sync += register.eq(value)
        value = register
    return value


def late(m, value, cycles: int, takes, period: int) -> Value:
    """`value` as it was where it was taken, `cycles` clocks later; it is taken where `takes` says so, at least `period`
    clocks apart, so that one register keeps it. As `delay`, not inside an `m.If`.
    """
    if period == 1 or not cycles:
        return delay(m, value, cycles)
    kept = Signal.like(value, name="kept", reset_less=True)
    with m.If(takes):
        m.d.sync += kept.eq(value)
    return delay(m, kept, max(cycles - period, 0))


def _signed(value) -> Value:
    """The same value of a signed shape."""
    value = Value.cast(value)
    return value if value.shape().signed else Cat(value, Const(0, 1)).as_signed()


def _cut(value: Value, shape: Shape) -> Value:
    """The low bits of a value that is known to fit the shape."""
    low = value[:shape.width] if len(value) >= shape.width else value
    return low.as_signed() if shape.signed and len(value) >= shape.width else low
