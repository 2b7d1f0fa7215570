# SPDX-License-Identifier: Apache-2.0
"""What an emulated array hears on its lines: pulse widths in a forward or backward window, trains in an update."""
from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from golden.config import MAX_BL, TileConfig
from rtl.analog_port import AnalogPort, Mode


class LineRecorder(Component):
    """Listens to the lines of an `AnalogPort` in every slot.

    `clear` forgets the last window. `widths` are the signed slots that each line of the driven side was on.
    `address` fetches one slot of an update train as `row_bits` and `col_bits` one cycle later; `n_slots` counts
    them. `row_negative` and `col_negative` are each line's polarity when it last pulsed.
    """

    def __init__(self, config: TileConfig):
        self.config = config
        super().__init__({
            "port": In(AnalogPort(config)), "clear": In(1),
            "widths": Out(data.ArrayLayout(signed(config.code_bits), config.n_converters)),
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

        for n in range(config.n_converters):
            row_pulse, row_negative = (
                (port.row_pulse[n], self.row_negative[n]) if n < config.rows else (0, 0))
            col_pulse, col_negative = (
                (port.col_pulse[n], self.col_negative[n]) if n < config.cols else (0, 0))
            width = Signal(config.code_bits - 1, name=f"width_{n}")
            with m.If(self.clear):
                m.d.sync += width.eq(0)
            with m.Elif(port.slot & Mux(is_backward, col_pulse, row_pulse)):
                m.d.sync += width.eq(width + 1)
            m.d.comb += self.widths[n].eq(Mux(Mux(is_backward, col_negative, row_negative), -width, width))

        m.submodules.trains = trains = Memory(shape=config.rows + config.cols, depth=MAX_BL, init=[])
        write, read = trains.write_port(), trains.read_port()
        m.d.comb += [
            write.addr.eq(self.n_slots),
            write.data.eq(Cat(port.row_pulse, port.col_pulse)),
            write.en.eq(port.slot & (port.mode == Mode.UPDATE)),
            read.addr.eq(self.address),
            Cat(self.row_bits, self.col_bits).eq(read.data),
        ]
        with m.If(self.clear):
            m.d.sync += self.n_slots.eq(0)
        with m.Elif(write.en):
            m.d.sync += self.n_slots.eq(self.n_slots + 1)
        return m
