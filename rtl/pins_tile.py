# SPDX-License-Identifier: Apache-2.0
"""The tile of a real array: the controller, and its analog port taken to pins."""
from amaranth.hdl import Module
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out, connect, flipped

from golden.config import TileConfig
from rtl.controller import Controller
from rtl.crossbar_pins import CrossbarPins, pins_signature
from rtl.stream import StreamRegister, StreamWord


class PinsTile(Component):
    """Command packets in, response packets out, the array outside; `golden.controller.Controller` where the array is
    golden's.

    Packets, registers and counters are those of `rtl.tile.Tile`; there are no planes to load, so that WRITE and READ
    answer BAD_ARGUMENT. Nothing waits for the array: its time is in the registers t_*.

    Parameters: `config` with `pins`. Members: `i`, `o` streams of words; `pins` of `rtl.crossbar_pins`. ValueError of a
    configuration without pins.
    """

    def __init__(self, config: TileConfig):
        if not config.pins:
            raise ValueError("Configuration must be one with pins")
        self.config = config
        self.controller, self.crossbar = Controller(config), CrossbarPins(config)
        super().__init__({"i": In(stream.Signature(StreamWord)), "o": Out(stream.Signature(StreamWord)),
                          "pins": Out(pins_signature(config))})

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
        connect(m, crossbar.pins, flipped(self.pins))
        m.d.comb += controller.coincidences.eq(crossbar.coincidences)
        return m
