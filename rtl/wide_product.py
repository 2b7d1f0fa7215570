# SPDX-License-Identifier: Apache-2.0
"""Products of operands that are wider than one multiplier block, from products of their digits."""
from amaranth.hdl import Module, Value

from rtl.dsp import BLOCK_BITS, Product, product, tree

_DIGIT = BLOCK_BITS - 1
LATENCY = Product.latency + 2
"""Cycles of a product: those of its digits, and their sum."""


def wide_product(m: Module, name: str, a, b) -> Value:
    """`a * b`, one a cycle, `LATENCY` cycles later; of at most two digits of 17 bits each, the upper ones signed."""
    a, b = Value.cast(a), Value.cast(b)
    terms = [product(m, f"{name}_{n}_{k}", x, y) << (n + k) * _DIGIT
             for n, x in enumerate(_digits(a)) for k, y in enumerate(_digits(b))]
    is_signed = a.shape().signed or b.shape().signed
    zero = Value.cast(0)
    total = tree(m, name, [*terms, *[zero] * (3 - len(terms))])[:len(a) + len(b)]
    return total.as_signed() if is_signed else total


def _digits(value: Value) -> list[Value]:
    """The low 17 bits, unsigned, and what is above them; a value that fits a block as it is."""
    if len(value) + (not value.shape().signed) <= BLOCK_BITS:
        return [value]
    high = value[_DIGIT:]
    return [value[:_DIGIT], high.as_signed() if value.shape().signed else high]
