# SPDX-License-Identifier: Apache-2.0
"""Walk over the set bits of a row mask and a chunk mask, one cross-point chunk a cycle."""
from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib.wiring import Component, In, Out


def first_set(bits) -> tuple[Value, Value]:
    """(whether any bit is set, index of the lowest one), as a tree."""
    bits = Value.cast(bits)
    if len(bits) == 1:
        return bits, Const(0, 0)
    half = 1 << ((len(bits) - 1).bit_length() - 1)
    low_any, low = first_set(bits[:half])
    high_any, high = first_set(bits[half:])
    width = half.bit_length() - 1
    index = Cat(Mux(low_any, _extend(low, width), _extend(high, width)), ~low_any)
    return low_any | high_any, index


def _extend(value: Value, width: int) -> Value:
    return Cat(value, Const(0, width - len(value)))


class Scanner(Component):
    """Visits every (row, chunk) of two masks, zero bits at no cost.

    `load` takes the masks, neither of which may be empty; from the next cycle `valid` holds until the last pair
    has been taken by `step`. With `rows_inner` all rows of a chunk come before its next chunk, else all chunks
    of a row before its next row; `inner_first` and `inner_last` mark the ends of such a run, `last` the end.
    """

    def __init__(self, rows: int, chunks: int):
        super().__init__({
            "load": In(1), "rows": In(rows), "chunks": In(chunks), "rows_inner": In(1), "step": In(1),
            "valid": Out(1), "row": Out(range(rows)), "chunk": Out(range(chunks)),
            "inner_first": Out(1), "inner_last": Out(1), "last": Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        all_rows, all_chunks = Signal.like(self.rows), Signal.like(self.chunks)
        rows, chunks = Signal.like(self.rows), Signal.like(self.chunks)
        rest_rows, rest_chunks = Signal.like(self.rows), Signal.like(self.chunks)
        is_first = Signal()
        m.d.comb += [
            self.row.eq(first_set(rows)[1]),
            self.chunk.eq(first_set(chunks)[1]),
            rest_rows.eq(rows & (rows - 1)),
            rest_chunks.eq(chunks & (chunks - 1)),
            self.inner_first.eq(is_first),
            self.inner_last.eq(Mux(self.rows_inner, ~rest_rows.any(), ~rest_chunks.any())),
            self.last.eq(~rest_rows.any() & ~rest_chunks.any()),
        ]

        with m.If(self.load):
            m.d.sync += [all_rows.eq(self.rows), rows.eq(self.rows), all_chunks.eq(self.chunks),
                         chunks.eq(self.chunks), is_first.eq(1), self.valid.eq(1)]
        with m.Elif(self.step):
            m.d.sync += [is_first.eq(self.inner_last), self.valid.eq(~self.last)]
            with m.If(self.rows_inner):
                m.d.sync += rows.eq(Mux(self.inner_last, all_rows, rest_rows))
                with m.If(self.inner_last):
                    m.d.sync += chunks.eq(rest_chunks)
            with m.Else():
                m.d.sync += chunks.eq(Mux(self.inner_last, all_chunks, rest_chunks))
                with m.If(self.inner_last):
                    m.d.sync += rows.eq(rest_rows)
        return m
