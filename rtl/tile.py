# SPDX-License-Identifier: Apache-2.0
"""The whole tile: controller, analog port, and the emulated array behind it; mirrors golden."""
from amaranth.hdl import Module
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out, connect, flipped

from golden.config import TileConfig
from rtl.controller import Controller, StreamWord
from rtl.crossbar import CrossbarEmulator


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
        connect(m, flipped(self.i), controller.i)
        connect(m, controller.o, flipped(self.o))
        connect(m, controller.sequencer.port, crossbar.port)
        connect(m, controller.side, crossbar.side)
        m.d.comb += controller.coincidences.eq(crossbar.coincidences)
        return m
