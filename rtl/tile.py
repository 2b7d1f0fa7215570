# SPDX-License-Identifier: Apache-2.0
"""The whole tile: controller, analog port, and the emulated array behind it; mirrors golden."""
from collections.abc import Mapping

from amaranth.hdl import Module
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out, connect, flipped

from golden.config import TileConfig
from golden.protocol import Opcode
from golden.pulses import Encoding, window_slots
from rtl.controller import Controller
from rtl.crossbar import CrossbarEmulator
from rtl.drive import DriveMux
from rtl.folded_array import FoldedArray
from rtl.stream import StreamWord, registered


class Tile(Component):
    """Command packets in, response packets out; the same bits as `golden.controller.Controller`.

    `cycle_bound` is the most emulation cycles that an operation takes. Members: `i`, `o` streams of 32-bit words
    with `first` and `last`. ValueError of a configuration with pins.
    """

    def __init__(self, config: TileConfig):
        if config.pins:
            raise ValueError("Configuration must be one without pins")
        self.controller = Controller(config)
        self.crossbar = FoldedArray(config) if config.folded else CrossbarEmulator(config)
        super().__init__({"i": In(stream.Signature(StreamWord)), "o": Out(stream.Signature(StreamWord))})

    def cycle_bound(self, opcode: Opcode, visits: int, times: Mapping[str, int], bl: int = 0,
                    encoding: Encoding = Encoding.WIDTH) -> int:
        """Most emulation cycles of an operation, from start to result.

        `visits` of chunks of cross-points, with K = ceil(C / P): max(active rows, 1) * K forward, at most R * K
        backward, both in each of the encoding's windows, and slots on rows * K in an update of `bl` slots; `times` are
        the registers t_*. Windows and conversions are chip time, but for a slot of an update, whose beats take
        time to make.
        """
        config, emulator, sequencer = self.crossbar.config, self.crossbar, self.controller.sequencer
        own = times["t_precharge"] + times["t_recover"] + sequencer.own_cycles + 2 * DriveMux.latency
        play, convert = times["t_settle"] + times["t_guard"], config.adc.cycles(times["t_convert"])
        if opcode == Opcode.UPDATE:
            trains = sequencer.trains
            late = sequencer.phases.ready_latency
            play += trains.latency + late + bl * max(times["t_slot"], trains.slot_cycles + late)
            return own + play + visits + bl * emulator.slot_constant + emulator.update_constant
        windows, slots = window_slots(config, encoding)
        play += slots * times["t_slot"] + times["t_hold"]
        if config.folded:  # it computes while the window is open
            play = max(play, emulator.multiply_constant + visits // windows)
            return windows * (own + play + max(convert, sequencer.adc.latency))
        convert += emulator.cells.conversion_cycles
        return windows * (own + play + emulator.multiply_constant + convert) + visits

    def elaborate(self, platform):
        m = Module()
        m.submodules.controller = controller = self.controller
        m.submodules.crossbar = crossbar = self.crossbar
        if self.crossbar.config.rolled:  # whose clock can do without
            connect(m, flipped(self.i), controller.i)
            connect(m, controller.o, flipped(self.o))
        else:
            registered(m, self, controller)
        connect(m, controller.sequencer.port, crossbar.port)
        connect(m, controller.side, crossbar.side)
        m.d.comb += controller.coincidences.eq(crossbar.coincidences)
        return m
