# SPDX-License-Identifier: Apache-2.0
"""The converters: successive approximation on the digital side, sampled charges on the analog side.

Mirrors golden: what the two give together is `golden.adc.Adc`.
"""
from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib.wiring import Component, In, Out

from golden.adc import GAIN, HELD_FRAC, SIGMA
from golden.config import TileConfig
from golden.noise import GAUSSIAN_FRAC
from rtl.formats import delay, round_half_even, saturate, shape_of
from rtl.noise import XI
from rtl.planes import WORD, LaneMemory


class SarAdc(Component):
    """Successive-approximation logic of all converters, in step with each other.

    From `start`, each of the `bits` trials lasts `t_convert` cycles, at whose end the comparators are read; the
    codes stand from `done` on. Codes are signed symmetric: what compares below every trial is the lower rail.

    Members: `start`, `t_convert`, `compare` in; `trial`, `codes`, `done` (one cycle) out.
    """

    def __init__(self, config: TileConfig):
        self.config = config
        codes = Out(shape_of(config.adc.code)).array(config.n_converters)
        super().__init__({
            "start": In(1), "t_convert": In(8), "compare": In(config.n_converters),
            "trial": codes, "codes": codes, "done": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        bits, code = self.config.adc.bits, self.config.adc.code

        # one bit of the trial at a time, most significant first; codes in offset binary
        trial_bit, elapsed = Signal(bits), Signal(8)
        is_end = Signal()
        m.d.comb += is_end.eq(trial_bit.any() & (elapsed == self.t_convert - 1))
        m.d.sync += self.done.eq(is_end & trial_bit[0])
        with m.If(self.start):
            m.d.sync += [trial_bit.eq(1 << (bits - 1)), elapsed.eq(0)]
        with m.Elif(trial_bit.any()):
            m.d.sync += elapsed.eq(elapsed + 1)
            with m.If(is_end):
                m.d.sync += [trial_bit.eq(trial_bit >> 1), elapsed.eq(0)]

        n = self.config.n_converters
        founds = [Signal(bits, name=f"found_{n}", reset_less=True) for n in range(n)]
        with m.If(self.start):
            m.d.sync += [found.eq(0) for found in founds]
        with m.Elif(is_end):
            m.d.sync += [found.eq(found | (trial_bit & is_above.replicate(bits)))
                         for found, is_above in zip(founds, self.compare, strict=True)]
        for found, trial, result in zip(founds, self.trial, self.codes, strict=True):
            tried = found | trial_bit
            m.d.comb += [
                trial.eq(Cat(tried[:-1], ~tried[-1])),
                result.eq(Mux(found == 0, code.min, Cat(found[:-1], ~found[-1]).as_signed())),
            ]
        return m


class Sampler(Component):
    """Sampled charges of all converters, with their gain, offset and noise, and the comparators behind them.

    `prefill` fetches offset and noise of every chunk of P converters while the window is still open; `ready`
    says that they are in place. Then each `push` takes the charges of one chunk, which stand in `held`, and so
    in `compare`, `latency` cycles later.

    Members: `prefill`, `push`, `chunk`, `charges`, `trial` in; `ready`, `compare` out. `fill_chunk` asks for the
    noise of a chunk, which comes as `xi` after `noise_latency` cycles. Between
    operations (`active` low) the side band's `address` reads `gains` and `offsets`; `write_gain` and
    `write_offset` are lane masks for `value`.
    """

    latency = 4

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
            "trial": In(shape_of(config.adc.code)).array(config.n_converters),
            "compare": Out(config.n_converters),
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
        held_chunk, is_held = delay(m, self.chunk, 3), delay(m, self.push, 3, reset=True)
        sums = []
        for lane in range(config.lanes):
            product = Signal(signed(config.charge.bits + GAIN.bits + 1), name=f"product_{lane}", reset_less=True)
            rounded = round_half_even(product, config.converter.shift)
            scaled = Signal.like(rounded, name=f"scaled_{lane}", reset_less=True)
            m.d.sync += [product.eq(delay(m, self.charges[lane], 1) * gains.values[lane]), scaled.eq(rounded)]
            held = saturate(scaled + delay(m, ambient.values[lane], 2), config.adc.held)
            sums.append(round_half_even(held, HELD_FRAC))

        # comparing the nearest code decides as comparing the charge would, with ties to the even code
        nearest = [Signal.like(sums[0], name=f"nearest_{n}", reset_less=True) for n in range(config.n_converters)]
        with m.If(is_held):
            with m.Switch(held_chunk):
                for chunk in range(self.chunks):
                    with m.Case(chunk):
                        m.d.sync += [held.eq(new) for held, new in
                                     zip(nearest[chunk * config.lanes:], sums, strict=False)]
        m.d.comb += self.compare.eq(Cat(held >= trial for held, trial in zip(nearest, self.trial, strict=True)))
        return m
