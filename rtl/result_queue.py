# SPDX-License-Identifier: Apache-2.0
"""Results that take their time to come, as a stream that may be stalled: no register of the way there need stop."""
from amaranth.hdl import Module, Signal
from amaranth.lib import stream
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import Component, In, Out


class ResultQueue(Component):
    """Keeps what comes while nobody takes it, and says when there is room for one result more.

    Whoever asks for a result, `asked`, does so only while there is `room`; its `value` comes with `push`, any time
    later. One result a cycle passes where it comes within `depth` - 4 cycles.

    Parameters: `shape` of a result, `depth`. Members: `room` out, `asked`, `push`, `value` in; `o` stream.
    """

    def __init__(self, shape, depth: int):
        self.shape, self.depth = shape, depth
        super().__init__({
            "room": Out(1, init=1), "asked": In(1), "push": In(1), "value": In(shape),
            "o": Out(stream.Signature(shape)),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.fifo = fifo = SyncFIFOBuffered(width=len(self.value), depth=self.depth)
        left, is_taken = Signal(range(self.depth + 1), init=self.depth), self.o.valid & self.o.ready
        m.d.comb += [
            fifo.w_data.eq(self.value), fifo.w_en.eq(self.push), fifo.r_en.eq(self.o.ready),
            self.o.payload.eq(fifo.r_data), self.o.valid.eq(fifo.r_rdy),
            self.room.eq(left.any()),
        ]
        with m.If(self.asked & ~is_taken):
            m.d.sync += left.eq(left - 1)
        with m.Elif(is_taken & ~self.asked):
            m.d.sync += left.eq(left + 1)
        return m
