# SPDX-License-Identifier: Apache-2.0
"""Sampled charges of all lines, with gain, offset and noise; mirrors `golden.adc.Adc.sample`."""
from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib.wiring import Component, In, Out

from golden.adc import GAIN
from golden.config import TileConfig
from golden.noise import GAUSSIAN_FRAC
from rtl.dsp import BLOCK_BITS, Product, SerialProduct, multiple, multiple_latency, product, serial_latency
from rtl.formats import add_with_carry, delay, halves_to_even, late, round_half_even, saturate, shape_of
from rtl.noise import XI
from rtl.planes import WORD, LaneMemory


class _Joint(Component):
    """Gains and offsets of all lines in one memory, which gives one or the other: fewer small blocks.

    Members: `places` of both, and `is_offset`, which of them is read: `gains` or `offsets` in the next cycle;
    `write_address`, `value`, and the lanes of either that it is written to.
    """

    def __init__(self, config: TileConfig, depth: int, lanes: int):
        self.memory = LaneMemory(GAIN, 2 * depth, lanes)
        super().__init__({
            "places": In(range(depth)).array(2), "is_offset": In(1),
            "gains": Out(shape_of(GAIN)).array(lanes), "offsets": Out(shape_of(config.adc.offset)).array(lanes),
            "write_address": In(range(depth)), "write_gain": In(lanes), "write_offset": In(lanes),
            "value": In(shape_of(WORD)),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = self.memory
        m.d.comb += [
            memory.address.eq(Cat(self.is_offset, Mux(self.is_offset, self.places[1], self.places[0]))),
            memory.write_address.eq(Cat(self.write_offset.any(), self.write_address)),
            memory.write_mask.eq(self.write_gain | self.write_offset),
            *(given.eq(self.value) for given in memory.write_values),
            *(gain.eq(value) for gain, value in zip(self.gains, memory.values, strict=True)),
            *(offset.eq(value) for offset, value in zip(self.offsets, memory.values, strict=True)),
        ]
        return m


class Sampler(Component):
    """Samples the charges of all lines, with gain, offset and noise, `lanes` lines at a time.

    `prefill` adds up offset and noise of every chunk of so many lines while the window is still open; `ready`
    says that they are in place, or will be when they are needed: that `lead` cycles pass at least until the first push,
    and chunks come in order. Without noise there is nothing to prepare. Then each `push` takes the charges of one
    chunk, which come as `held`, with `is_held` and `held_chunk`, `latency` cycles later. Pushes are `period` cycles
    apart or more; where that is more than one, charges stand for so long.

    Members: `prefill`, `push`, `chunk`, `charges` in; `ready`, `is_held`, `held_chunk`, `held` out. `fill_chunk` asks
    for the noise of a chunk where that `takes` it, of a rolled tile while it `asks_noise`, and it comes as `xi` after
    `noise_latency` cycles. Between operations (`active` low) the side band's `address` reads `gains` and `offsets`, of
    a rolled tile the one that `asks_offset` says; `write_gain` and `write_offset` are lane masks for `value`.

    Parameters: `noise_latency`, from where noise is taken until it comes; `lanes` of a beat; `noise_cycles` that the
    noise of all chunks takes, where that is not a chunk a cycle; `lead`.
    """

    def __init__(self, config: TileConfig, noise_latency: int, lanes: int, noise_cycles: int = 0, lead: int = 0):
        self.config, self.lanes, self.noise_cycles = config, lanes, noise_cycles
        sigma = config.adc.sigma
        self.is_noisy = sigma > 0
        self.fetch_latency = 1 + config.way_registers  # of gain and offset, with a register for their address
        # until it is scaled, and a place to fetch an offset for has gone its way
        self.noise_latency = noise_latency + multiple_latency(sigma)
        # one a cycle is as fast as pushes are: only the first need be waited for, and that until it is all but there
        self.ahead = None if noise_cycles else min(lead + self._product_latency, self.noise_latency + 2)
        self.chunks = config.converter_chunks * (config.lanes // lanes)
        if config.rolled:
            self.joint = _Joint(config, self.chunks, lanes)
            self.gains, self.offsets = self.joint.gains, self.joint.offsets
        else:
            self.memories = [LaneMemory(fmt, self.chunks, lanes) for fmt in (GAIN, config.adc.offset)]
            self.gains, self.offsets = (memory.values for memory in self.memories)
        self.ambient = LaneMemory(config.adc.held, self.chunks, lanes) if self.is_noisy else None
        super().__init__({
            "prefill": In(1), "ready": Out(1), "takes": In(1, init=1), "fill_chunk": Out(range(self.chunks)),
            "xi": In(shape_of(XI)).array(lanes),
            "push": In(1), "chunk": In(range(self.chunks)),
            "charges": In(shape_of(config.charge)).array(lanes),
            "is_held": Out(1), "held_chunk": Out(range(self.chunks)),
            "held": Out(shape_of(config.adc.held)).array(lanes),
            "active": In(1), "address": In(range(self.chunks)), "value": In(shape_of(WORD)),
            "write_gain": In(lanes), "write_offset": In(lanes), **(
                {"asks_offset": In(1), "asks_noise": Out(1)} if config.rolled else {}),
        })

    @property
    def fill_latency(self) -> int:
        """Most cycles from `prefill` to `ready`."""
        if not self.is_noisy:
            return 0
        if self.ahead is not None:
            return self.noise_latency + 4 - self.ahead
        return self.noise_cycles + self.noise_latency + 3

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
        if self.config.rolled:
            m.submodules.joint = joint = self.joint
            m.d.comb += [joint.write_address.eq(self.address), joint.write_gain.eq(self.write_gain),
                         joint.write_offset.eq(self.write_offset), joint.value.eq(self.value),
                         joint.is_offset.eq(Mux(self.active, ~self.push, self.asks_offset))]
        else:
            gains, offsets = self.memories
            m.submodules += [gains, offsets]
            m.d.comb += [gains.write_mask.eq(self.write_gain), gains.write_address.eq(self.address),
                         offsets.write_mask.eq(self.write_offset), offsets.write_address.eq(self.address)]
            for lane in range(self.lanes):
                m.d.comb += [gains.write_values[lane].eq(self.value), offsets.write_values[lane].eq(self.value)]
        is_active = delay(m, self.active, self.fetch_latency - 1)
        if self.is_noisy:
            self._fill(m, is_active)
        else:
            m.d.comb += self.ready.eq(1)
        self._sample(m, is_active)
        return m

    def _fetch(self, m: Module, number: int, is_active, chunk):
        """A gain (0) or offset (1) of a chunk in an operation, and of what the side band asks for between them. In a
        rolled tile a gain is fetched in the cycle of a push, and an offset in others.
        """
        place = self.joint.places[number] if self.config.rolled else self.memories[number].address
        m.d.comb += place.eq(delay(m, Mux(is_active, chunk, self.address), self.fetch_latency - 1))

    def _fill(self, m: Module, is_active):
        """Offset + noise of every chunk into `ambient`."""
        config, ambient, chunk, is_filling = self.config, self.ambient, self.fill_chunk, Signal()
        m.submodules += ambient
        with m.If(self.prefill):
            m.d.sync += [chunk.eq(0), is_filling.eq(1)]
        with m.Elif(is_filling & self.takes):
            m.d.sync += [chunk.eq(chunk + 1), is_filling.eq(chunk != self.chunks - 1)]

        if config.rolled:
            m.d.comb += self.asks_noise.eq(is_filling)
        if self.noise_cycles:  # they come in order: counted once more, as one waits for longer than it takes
            is_early = delay(m, is_filling & self.takes, self.noise_latency, reset=True)
            early_chunk = Signal.like(chunk)
            with m.If(self.prefill):
                m.d.sync += early_chunk.eq(0)
            with m.Elif(is_early):
                m.d.sync += early_chunk.eq(early_chunk + 1)
            fill_chunk = delay(m, early_chunk, 1 + self.fetch_latency)
        else:
            early_chunk, fill_chunk = (delay(m, chunk, self.noise_latency + more)
                                       for more in (1 - self.fetch_latency, 2))
        is_fill = delay(m, is_filling & self.takes, self.noise_latency + 2, reset=True)
        self._fetch(m, 1, is_active, early_chunk)
        m.d.comb += [
            ambient.write_address.eq(fill_chunk),
            ambient.write_mask.eq(is_fill.replicate(self.lanes)),
        ]
        for lane, xi in enumerate(self.xi):
            total = Signal(shape_of(ambient.fmt), name=f"ambient_{lane}", reset_less=True)
            scaled = multiple(m, f"noise_{lane}", xi, config.adc.sigma)
            noise = delay(m, round_half_even(scaled, GAUSSIAN_FRAC), 1)
            m.d.sync += total.eq(self.offsets[lane] + noise)
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
        config, late_by = self.config, self._product_latency
        self._fetch(m, 0, is_active, self.chunk)
        if self.is_noisy:
            ambient = self.ambient.values
            m.d.comb += self.ambient.address.eq(late(m, self.chunk, late_by, self.push, self.period))
        else:  # the offsets themselves, by way of their address
            ambient, late_by = self.offsets, late_by + 1 - self.fetch_latency
            self._fetch(m, 1, is_active, late(m, self.chunk, late_by, self.push, self.period))
        m.d.comb += [self.held_chunk.eq(late(m, self.chunk, self.latency, self.push, self.period)),
                     self.is_held.eq(delay(m, self.push, self.latency, reset=True))]
        for lane, charge in enumerate(self.charges):
            scaled, dropped = self._times_gain(m, lane, charge, self.gains[lane])
            quotient, is_up = (delay(m, part, 1) for part in halves_to_even(scaled, config.converter.shift - dropped))
            total = delay(m, add_with_carry(quotient, ambient[lane], is_up), 1)
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
