# SPDX-License-Identifier: Apache-2.0
"""Counts the words of a packet or a plane's row, and in which chunk and lane each one belongs."""
from amaranth.hdl import Module, Value
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
        with m.If(self.restart):
            m.d.sync += [self.n.eq(0), self.chunk.eq(0), self.lane.eq(0)]
        with m.Elif(self.step & (self.n != self.most)):
            m.d.sync += [self.n.eq(self.n + 1), self.lane.eq(self.lane + 1)]
            with m.If((self.lane == self.config.lanes - 1) | (self.split & (self.n == self.config.rows - 1))):
                m.d.sync += [self.chunk.eq(self.chunk + 1), self.lane.eq(0)]
        return m


def place_of(line, lanes: int, n: int) -> tuple[Value, Value]:
    """(chunk, lane) of a line below n: a cut of its bits where P is a power of two, else a product."""
    line = Value.cast(line)
    if lanes & (lanes - 1) == 0:
        return line[lanes.bit_length() - 1:], line[:lanes.bit_length() - 1]
    shift = n.bit_length() + lanes.bit_length()
    chunk = (line * -(-(1 << shift) // lanes))[shift:]
    return chunk, (line - chunk * lanes)[:lanes.bit_length()]
