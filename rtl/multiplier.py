# SPDX-License-Identifier: Apache-2.0
"""Multiply-accumulate lanes of the emulated array: exact charges of columns, or of rows."""
from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib.wiring import Component, In, Out

from golden.config import TileConfig
from rtl.dsp import SHORT_LATENCY, Product, levels, product, tree
from rtl.formats import delay, shape_of


class Multiplier(Component):
    """One chunk of P cross-points a cycle; each lane multiplies a weight by its line's width.

        weights, factors -> Product -+-> column accumulators -------------+-> charges
                                     +-> adder tree -> row accumulator ---+

    Forward accumulates each lane over the rows of a chunk: P column charges at `last`. Backward adds the lanes
    up and accumulates over the chunks of a row: one row charge at `last`, collected P at a time. Either way
    `push` hands over P `charges` of converter chunk `push_chunk`, at most `latency` cycles after the visit; they stand
    for that cycle alone. A register follows every product, sum and choice, as all lanes are far apart on a chip. A
    rolled tile has one register a sum: there no visit may follow the `last` of a run in the next cycle.

    Members: `start` (before an operation), `visit`, `last`, `forward`, `chunk` in; `weights` and `factors` in,
    `fetch_latency` cycles after the visit; `push`, `push_chunk`, `charges` out.
    """

    def __init__(self, config: TileConfig, fetch_latency: int):
        self.config, self.fetch_latency = config, fetch_latency
        super().__init__({
            "start": In(1), "visit": In(1), "last": In(1), "forward": In(1),
            "chunk": In(range(config.chunks)),
            "factors": In(signed(config.code_bits)).array(config.lanes),
            "weights": In(shape_of(config.weight)).array(config.lanes),
            "push": Out(1), "push_chunk": Out(range(config.converter_chunks)),
            "charges": Out(shape_of(config.charge)).array(config.lanes),
        })

    @property
    def _product_latency(self) -> int:
        return self.fetch_latency + (SHORT_LATENCY if self.config.rolled else Product.latency + 1)

    @property
    def _tree_latency(self) -> int:
        return levels(self.config.lanes)

    @property
    def _row_way(self) -> int:
        """Cycles of a row's charge on the way to the lanes."""
        return self.config.way_registers

    @property
    def latency(self) -> int:
        """Most cycles from a visit to the push of its charges: product, tree, accumulator, choice."""
        return self._product_latency + self._tree_latency + 2 + self._row_way

    @property
    def least_latency(self) -> int:
        """Cycles from the last visit of a run to the push of its charges, at least."""
        return self._product_latency + 2

    def elaborate(self, platform):
        m = Module()
        config, lanes, charge = self.config, self.config.lanes, shape_of(self.config.charge)
        forward = delay(m, self.forward, 1 + config.way_registers)
        # what all lanes need comes from registers; a start before the first visit stays before it
        ending = self.visit & self.last
        visit, is_last, is_end, chunk = (delay(m, value, self._product_latency - 1, reset=True)
                                         for value in (self.visit, ending, ending | self.start, self.chunk))
        # one more register on the way from the multipliers, which stand in rows of their own
        products = [delay(m, product(m, f"product_{lane}", weight, factor, short=config.rolled), config.way_registers)
                    for lane, (weight, factor) in enumerate(zip(self.weights, self.factors, strict=True))]

        # forward: a column a lane
        sums, adds, ends = [], delay(m, visit, 1, reset=True), delay(m, is_end, 1, reset=True)
        for lane, each in enumerate(products):
            sums.append(self._accumulate(m, f"column_{lane}", each, adds, ends))
        column_done = delay(m, is_last & forward, 1, reset=True)

        # backward: a row over all lanes
        late_visit, late_last, late_end = (delay(m, value, self._tree_latency, reset=True)
                                           for value in (visit, is_last, is_end))
        adds, ends = delay(m, late_visit, 1, reset=True), delay(m, late_end, 1, reset=True)
        row = delay(m, self._accumulate(m, "row", tree(m, "row_sum", products), adds, ends), self._row_way)
        row_done = delay(m, late_last & ~forward, 1 + self._row_way, reset=True)

        # P columns at a time, or P rows one after another, in one set of registers
        place, takes, is_full = Signal(lanes, init=1), Signal(lanes), Signal()
        n_left, row_chunk = Signal(range(config.rows)), Signal(range(config.converter_chunks))
        following = place.rotate_left(1)
        with m.If(self.start):
            m.d.sync += [place.eq(1), n_left.eq(config.rows - 1), row_chunk.eq(0),
                         is_full.eq(1 in (lanes, config.rows))]
        with m.Elif(row_done):
            m.d.sync += [place.eq(following), n_left.eq(n_left - 1), row_chunk.eq(row_chunk + is_full),
                         is_full.eq(following[-1] | (n_left == 1))]
        m.d.sync += takes.eq(Mux(forward, column_done.replicate(lanes), place & row_done.replicate(lanes)))
        for n in range(lanes):
            held = Signal(charge, name=f"charge_{n}", reset_less=True)
            with m.If(takes[n]):
                m.d.sync += held.eq(Mux(forward, sums[n], row))
            m.d.comb += self.charges[n].eq(held)
        m.d.comb += [
            self.push.eq(delay(m, Mux(forward, column_done, row_done & is_full), 2, reset=True)),
            self.push_chunk.eq(delay(m, Mux(forward, delay(m, chunk, 1), row_chunk), 2)),
        ]
        return m

    def _accumulate(self, m: Module, name: str, value, adds, ends):
        """The sum of values up to and with the present one, a cycle later; the first behind an end starts anew.

        A rolled tile clears the sum in the cycle behind an end, as its adder has nothing to spare.
        """
        total = Signal(shape_of(self.config.charge), name=f"{name}_total", reset_less=True)
        if self.config.rolled:
            with m.If(delay(m, ends, 1, reset=True)):
                m.d.sync += total.eq(0)
            with m.Elif(adds):
                m.d.sync += total.eq(total + value)
            return total
        keeps = Signal(name=f"{name}_keeps")
        with m.If(ends):
            m.d.sync += keeps.eq(0)
        with m.Elif(adds):
            m.d.sync += keeps.eq(1)
        with m.If(adds):
            m.d.sync += total.eq(Mux(keeps, total, 0) + value)
        return total
