# SPDX-License-Identifier: Apache-2.0
"""Sampled charges of all lines, with gain, offset and noise; mirrors `golden.adc.Adc.sample`."""
from amaranth.hdl import Const, Module, Mux, Signal, signed
from amaranth.lib.wiring import Component, In, Out

from golden.adc import GAIN, SIGMA
from golden.config import TileConfig
from golden.noise import GAUSSIAN_FRAC
from rtl.formats import delay, round_half_even, saturate, shape_of
from rtl.noise import XI
from rtl.planes import WORD, LaneMemory


class Sampler(Component):
    """Samples the charges of all lines, with gain, offset and noise, P lines at a time.

    `prefill` fetches offset and noise of every chunk of P lines while the window is still open; `ready`
    says that they are in place. Then each `push` takes the charges of one chunk, which come as `held`, with `is_held`
    and `held_chunk`, `latency` cycles later.

    Members: `prefill`, `push`, `chunk`, `charges` in; `ready`, `is_held`, `held_chunk`, `held` out. `fill_chunk` asks
    for the noise of a chunk, which comes as `xi` after `noise_latency` cycles. Between operations (`active` low) the
    side band's `address` reads `gains` and `offsets`; `write_gain` and `write_offset` are lane masks for `value`.
    """

    latency = 3

    def __init__(self, config: TileConfig, noise_latency: int):
        self.config = config
        self.noise_latency = noise_latency if config.adc.sigma else 1
        self.chunks = config.converter_chunks
        self.gains = LaneMemory(GAIN, self.chunks, config.lanes)
        self.offsets = LaneMemory(config.adc.offset, self.chunks, config.lanes)
        self.ambient = LaneMemory(config.adc.held, self.chunks, config.lanes)
        super().__init__({
            "prefill": In(1), "ready": Out(1), "fill_chunk": Out(range(self.chunks)),
            "xi": In(shape_of(XI)).array(config.lanes),
            "push": In(1), "chunk": In(range(self.chunks)),
            "charges": In(shape_of(config.charge)).array(config.lanes),
            "is_held": Out(1), "held_chunk": Out(range(self.chunks)),
            "held": Out(shape_of(config.adc.held)).array(config.lanes),
            "active": In(1), "address": In(range(self.chunks)), "value": In(shape_of(WORD)),
            "write_gain": In(config.lanes), "write_offset": In(config.lanes),
        })

    @property
    def fill_latency(self) -> int:
        """Cycles from `prefill` to `ready`."""
        return self.chunks + self.noise_latency + 1

    def elaborate(self, platform):
        m = Module()
        config, gains, offsets, ambient = self.config, self.gains, self.offsets, self.ambient
        m.submodules += [gains, offsets, ambient]
        m.d.comb += [gains.write_mask.eq(self.write_gain), gains.write_address.eq(self.address),
                     offsets.write_mask.eq(self.write_offset), offsets.write_address.eq(self.address)]
        for lane in range(config.lanes):
            m.d.comb += [gains.write_values[lane].eq(self.value), offsets.write_values[lane].eq(self.value)]

        # prefill: offset + noise of every chunk into `ambient`
        chunk, is_filling = self.fill_chunk, Signal()
        with m.If(self.prefill):
            m.d.sync += [chunk.eq(0), is_filling.eq(1)]
        with m.Elif(is_filling):
            m.d.sync += [chunk.eq(chunk + 1), is_filling.eq(chunk != self.chunks - 1)]

        noises = [Const(0)] * config.lanes
        if config.adc.sigma:
            noises = [round_half_even(xi * Const(config.adc.sigma, SIGMA.bits), GAUSSIAN_FRAC) for xi in self.xi]
        early_chunk = delay(m, chunk, self.noise_latency - 1)
        fill_chunk, is_fill = delay(m, early_chunk, 1), delay(m, is_filling, self.noise_latency, reset=True)
        m.d.comb += [
            offsets.address.eq(Mux(self.active, early_chunk, self.address)),
            ambient.write_address.eq(fill_chunk),
            ambient.write_mask.eq(is_fill.replicate(config.lanes)),
        ]
        for lane, noise in enumerate(noises):
            m.d.comb += ambient.write_values[lane].eq(offsets.values[lane] + noise)
        with m.If(self.prefill):
            m.d.sync += self.ready.eq(0)
        with m.Elif(is_fill & (fill_chunk == self.chunks - 1)):
            m.d.sync += self.ready.eq(1)

        # push: charge * gain, rounded, on top of offset and noise
        m.d.comb += [gains.address.eq(Mux(self.active, self.chunk, self.address)),
                     ambient.address.eq(self.chunk)]
        m.d.comb += [self.held_chunk.eq(delay(m, self.chunk, self.latency)),
                     self.is_held.eq(delay(m, self.push, self.latency, reset=True))]
        for lane in range(config.lanes):
            product = Signal(signed(config.charge.bits + GAIN.bits + 1), name=f"product_{lane}", reset_less=True)
            rounded = round_half_even(product, config.converter.shift)
            scaled = Signal.like(rounded, name=f"scaled_{lane}", reset_less=True)
            m.d.sync += [product.eq(delay(m, self.charges[lane], 1) * gains.values[lane]), scaled.eq(rounded)]
            m.d.comb += self.held[lane].eq(saturate(scaled + delay(m, ambient.values[lane], 2), config.adc.held))
        return m
