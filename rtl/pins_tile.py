# SPDX-License-Identifier: Apache-2.0
"""The tile of a real array: the controller, and its analog port taken to pins."""
from amaranth.hdl import Module
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out, connect, flipped

from golden.config import TileConfig
from rtl.controller import Controller
from rtl.crossbar_pins import CrossbarPins, pins_signature
from rtl.stream import StreamWord, registered


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
        registered(m, self, controller)
        connect(m, controller.sequencer.port, crossbar.port)
        connect(m, crossbar.pins, flipped(self.pins))
        m.d.comb += controller.coincidences.eq(crossbar.coincidences)
        return m
