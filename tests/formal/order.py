# SPDX-License-Identifier: Apache-2.0
"""That what goes in comes out, for any item of a stream without end."""
from amaranth.hdl import Assert, Module, Signal
from amaranth.lib.wiring import Component, In, Out


class Order(Component):
    """Asserts that items come out in order, unchanged, none made up, and that at most `most` are inside.

    One item is remembered at a time, with how many are ahead of it: which one, `mark` says, a free input. So it
    may be any.

    Members: `put` with `item` in, `get` with `got` in, both in one cycle if need be; `mark`; `count`, how many are
    inside, out.
    """

    def __init__(self, name: str, shape, most: int):
        self.name, self.most = name, most
        super().__init__({"mark": In(1), "put": In(1), "item": In(shape), "get": In(1), "got": In(shape),
                          "count": Out(range(most + 2))})

    @classmethod
    def of(cls, m: Module, name: str, mark, most: int, *, put, item, get, got) -> "Order":
        """An order of items, added to a module."""
        order = cls(name, len(item), most)
        m.submodules[f"{name}_order"] = order
        m.d.comb += [order.mark.eq(mark), order.put.eq(put), order.item.eq(item), order.get.eq(get),
                     order.got.eq(got)]
        return order

    def elaborate(self, platform):
        m = Module()
        count, is_marked, item, ahead = self.count, Signal(), Signal.like(self.item), Signal.like(self.count)
        m.d.sync += count.eq(count + self.put - self.get)
        with m.If(is_marked):
            m.d.sync += [ahead.eq(ahead - self.get), is_marked.eq(~(self.get & (ahead == 0)))]
        with m.Elif(self.put & self.mark & ~(self.get & (count == 0))):
            m.d.sync += [item.eq(self.item), ahead.eq(count - self.get), is_marked.eq(1)]
        with m.If(self.get):
            m.d.comb += [
                Assert((count != 0) | self.put, f"{self.name}: nothing comes out that did not go in"),
                Assert((count != 0) | (self.got == self.item), f"{self.name}: what passes at once is unchanged"),
                Assert(~is_marked | (ahead != 0) | (self.got == item), f"{self.name}: in order, unchanged"),
            ]
        m.d.comb += Assert(count <= self.most, f"{self.name}: at most {self.most} are inside")
        return m
