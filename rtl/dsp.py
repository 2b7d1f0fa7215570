# SPDX-License-Identifier: Apache-2.0
"""Products and sums as pipelines, with registers where the multipliers of FPGAs have theirs."""
from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Mux, Shape, Signal, Value, signed
from amaranth.lib.wiring import Component, In, Out

BLOCK_BITS = 18
"""Widest signed operand of one multiplier."""
SHORT_LATENCY = 2
"""Cycles of a `Product` without a register at its output."""


class Product(Component):
    """`a * b`, one a cycle, `latency` cycles later.

    Registers stand at the operands, behind the multiplier, and at its output: a multiplier block has all three, and
    what synthesis leaves outside of it the board's build moves in. That takes operands of at most `BLOCK_BITS`.

    Parameters: `a_shape`, `b_shape` of the operands; `short` without the register at the output, for a slow clock,
    `SHORT_LATENCY` cycles. Members: `a`, `b` in; `p` out.
    """

    latency = 3

    def __init__(self, a_shape, b_shape, *, short: bool = False):
        a, b, self.short = Shape.cast(a_shape), Shape.cast(b_shape), short
        super().__init__({"a": In(a), "b": In(b), "p": Out(Shape(a.width + b.width, a.signed or b.signed))})

    def elaborate(self, platform):
        m = Module()
        a, b = Signal.like(self.a, reset_less=True), Signal.like(self.b, reset_less=True)
        product, p = Signal.like(self.p, reset_less=True), Signal.like(self.p, reset_less=True)
        m.d.sync += [a.eq(self.a), b.eq(self.b), product.eq(a * b), p.eq(product)]
        m.d.comb += self.p.eq(product if self.short else p)
        return m


def serial_latency(b_shape) -> int:
    """Cycles that a `SerialProduct` takes: one to begin, and one for each bit of `b`."""
    return Shape.cast(b_shape).width + 1


class SerialProduct(Component):
    """`a * b` by one adder, a bit of `b` a cycle: `p` is right `latency` cycles behind `start` and until the next one.

    Both operands stand, `a` from `start` to the last cycle. Parameters: `a_shape`, signed; `b_shape`, unsigned.
    """

    def __init__(self, a_shape, b_shape):
        a, b = Shape.cast(a_shape), Shape.cast(b_shape)
        self.latency = serial_latency(b)
        super().__init__({"start": In(1), "a": In(a), "b": In(b), "p": Out(signed(a.width + b.width))})

    def elaborate(self, platform):
        m = Module()
        # what is left of b moves out as the product's low bits move in
        rest, high = Signal.like(self.b, reset_less=True), Signal(signed(len(self.a)), reset_less=True)
        total, n_left = Signal(signed(len(self.a) + 1)), Signal(range(len(self.b) + 1))
        m.d.comb += [total.eq(high + Mux(rest[0], self.a, 0)),
                     self.p.eq(Cat(rest, high))]
        with m.If(self.start):
            m.d.sync += [rest.eq(self.b), high.eq(0), n_left.eq(len(self.b))]
        with m.Elif(n_left.any()):
            m.d.sync += [Cat(rest, high).eq(Cat(rest[1:], total)), n_left.eq(n_left - 1)]
        return m


def product(m: Module, name: str, a, b, *, short: bool = False) -> Value:
    """`a * b`, `Product.latency` cycles later, or `SHORT_LATENCY`, by a `Product` of that name."""
    a, b = Value.cast(a), Value.cast(b)
    m.submodules[name] = made = Product(a.shape(), b.shape(), short=short)
    m.d.comb += [made.a.eq(a), made.b.eq(b)]
    return made.p


def digits(constant: int) -> list[tuple[int, int]]:
    """The fewest (power, sign) whose sum of sign * 2**power is a positive constant, from the highest, which is +1."""
    found, power = [], 0
    while constant:
        if constant & 1:
            sign = 2 - (constant & 3)  # -1 before another one, which then carries on
            found.append((power, sign))
            constant -= sign
        constant >>= 1
        power += 1
    return found[::-1]


def levels(n_terms: int) -> int:
    """Cycles that a `tree` of so many terms takes."""
    return (n_terms - 1).bit_length()


def tree(m: Module, name: str, terms: Sequence) -> Value:
    """The sum of terms, by pairs with a register behind each level: `levels` cycles later."""
    terms, level = [Value.cast(term) for term in terms], 0
    while len(terms) > 1:
        sums = [a + b for a, b in zip(terms[::2], terms[1::2], strict=False)] + terms[len(terms) & ~1:]
        terms, level = [_register(m, f"{name}_{level}_{n}", each) for n, each in enumerate(sums)], level + 1
    return terms[0]


def soft_latency(b_shape) -> int:
    """Cycles that a `soft_product` takes."""
    return levels(Shape.cast(b_shape).width)


def soft_product(m: Module, name: str, a, b) -> Value:
    """`a * b` of narrow unsigned values, `soft_latency` cycles later, in logic: no multiplier is spent on them."""
    a, b = Value.cast(a), Value.cast(b)
    return tree(m, name, [(a & bit.replicate(len(a))) << place for place, bit in enumerate(b)])[:len(a) + len(b)]


def multiple_latency(constant: int) -> int:
    """Cycles that `multiple` takes."""
    return levels(len(digits(constant)))


def multiple(m: Module, name: str, value, constant: int) -> Value:
    """`value * constant`, `multiple_latency` cycles later: sums of shifted values by pairs, without a multiplier."""
    value = Value.cast(value)
    terms, level = [(power, sign, value) for power, sign in digits(constant)], 0
    while len(terms) > 1:
        sums = []
        for high, low in zip(terms[::2], terms[1::2], strict=False):
            aligned = high[2] << high[0] - low[0]
            sums.append((low[0], high[1], aligned + low[2] if high[1] == low[1] else aligned - low[2]))
        sums += terms[len(terms) & ~1:]
        terms = [(power, sign, _register(m, f"{name}_{level}_{n}", total))
                 for n, (power, sign, total) in enumerate(sums)]
        level += 1
    power, _, total = terms[0]
    result = (total << power)[:len(value) + constant.bit_length()]
    return result.as_signed() if value.shape().signed else result


def _register(m: Module, name: str, value) -> Signal:
    register = Signal(value.shape(), name=name, reset_less=True)
    m.d.sync += register.eq(value)
    return register
