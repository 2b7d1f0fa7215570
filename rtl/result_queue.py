# SPDX-License-Identifier: Apache-2.0
"""Results that take their time to come, as a stream that may be stalled: no register of the way there need stop."""
from amaranth.hdl import Module
from amaranth.lib import stream
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import Component, In, Out, connect, flipped

from rtl.credit import room
from rtl.stream import StreamRegister


class ResultQueue(Component):
    """Keeps what comes while nobody takes it, and says when there is room for one result more.

    Whoever asks for a result, `asked`, does so only while there is `room`; its `value` comes with `push`, any time
    later. One result a cycle passes where it comes within `depth` - 4 cycles, or 5 where the stream is `registered`, so
    that who takes from it is not in one cycle with the queue.

    Parameters: `shape` of a result, `depth`, `registered`. Members: `room` out, `asked`, `push`, `value` in; `o`
    stream.
    """

    def __init__(self, shape, depth: int, *, registered: bool = False):
        self.shape, self.depth, self.registered = shape, depth, registered
        super().__init__({
            "room": Out(1, init=1), "asked": In(1), "push": In(1), "value": In(shape),
            "o": Out(stream.Signature(shape)),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.fifo = fifo = SyncFIFOBuffered(width=len(self.value), depth=self.depth)
        m.d.comb += [fifo.w_data.eq(self.value), fifo.w_en.eq(self.push),
                     self.room.eq(room(m, self.depth, self.asked, self.o.valid & self.o.ready))]
        way_out = self.o
        if self.registered:
            m.submodules.register = register = StreamRegister(self.shape)
            connect(m, register.o, flipped(self.o))
            way_out = register.i
        m.d.comb += [way_out.payload.eq(fifo.r_data), way_out.valid.eq(fifo.r_rdy), fifo.r_en.eq(way_out.ready)]
        return m
