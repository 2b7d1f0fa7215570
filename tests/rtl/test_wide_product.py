# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from amaranth.hdl import Module, Shape, signed, unsigned
from amaranth.lib.wiring import Component, In, Out

from rtl.wide_product import LATENCY, wide_product
from tests.rtl.simulation import check_pipeline


class _Product(Component):
    def __init__(self, a: Shape, b: Shape):
        super().__init__({"a": In(a), "b": In(b), "p": Out(Shape(a.width + b.width, a.signed or b.signed))})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.p.eq(wide_product(m, "product", self.a, self.b))
        return m


@pytest.mark.parametrize(("a", "b"), [
    (signed(18), signed(18)), (unsigned(17), unsigned(17)), (unsigned(18), unsigned(20)), (unsigned(24), unsigned(20)),
    (signed(30), unsigned(16)), (signed(19), signed(25)), (unsigned(32), signed(2)), (signed(24), signed(24))], ids=str)
def test_products(a, b):
    """All pairs of ends, and of what lies at the border of the digits; then any."""
    rng = np.random.default_rng(a.width)

    def values(shape: Shape) -> list[int]:
        low = -(1 << shape.width - 1) if shape.signed else 0
        high = low + (1 << shape.width) - 1
        edges = {low, low + 1, -1, 0, 1, high - 1, high, (1 << 17) - 1, 1 << 17, (1 << 17) + 1, -(1 << 17)}
        return [n for n in sorted(edges) if low <= n <= high] + rng.integers(low, high, 5, endpoint=True).tolist()

    pairs = [(x, y) for x in values(a) for y in values(b)]
    check_pipeline(_Product(a, b), LATENCY, {"a": [x for x, _ in pairs], "b": [y for _, y in pairs]},
                   {"p": [x * y for x, y in pairs]})
