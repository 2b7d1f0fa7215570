# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from amaranth.hdl import Module, Shape, Signal, signed, unsigned
from amaranth.lib.wiring import Component, In, Out

from rtl.dsp import (
    SHORT_LATENCY,
    Product,
    SerialProduct,
    digits,
    levels,
    multiple,
    multiple_latency,
    soft_latency,
    soft_product,
    tree,
)
from tests.rtl.simulation import check_pipeline, run
from tests.support import assert_bits

SHAPES = [(signed(18), signed(18)), (signed(18), signed(7)), (unsigned(17), unsigned(17)), (signed(18), unsigned(16)),
          (unsigned(1), signed(2)), (signed(1), signed(1))]


def words(shape: Shape, rng, n: int = 200) -> np.ndarray:
    """Any values, with many at the ends and around zero."""
    low, high = (-(1 << (shape.width - 1)), (1 << (shape.width - 1)) - 1) if shape.signed else \
        (0, (1 << shape.width) - 1)
    values = rng.integers(low, high, n, endpoint=True)
    return np.where(rng.random(n) < 0.4, rng.choice([low, high, 0, min(high, 1)], n), values)


@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_products_of_any_two_words(shapes, short):
    rng = np.random.default_rng(1)
    a, b = (words(shape, rng) for shape in shapes)
    latency = SHORT_LATENCY if short else Product.latency
    check_pipeline(Product(*shapes, short=short), latency, {"a": a, "b": b}, {"p": a * b})


@pytest.mark.parametrize("constant", [*range(1, 300), 326, 1229, 28672, 0x5555, 0xAAAA, (1 << 17) - 1])
def test_digits_are_few(constant):
    powers, signs = zip(*digits(constant), strict=True)
    assert sum(sign << power for power, sign in digits(constant)) == constant
    assert signs[0] == 1
    assert np.all(-np.diff(powers) > 1)


class Multiple(Component):
    def __init__(self, shape: Shape, constant: int):
        self.constant = constant
        super().__init__({"value": In(shape), "p": Out(Shape(shape.width + constant.bit_length(), shape.signed))})

    def elaborate(self, platform):
        m = Module()
        m.d.sync += Signal().eq(1)
        m.d.comb += self.p.eq(multiple(m, "p", self.value, self.constant))
        return m


@pytest.mark.parametrize("shape", [signed(14), unsigned(5)], ids=str)
@pytest.mark.parametrize("constant", [1, 2, 3, 5, 11, 21, 326, 1229, 28672, 0x5555, 0xAAAA, (1 << 17) - 1])
def test_multiples_of_any_word(shape, constant):
    value = words(shape, np.random.default_rng(constant))
    check_pipeline(Multiple(shape, constant), multiple_latency(constant), {"value": value}, {"p": value * constant})


def test_a_multiple_takes_few_sums():
    constants = (1, 8, 3, 7, 11, 85, 0x155, 0x5555)
    assert_bits("latencies", [0, 0, 1, 1, 2, 2, 3, 3], [multiple_latency(constant) for constant in constants])


class Sums(Component):
    """A tree of any number of terms, and a product in logic."""

    def __init__(self, n: int):
        self.n = n
        super().__init__({"terms": In(signed(5)).array(n), "a": In(7), "b": In(n), "total": Out(signed(9)),
                          "p": Out(7 + n)})

    def elaborate(self, platform):
        m = Module()
        m.d.sync += Signal().eq(1)
        m.d.comb += [self.total.eq(tree(m, "total", self.terms)), self.p.eq(soft_product(m, "p", self.a, self.b))]
        return m


@pytest.mark.parametrize("n", range(1, 10))
def test_sums_and_products_in_logic(n):
    rng = np.random.default_rng(n)
    terms = rng.integers(-16, 15, (100, n), endpoint=True)
    a, b = words(unsigned(7), rng, 100), words(unsigned(n), rng, 100)
    check_pipeline(Sums(n), levels(n), {"terms": terms, "a": a, "b": b}, {"total": terms.sum(axis=1), "p": a * b})
    assert soft_latency(n) == levels(n) == [0, 1, 2, 2, 3, 3, 3, 3, 4][n - 1]


@pytest.mark.parametrize(("a_bits", "b_bits"), [(29, 16), (2, 5), (18, 1)])
def test_serial_products_stand_until_the_next(a_bits, b_bits):
    """Every corner and random words, one behind the other as soon as may be; `b` stands at `start` alone."""
    made, rng = SerialProduct(signed(a_bits), unsigned(b_bits)), np.random.default_rng(a_bits)
    low, high, most = -1 << a_bits - 1, (1 << a_bits - 1) - 1, (1 << b_bits) - 1
    pairs = [(a, b) for a in (low, high, -1, 0, 1) for b in (0, 1, most)]
    pairs += [(int(rng.integers(low, high, endpoint=True)), int(rng.integers(0, most, endpoint=True)))
              for _ in range(30)]
    found = []

    async def bench(ctx):
        for a, b in pairs:
            ctx.set(made.a, a)
            for cycle in range(made.latency):
                ctx.set(made.start, cycle == 0)
                ctx.set(made.b, b if cycle == 0 else most - b)
                await ctx.tick()
            found.append(ctx.get(made.p))

    run(made, bench)
    assert_bits("product", [a * b for a, b in pairs], found)
