# SPDX-License-Identifier: Apache-2.0
"""The whole tile: controller, analog port, and the emulated array behind it; mirrors golden."""
from collections.abc import Mapping

from amaranth.hdl import Module
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out, connect, flipped

from golden.config import TileConfig
from golden.protocol import Opcode
from rtl.controller import Controller
from rtl.crossbar import CrossbarEmulator
from rtl.stream import StreamRegister, StreamWord


class Tile(Component):
    """Command packets in, response packets out; the same bits as `golden.controller.Controller`.

    `cycle_bound` is the most emulation cycles that an operation takes. Members: `i`, `o` streams of 32-bit words
    with `first` and `last`. ValueError of a configuration with pins.
    """

    def __init__(self, config: TileConfig):
        if config.pins:
            raise ValueError("Configuration must be one without pins")
        self.controller, self.crossbar = Controller(config), CrossbarEmulator(config)
        super().__init__({"i": In(stream.Signature(StreamWord)), "o": Out(stream.Signature(StreamWord))})

    def cycle_bound(self, opcode: Opcode, visits: int, times: Mapping[str, int], bl: int = 0) -> int:
        """Most emulation cycles of an operation, from start to result.

        `visits` of chunks of cross-points, with K = ceil(C / P): max(active rows, 1) * K forward, at most R * K
        backward, slots on rows * K in an update of `bl` slots; `times` are the registers t_*. The window and the
        conversions are chip time, but for a slot of an update, which takes ceil(R / P) + K cycles to make.
        """
        config, emulator, train = self.crossbar.config, self.crossbar, self.controller.sequencer.train
        if opcode == Opcode.UPDATE:
            window = times["t_settle"] + train.latency + bl * max(times["t_slot"], train.chunks)
            return window + visits + bl * emulator.slot_constant + emulator.update_constant + 3
        window = times["t_settle"] + config.code.max * times["t_slot"] + times["t_hold"]
        return window + visits + emulator.multiply_constant + config.adc.bits * times["t_convert"] + 4

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
