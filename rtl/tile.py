# SPDX-License-Identifier: Apache-2.0
"""The whole tile: controller, analog port, and the emulated array behind it; mirrors golden."""
from amaranth.hdl import Module
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out, connect, flipped

from golden.config import TileConfig
from rtl.controller import Controller
from rtl.crossbar import CrossbarEmulator
from rtl.stream import StreamRegister, StreamWord


class Tile(Component):
    """Command packets in, response packets out; the same bits as `golden.controller.Controller`.

    Members: `i`, `o` streams of 32-bit words with `first` and `last`.
    """

    def __init__(self, config: TileConfig):
        self.controller, self.crossbar = Controller(config), CrossbarEmulator(config)
        super().__init__({"i": In(stream.Signature(StreamWord)), "o": Out(stream.Signature(StreamWord))})

    def elaborate(self, platform):
        m = Module()
        m.submodules.controller = controller = self.controller
        m.submodules.crossbar = crossbar = self.crossbar
        m.submodules.i_register = i_register = StreamRegister()
        m.submodules.o_register = o_register = StreamRegister()
        connect(m, flipped(self.i), i_register.i)
        connect(m, i_register.o, controller.i)
        connect(m, controller.o, o_register.i)
        connect(m, o_register.o, flipped(self.o))
        connect(m, controller.sequencer.port, crossbar.port)
        connect(m, controller.side, crossbar.side)
        m.d.comb += controller.coincidences.eq(crossbar.coincidences)
        return m
