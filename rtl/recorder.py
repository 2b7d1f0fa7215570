# SPDX-License-Identifier: Apache-2.0
"""What an emulated array hears on its lines: pulse widths in a forward or backward window, trains in an update."""
from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from golden.config import MAX_BL, TileConfig
from rtl.analog_port import AnalogPort, Mode


class LineRecorder(Component):
    """Listens to the lines of an `AnalogPort` in every slot.

    `clear` forgets the last window. `planes` count the slots that each line of the driven side was on, bit by bit
    over all lines; in a `weighted` window slot b counts 2**b times, which is plane b alone. `negative` is each line's
    polarity, `active` whether it was on at all.
    `address` fetches one slot of an update train as `row_bits` and `col_bits` one cycle later; `n_slots` counts
    them. `row_negative` and `col_negative` are each line's polarity when it last pulsed.
    """

    def __init__(self, config: TileConfig):
        self.config = config
        super().__init__({
            "port": In(AnalogPort(config)), "clear": In(1),
            "planes": Out(config.n_converters).array(config.code_bits - 1),
            "negative": Out(config.n_converters), "active": Out(config.n_converters),
            "row_negative": Out(config.rows), "col_negative": Out(config.cols),
            "n_slots": Out(range(MAX_BL + 1)), "address": In(range(MAX_BL + 1)),
            "row_bits": Out(config.rows), "col_bits": Out(config.cols),
        })

    def elaborate(self, platform):
        m = Module()
        config, port = self.config, self.port
        is_backward = port.mode == Mode.BACKWARD

        with m.If(port.slot):
            for polarity, pulses, negative in ((self.row_negative, port.row_pulse, port.row_negative),
                                               (self.col_negative, port.col_pulse, port.col_negative)):
                m.d.sync += polarity.eq((polarity & ~pulses) | (negative & pulses))

        # counters of all lines, bit by bit
        n = config.n_converters
        pulses, negative = Signal(n), Signal(n)
        m.d.comb += [pulses.eq(Mux(is_backward, port.col_pulse, port.row_pulse)),
                     negative.eq(Mux(is_backward, self.col_negative, self.row_negative))]
        weight = Signal(len(self.planes), init=1)
        with m.If(self.clear):
            m.d.sync += weight.eq(1)
        with m.Elif(port.slot & port.weighted):
            m.d.sync += weight.eq(weight << 1)
        carry = Const(0, n)
        for plane, is_weight in zip(self.planes, weight, strict=True):
            carry = carry | (pulses & (port.slot & is_weight).replicate(n))
            with m.If(self.clear):
                m.d.sync += plane.eq(0)
            with m.Else():
                m.d.sync += plane.eq(plane ^ carry)
            carry = carry & plane
        m.d.comb += [self.negative.eq(negative), self.active.eq(reduce(or_, self.planes))]

        m.submodules.trains = trains = Memory(shape=config.rows + config.cols, depth=MAX_BL, init=[])
        write, read = trains.write_port(), trains.read_port()
        m.d.comb += [
            write.addr.eq(self.n_slots),
            write.data.eq(Cat(port.row_pulse, port.col_pulse)),
            write.en.eq(port.slot & Value.cast(port.mode).matches(Mode.UPDATE, Mode.PROGRAM)),
            read.addr.eq(self.address),
            Cat(self.row_bits, self.col_bits).eq(read.data),
        ]
        with m.If(self.clear):
            m.d.sync += self.n_slots.eq(0)
        with m.Elif(write.en):
            m.d.sync += self.n_slots.eq(self.n_slots + 1)
        return m
