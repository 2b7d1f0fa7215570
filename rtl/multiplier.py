# SPDX-License-Identifier: Apache-2.0
"""Multiply-accumulate lanes of the emulated array: exact charges of columns, or of rows."""
from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib.wiring import Component, In, Out

from golden.config import TileConfig
from rtl.formats import delay, shape_of


class Multiplier(Component):
    """One chunk of P cross-points a cycle; each lane multiplies a weight by its line's width.

    Forward accumulates each lane over the rows of a chunk: P column charges at `last`. Backward adds the lanes
    up and accumulates over the chunks of a row: one row charge at `last`, collected P at a time. Either way
    `push` hands over P `charges` of converter chunk `push_chunk`, at most `latency` cycles after the visit.

    Members: `start` (before an operation), `visit`, `first`, `last`, `forward`, `chunk`, `factors` in;
    `weights` in, two cycles after the visit; `push`, `push_chunk`, `charges` out.
    """

    latency = 7

    def __init__(self, config: TileConfig):
        self.config = config
        super().__init__({
            "start": In(1), "visit": In(1), "first": In(1), "last": In(1), "forward": In(1),
            "chunk": In(range(config.chunks)),
            "factors": In(signed(config.code_bits)).array(config.lanes),
            "weights": In(shape_of(config.weight)).array(config.lanes),
            "push": Out(1), "push_chunk": Out(range(config.converter_chunks)),
            "charges": Out(shape_of(config.charge)).array(config.lanes),
        })

    def elaborate(self, platform):
        m = Module()
        config, lanes = self.config, self.config.lanes
        charge = shape_of(config.charge)
        visit, first, last = delay(m, self.visit, 3, reset=True), delay(m, self.first, 3), delay(m, self.last, 3)

        products = []
        for lane in range(lanes):
            product = Signal(signed(config.weight.bits + config.code_bits), name=f"product_{lane}", reset_less=True)
            m.d.sync += product.eq(self.weights[lane] * delay(m, self.factors[lane], 2))
            products.append(product)

        # forward: a column a lane
        columns = [Signal(charge, name=f"column_{lane}", reset_less=True) for lane in range(lanes)]
        for column, product in zip(columns, products, strict=True):
            with m.If(visit):
                m.d.sync += column.eq(Mux(first, 0, column) + product)

        # backward: a row over all lanes, then P rows side by side
        total, row = Signal(charge, reset_less=True), Signal(charge, reset_less=True)
        m.d.sync += total.eq(sum(products))
        late_visit, late_first = delay(m, visit, 1, reset=True), delay(m, first, 1)
        with m.If(late_visit):
            m.d.sync += row.eq(Mux(late_first, 0, row) + total)
        rows = [Signal(charge, name=f"row_{lane}", reset_less=True) for lane in range(lanes)]
        lane, chunk, is_collected = Signal(range(lanes)), Signal(range(config.converter_chunks)), Signal()
        n_collected, row_done = Signal(range(config.rows)), delay(m, visit & last & ~self.forward, 2, reset=True)
        collected_chunk = Signal.like(chunk)
        m.d.sync += [is_collected.eq(0), collected_chunk.eq(chunk)]
        with m.If(self.start):
            m.d.sync += [lane.eq(0), chunk.eq(0), n_collected.eq(0)]
        with m.Elif(row_done):
            for n in range(lanes):
                with m.If(lane == n):
                    m.d.sync += rows[n].eq(row)
            m.d.sync += [lane.eq(lane + 1), n_collected.eq(n_collected + 1)]
            with m.If((lane == lanes - 1) | (n_collected == config.rows - 1)):
                m.d.sync += [lane.eq(0), chunk.eq(chunk + 1), is_collected.eq(1)]

        column_push, column_chunk = delay(m, visit & last & self.forward, 1, reset=True), delay(m, self.chunk, 4)
        m.d.comb += [
            self.push.eq(Mux(self.forward, column_push, is_collected)),
            self.push_chunk.eq(Mux(self.forward, column_chunk, collected_chunk)),
        ]
        for n in range(lanes):
            m.d.comb += self.charges[n].eq(Mux(self.forward, columns[n], rows[n]))
        return m
