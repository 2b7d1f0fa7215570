# SPDX-License-Identifier: Apache-2.0
"""Counts the words of a packet or a plane's row, and in which chunk and lane each one belongs."""
from amaranth.hdl import Module, Signal, Value
from amaranth.lib.wiring import Component, In, Out

from golden.config import TileConfig


class Position(Component):
    """Word number `n`, and its `chunk` and `lane` of P; with `split`, columns follow R rows in a chunk of their own.

    Members: `restart` to zero, `step` to the next word, `split` in; `n` (stops one above R + C), `chunk`, `lane` out.
    """

    def __init__(self, config: TileConfig):
        self.config = config
        self.most = max(config.rows + config.cols, 255) + 1
        super().__init__({
            "restart": In(1), "step": In(1), "split": In(1),
            "n": Out(range(self.most + 1)), "chunk": Out(range(self.most + 1)), "lane": Out(range(config.lanes)),
        })

    def elaborate(self, platform):
        m = Module()
        rows, lanes = self.config.rows, self.config.lanes
        is_last_lane, is_last_row, is_full = Signal(init=lanes == 1), Signal(init=rows == 1), Signal()  # known ahead
        ends_chunk = is_last_lane | (self.split & is_last_row)
        with m.If(self.restart):
            m.d.sync += [each.eq(each.init) for each in (
                self.n, self.chunk, self.lane, is_last_lane, is_last_row, is_full)]
        with m.Elif(self.step & ~is_full):
            m.d.sync += [
                self.n.eq(self.n + 1), is_last_row.eq(self.n + 2 == rows), is_full.eq(self.n + 1 == self.most),
                self.lane.eq(self.lane + 1), is_last_lane.eq(self.lane + 2 == lanes)]
            with m.If(ends_chunk):
                m.d.sync += [self.chunk.eq(self.chunk + 1), self.lane.eq(0), is_last_lane.eq(lanes == 1)]
        return m


def place_of(line, lanes: int, n: int) -> tuple[Value, Value]:
    """(chunk, lane) of a line below n: a cut of its bits where P is a power of two, else a product."""
    line = Value.cast(line)
    if lanes & (lanes - 1) == 0:
        return line[lanes.bit_length() - 1:], line[:lanes.bit_length() - 1]
    shift = n.bit_length() + lanes.bit_length()
    chunk = (line * -(-(1 << shift) // lanes))[shift:]
    return chunk, (line - chunk * lanes)[:lanes.bit_length()]
