# SPDX-License-Identifier: Apache-2.0
"""Digital correction of the converters between sequencer and engines; mirrors golden."""
from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from golden.adc import HELD_FRAC
from golden.config import Plane, TileConfig
from golden.correction import CORRECTION_GAIN
from golden.protocol import Status
from rtl.analog_port import Mode
from rtl.drive import OUTPUT_LATENCY, Drive
from rtl.formats import delay, round_half_even, saturate, shape_of
from rtl.planes import WORD
from rtl.wide_product import LATENCY as PRODUCT_LATENCY
from rtl.wide_product import wide_product

PLANES = (Plane.CORRECTION_OFFSET, Plane.CORRECTION_GAIN)
_FRAC = HELD_FRAC + CORRECTION_GAIN.frac
LATENCY = OUTPUT_LATENCY + 2 + PRODUCT_LATENCY + 2
"""Cycles from a line's being asked for to its corrected output: differences, product, rounding, limits."""


class Corrector(Component):
    """Passes the drive of the engines on to the sequencer, and corrects the outputs of forward and backward.

    With `correct`, `done` comes N + `LATENCY` + 1 cycles after the sequencer's: one line a cycle goes through one
    multiplier into a memory of outputs. Sequences that ask for `raw` codes, and all without `correct`, pass at once.

    Members: `i` from the engines, `o` to the sequencer; `correct`, `shifts` (outputs are the shifted sums of all
    bits) in; the planes: `write[plane]`, `line`, `value` in, `read[plane]` two cycles behind `line`.
    """

    def __init__(self, config: TileConfig):
        self.config = config
        self.drive = Drive(config)
        super().__init__({
            "i": In(self.drive), "o": Out(self.drive), "correct": In(1), "shifts": In(1),
            "line": In(range(config.n_converters)), "value": In(shape_of(WORD)),
            "write_offset": In(1), "write_gain": In(1),
            "read_offset": Out(shape_of(config.adc.offset)), "read_gain": Out(shape_of(CORRECTION_GAIN)),
        })

    def elaborate(self, platform):
        m = Module()
        config, n = self.config, self.config.n_converters
        memories = {}
        for name, fmt in (("offset", config.adc.offset), ("gain", CORRECTION_GAIN)):
            m.submodules[name] = memories[name] = Memory(shape=shape_of(fmt), depth=n, init=[])
        m.submodules.outputs = outputs = Memory(shape=shape_of(config.output), depth=n, init=[])
        store, fetch = outputs.write_port(), outputs.read_port()

        is_walking, is_corrected, walked = Signal(), Signal(), Signal(range(n + LATENCY + 1))
        for name, member in self.drive.members.items():
            source, sink = (self.o, self.i) if member.flow == In else (self.i, self.o)
            if name not in ("done", "status", "saturated", "output", "output_index"):
                m.d.comb += getattr(sink, name).eq(getattr(source, name))

        # outputs that are to be corrected hold `done` up
        takes, saturated, is_over = Signal(), Signal(), Signal()
        m.d.sync += takes.eq(self.correct & ~self.i.raw & ((self.i.mode == Mode.FORWARD)
                                                           | (self.i.mode == Mode.BACKWARD)))
        is_taken = self.o.done & takes & (self.o.status == Status.OK)
        m.d.comb += [self.i.done.eq(self.o.done & ~is_taken), self.i.status.eq(self.o.status),
                     self.i.saturated.eq(self.o.saturated)]
        with m.If(self.i.start):
            m.d.sync += is_corrected.eq(0)
        m.d.sync += is_over.eq(is_walking & (walked == n + LATENCY - 1))
        with m.If(is_taken):
            m.d.sync += [is_walking.eq(1), is_corrected.eq(1), walked.eq(0), saturated.eq(self.o.saturated)]
        with m.Elif(is_walking):
            m.d.sync += walked.eq(walked + 1)
            with m.If(is_over):
                m.d.comb += [self.i.done.eq(1), self.i.status.eq(Status.OK), self.i.saturated.eq(saturated)]
                m.d.sync += is_walking.eq(0)

        # one line a cycle
        found = Signal(shape_of(config.output))
        m.d.sync += found.eq(fetch.data)
        m.d.comb += [
            self.o.output_index.eq(Mux(is_walking, walked, self.i.output_index)),
            fetch.addr.eq(self.i.output_index),
            self.i.output.eq(Mux(is_corrected, found, self.o.output)),
            store.addr.eq(delay(m, walked, LATENCY)),
            store.en.eq(delay(m, is_walking & (walked < n), LATENCY, reset=True)),
        ]
        reads = {}
        for name, memory in memories.items():
            write, read = memory.write_port(), memory.read_port()
            reads[name] = delay(m, read.data, 1)
            m.d.comb += [write.addr.eq(self.line), write.data.eq(self.value),
                         write.en.eq(getattr(self, f"write_{name}")),
                         read.addr.eq(Mux(is_walking, walked, self.line)),
                         getattr(self, f"read_{name}").eq(reads[name])]
        largest = config.code.max << config.adc.offset.bits
        offset = Signal(signed(largest.bit_length() + 1), reset_less=True)
        of_all = (reads["offset"] << config.code_bits - 1) - reads["offset"]  # code.max times
        m.d.sync += offset.eq(Mux(self.shifts, of_all, reads["offset"]))
        difference = Signal(signed(max(config.output.bits + HELD_FRAC, len(offset)) + 1), reset_less=True)
        m.d.sync += difference.eq((delay(m, self.o.output, 1) << HELD_FRAC) - offset)
        product = wide_product(m, "product", difference, delay(m, reads["gain"], 2))
        rounded = Signal(round_half_even(product, _FRAC).shape(), reset_less=True)
        m.d.sync += [rounded.eq(round_half_even(product, _FRAC)), store.data.eq(saturate(rounded, config.output))]
        return m
