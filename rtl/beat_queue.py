# SPDX-License-Identifier: Apache-2.0
"""Beats of pulses that wait for their slot: no register of the way there need stop."""
from amaranth.hdl import Module, Signal
from amaranth.lib import data
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import Component, In, Out

from rtl.credit import room


class BeatQueue(Component):
    """Beats that have been asked for, in order, from when they come until they are taken.

    Who asks, `asked`, does so only while there is `room`; what was asked for comes with `push`, any time later. `o` is
    the first beat while `valid`, and `pop` takes it: so many cycles of asking pass without a gap as there is `depth`.
    """

    def __init__(self, lanes: int, chunks: int, depth: int):
        self.depth = depth
        beat = data.StructLayout({"chunk": range(chunks), "wanted": 1, "pulses": lanes, "negatives": lanes})
        super().__init__({"room": Out(1, init=1), "asked": In(1), "push": In(1), "i": In(beat),
                          "valid": Out(1), "pop": In(1), "o": Out(beat)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.fifo = fifo = SyncFIFO(width=len(self.i.as_value()), depth=self.depth)
        is_taken, moves = Signal(), Signal()
        m.d.comb += [
            fifo.w_data.eq(self.i), fifo.w_en.eq(self.push), self.room.eq(room(m, self.depth, self.asked, is_taken)),
            is_taken.eq(self.valid & self.pop), moves.eq(is_taken | ~self.valid), fifo.r_en.eq(moves),
        ]
        with m.If(moves):  # a register, as beats go far
            m.d.sync += [self.valid.eq(fifo.r_rdy), self.o.eq(fifo.r_data)]
        return m
