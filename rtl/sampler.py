# SPDX-License-Identifier: Apache-2.0
"""Sampled charges of all lines, with gain, offset and noise; mirrors `golden.adc.Adc.sample`."""
from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib.wiring import Component, In, Out

from golden.adc import GAIN
from golden.config import TileConfig
from golden.noise import GAUSSIAN_FRAC
from rtl.dsp import BLOCK_BITS, Product, SerialProduct, multiple, multiple_latency, product, serial_latency
from rtl.formats import add_with_carry, delay, halves_to_even, late, round_half_even, saturate, shape_of
from rtl.noise import XI
from rtl.planes import WORD, LaneMemory


class Sampler(Component):
    """Samples the charges of all lines, with gain, offset and noise, `lanes` lines at a time.

    `prefill` fetches offset and noise of every chunk of so many lines while the window is still open; `ready`
    says that they are in place, or will be when they are needed: that `lead` cycles pass at least until the first push,
    and chunks come in order. Then each `push` takes the charges of one chunk, which come as `held`, with `is_held`
    and `held_chunk`, `latency` cycles later. Pushes are `period` cycles apart or more; where that is more than one,
    charges stand for so long.

    Members: `prefill`, `push`, `chunk`, `charges` in; `ready`, `is_held`, `held_chunk`, `held` out. `fill_chunk` asks
    for the noise of a chunk where that `takes` it, and it comes as `xi` after `noise_latency` cycles. Between
    operations (`active` low) the side band's `address` reads `gains` and `offsets`; `write_gain` and `write_offset` are
    lane masks for `value`.
    """

    def __init__(self, config: TileConfig, noise_latency: int, lanes: int, noise_period: int = 1, lead: int = 0):
        self.config, self.lanes, self.noise_period = config, lanes, noise_period
        sigma = config.adc.sigma
        self.fetch_latency = 1 + config.way_registers  # of gain and offset, with a register for their address
        # until it is scaled, and a place to fetch an offset for has gone its way
        self.noise_latency = noise_latency + multiple_latency(sigma) if sigma else self.fetch_latency - 1
        # one a cycle is as fast as pushes are: only the first need be waited for, and that until it is all but there
        self.ahead = min(lead + self._product_latency, self.noise_latency + 2) if noise_period == 1 else None
        self.chunks = config.converter_chunks * (config.lanes // lanes)
        self.gains = LaneMemory(GAIN, self.chunks, lanes)
        self.offsets = LaneMemory(config.adc.offset, self.chunks, lanes)
        self.ambient = LaneMemory(config.adc.held, self.chunks, lanes)
        super().__init__({
            "prefill": In(1), "ready": Out(1), "takes": In(1, init=1), "fill_chunk": Out(range(self.chunks)),
            "xi": In(shape_of(XI)).array(lanes),
            "push": In(1), "chunk": In(range(self.chunks)),
            "charges": In(shape_of(config.charge)).array(lanes),
            "is_held": Out(1), "held_chunk": Out(range(self.chunks)),
            "held": Out(shape_of(config.adc.held)).array(lanes),
            "active": In(1), "address": In(range(self.chunks)), "value": In(shape_of(WORD)),
            "write_gain": In(lanes), "write_offset": In(lanes),
        })

    @property
    def fill_latency(self) -> int:
        """Most cycles from `prefill` to `ready`."""
        if self.ahead is not None:
            return self.noise_latency + 4 - self.ahead
        return (self.chunks + 1) * self.noise_period + self.noise_latency + 2

    @property
    def period(self) -> int:
        """Cycles from one push to the next, at least: of serial products one more than they take, as the charge that
        follows may come in the last cycle of its own.
        """
        return self._product_latency + 1 if self.config.rolled else 1

    @property
    def _is_wide(self) -> bool:
        """Whether a charge takes two multipliers."""
        return self.config.charge.bits > BLOCK_BITS

    @property
    def _product_latency(self) -> int:
        """Cycles from `push` to the product: the gain, the multiplier, the sum of both halves."""
        if self.config.rolled:
            return self.fetch_latency + serial_latency(shape_of(GAIN))
        return self.fetch_latency + Product.latency + self._is_wide

    @property
    def latency(self) -> int:
        """Cycles from `push` to what is held: the product, rounding, offset and noise, saturation."""
        return self._product_latency + 3

    def elaborate(self, platform):
        m = Module()
        m.submodules += [self.gains, self.offsets, self.ambient]
        m.d.comb += [self.gains.write_mask.eq(self.write_gain), self.gains.write_address.eq(self.address),
                     self.offsets.write_mask.eq(self.write_offset), self.offsets.write_address.eq(self.address)]
        for lane in range(self.lanes):
            m.d.comb += [self.gains.write_values[lane].eq(self.value), self.offsets.write_values[lane].eq(self.value)]
        is_active = delay(m, self.active, self.fetch_latency - 1)
        self._fill(m, is_active)
        self._sample(m, is_active)
        return m

    def _place(self, m: Module, is_active, chunk) -> Value:
        """Where to read: `chunk` in an operation, and what the side band asks for between them."""
        return delay(m, Mux(is_active, chunk, self.address), self.fetch_latency - 1)

    def _fill(self, m: Module, is_active):
        """Offset + noise of every chunk into `ambient`."""
        config, ambient, chunk, is_filling = self.config, self.ambient, self.fill_chunk, Signal()
        with m.If(self.prefill):
            m.d.sync += [chunk.eq(0), is_filling.eq(1)]
        with m.Elif(is_filling & self.takes):
            m.d.sync += [chunk.eq(chunk + 1), is_filling.eq(chunk != self.chunks - 1)]

        early_chunk, fill_chunk = (late(m, chunk, self.noise_latency + more, self.takes, self.noise_period)
                                   for more in (1 - self.fetch_latency, 2))
        is_fill = delay(m, is_filling & self.takes, self.noise_latency + 2, reset=True)
        m.d.comb += [
            self.offsets.address.eq(self._place(m, is_active, early_chunk)),
            ambient.write_address.eq(fill_chunk),
            ambient.write_mask.eq(is_fill.replicate(self.lanes)),
        ]
        for lane, xi in enumerate(self.xi):
            total = Signal(shape_of(ambient.fmt), name=f"ambient_{lane}", reset_less=True)
            noise = Const(0)
            if config.adc.sigma:
                scaled = multiple(m, f"noise_{lane}", xi, config.adc.sigma)
                noise = delay(m, round_half_even(scaled, GAUSSIAN_FRAC), 1)
            m.d.sync += total.eq(self.offsets.values[lane] + noise)
            m.d.comb += ambient.write_values[lane].eq(total)
        is_ready = is_fill & (fill_chunk == self.chunks - 1)
        if self.ahead is not None:
            is_ready = delay(m, is_filling, self.noise_latency + 2 - self.ahead, reset=True)
        with m.If(self.prefill):
            m.d.sync += self.ready.eq(0)
        with m.Elif(is_ready):
            m.d.sync += self.ready.eq(1)

    def _sample(self, m: Module, is_active):
        """charge * gain, rounded, on top of offset and noise."""
        config, gains, ambient = self.config, self.gains, self.ambient
        m.d.comb += [gains.address.eq(self._place(m, is_active, self.chunk)),
                     ambient.address.eq(late(m, self.chunk, self._product_latency, self.push, self.period))]
        m.d.comb += [self.held_chunk.eq(late(m, self.chunk, self.latency, self.push, self.period)),
                     self.is_held.eq(delay(m, self.push, self.latency, reset=True))]
        for lane, charge in enumerate(self.charges):
            scaled, dropped = self._times_gain(m, lane, charge, gains.values[lane])
            quotient, is_up = (delay(m, part, 1) for part in halves_to_even(scaled, config.converter.shift - dropped))
            total = delay(m, add_with_carry(quotient, ambient.values[lane], is_up), 1)
            held = Signal.like(self.held[lane], name=f"held_{lane}", reset_less=True)
            m.d.sync += held.eq(saturate(total, config.adc.held))
            m.d.comb += self.held[lane].eq(held)

    def _times_gain(self, m: Module, lane: int, charge, gain) -> tuple[Value, int]:
        """charge * gain, of which a multiplier takes the lower half of a wide charge and another the upper one; and how
        many of its bits are dropped. Where the lower half is less than what rounding goes by, one bit stands for it.
        """
        if self.config.rolled:
            m.submodules[f"product_{lane}"] = made = SerialProduct(charge.shape(), gain.shape())
            m.d.comb += [made.start.eq(delay(m, self.push, 1, reset=True)), made.a.eq(charge), made.b.eq(gain)]
            return made.p, 0
        charge = delay(m, charge, self.fetch_latency)
        if not self._is_wide:
            return product(m, f"product_{lane}", charge, gain), 0
        half = BLOCK_BITS - 1
        low = product(m, f"low_{lane}", charge[:half], gain)
        high = product(m, f"high_{lane}", charge[half:].as_signed(), gain)
        is_less = self.config.converter.shift > half
        rest = low[:half].any() if is_less else low[:half]
        total = Cat(rest, high + low[half:])
        kept = Signal(signed(len(charge) + len(gain) - (half - len(rest))), name=f"product_{lane}", reset_less=True)
        m.d.sync += kept.eq(total)
        return kept, half - len(rest)
