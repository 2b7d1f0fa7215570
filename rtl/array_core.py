# SPDX-License-Identifier: Apache-2.0
"""What every emulated array has at its cross-points, however its lines are listened to: weights, lanes, noise."""
from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib.wiring import Component, In, Out

from golden.config import MAX_BL, Plane, TileConfig
from golden.noise import Stream
from rtl.analog_port import Mode
from rtl.charge_queue import ChargeQueue
from rtl.formats import delay, shape_of
from rtl.multiplier import Multiplier
from rtl.noise import XI, GaussianLanes
from rtl.planes import SideBand, fetch_latency, plane_domain, plane_memory, read_lane
from rtl.sampler import Sampler
from rtl.updater import Updater

STEPPING = (Mode.UPDATE, Mode.PROGRAM)
"""Modes that change weights."""


class ArrayCore(Component):
    """R x C devices in chunks of P, one chunk a cycle: into the multiplier, or through the device engines.

        visits -+-> Multiplier -> Sampler -> held charges
                +-> Updater -> weights

    Members, beside `mode` of the port, `side` for planes, seed and event, and `idle`, while planes may be loaded:

    - `open`: a window opens; `prefill` where it is measured: `ready` says later that offsets and noise of converters
      are there.
    - A visit is to `place` (row * K + chunk, with K = ceil(C / P)), `row` and `chunk`. With `multiply` it multiplies by
      `factors`, which come `factor_latency` cycles later, in inner runs up to `last` over the rows of a chunk
      (`forward`) or the chunks of a row.
      With `coincide` (it waits while `blocked`) it steps devices, in slot `slot`: those of `mask` in the directions
      `up`, which come `entry` cycles later, not counting those that are blocked, and `lanes_latency` more.
    - `held` charges, `sampled` of them a beat (P, or a divisor of it), with `held_chunk` and `is_held`; `reference`
      (-1, 0, 1) replaces them in REFERENCE.
    - `asks`, `ask_chunk`, `ask_slot`: converters ask for noise, which comes as `xi` and `phase`, `noise_latency` later.
    - `coincidences` of each cycle. The planes of the converters' cells are not here.
    """

    def __init__(self, config: TileConfig, sampled: int | None = None):
        self.config, self.sampled = config, sampled or config.lanes
        self.parts = config.lanes // self.sampled
        engine, chunks = config.engine, config.converter_chunks
        has_steps = "update" in config.engines
        steps_draw = has_steps * (bool(engine.sigma) + bool(engine.write_sigma))
        converters_draw = bool(config.adc.sigma or config.adc.comparator_sigma or config.adc.phase_noise)
        drawn = (config.lanes, chunks) if steps_draw else (self.sampled, chunks * self.parts)
        # planes of parameters leave no block RAM to a large tile's tables
        self.noise = [GaussianLanes(*drawn, config.rounds, rolled=config.rolled,
                                    in_logic=bool(config.parameter_bits and has_steps))
                      for _ in range(max(converters_draw, steps_draw))]
        self.noise_latency = self.noise[0].latency if self.noise else 1
        self.multiplier = Multiplier(config, 1 + fetch_latency(config))
        self.is_shared = steps_draw and self.sampled < config.lanes
        self.sampler = Sampler(config, self.noise_latency + 3 * self.is_shared, self.sampled,
                               self._noise_cycles, self.multiplier.least_latency)
        has_queue = self.sampled < config.lanes or self.sampler.period > 1
        self.queue = ChargeQueue(config, self.sampled, self.sampler.period) if has_queue else None
        self.updater = Updater(config, self.noise_latency) if has_steps else None
        self.depth = config.rows * config.chunks
        self._side = SideBand(config).create(path=("near",))
        self._more = config.way_registers
        lanes = config.lanes
        super().__init__({
            "mode": In(Mode), "side": In(SideBand(config)), "idle": In(1), "open": In(1), "prefill": In(1),
            "ready": Out(1),
            "place": In(range(self.depth)), "row": In(range(config.rows)), "chunk": In(range(config.chunks)),
            "multiply": In(1), "forward": In(1), "last": In(1),
            "factors": In(signed(config.code_bits)).array(lanes),
            "coincide": In(1), "mask": In(lanes), "up": In(lanes), "slot": In(range(MAX_BL + 1)),
            "blocked": Out(1), "coincidences": Out(range(lanes + 1)), "reference": In(signed(2)),
            "is_held": Out(1), "held_chunk": Out(range(self.sampler.chunks)),
            "held": Out(shape_of(config.adc.held)).array(self.sampled),
            "asks": In(1), "ask_chunk": In(range(config.converter_chunks)), "ask_slot": In(range(config.adc.bits)),
            "xi": Out(shape_of(XI)).array(lanes), "phase": Out(8).array(lanes),
        })

    @property
    def _noise_cycles(self) -> int:
        """Cycles of the noise of all converters, at most, where that is not a chunk a cycle."""
        if not self.noise or not self.config.rolled:
            return 0
        uniform = self.noise[0].uniform
        return uniform.cycles(uniform.chunks) + uniform.period

    @property
    def factor_latency(self) -> int:
        """Cycles from a visit to its factors, which meet the weights then."""
        return self.multiplier.fetch_latency

    @property
    def least(self) -> int:
        """Cycles from P charges to the next, at least."""
        return self.parts * self.sampler.period

    @property
    def multiply_drain(self) -> int:
        """Cycles until the pipelines behind a visit that multiplies are empty."""
        return self.multiplier.latency + self.least * bool(self.queue) + self.sampler.latency + 1

    @property
    def update_drain(self) -> int:
        """The same behind a visit that coincides."""
        return self.updater.drain if self.updater else 0

    def elaborate(self, platform):
        m = Module()
        config, sampler, multiplier = self.config, self.sampler, self.multiplier
        m.submodules.multiplier, m.submodules.sampler = multiplier, sampler
        memories = {plane: plane_memory(config, config.weight) for plane in (Plane.WEIGHT, Plane.HIDDEN)
                    if plane in config.planes}
        for plane, memory in memories.items():
            m.submodules["weights" if plane == Plane.WEIGHT else "hidden"] = memory
        weights = memories[Plane.WEIGHT]
        is_stepping = delay(m, Value.cast(self.mode).matches(*STEPPING), self._more)
        side_place, near = Signal(range(self.depth)), Signal(range(self.depth), reset_less=True)
        self._side_register(m)
        m.d.comb += side_place.eq(self._side.row * config.chunks + self._side.chunk)
        place, is_idle = self.place, delay(m, self.idle, 2 * self._more)
        if self.updater:
            place = Mux(is_stepping, self.updater.ahead, place)
        m.d.sync += near.eq(Mux(is_idle, side_place, place))  # chosen ahead, as the memories are everywhere on the chip
        for memory in memories.values():
            m.d[plane_domain(config)] += memory.address.eq(near)

        m.d.comb += [
            multiplier.start.eq(delay(m, self.open, self._more, reset=True)),
            sampler.prefill.eq(self.prefill), self.ready.eq(sampler.ready),
            multiplier.visit.eq(self.multiply), multiplier.forward.eq(self.forward),
            multiplier.last.eq(self.last), multiplier.chunk.eq(self.chunk),
            *(factor.eq(given) for factor, given in zip(multiplier.factors, self.factors, strict=True)),
            *(w.eq(value) for w, value in zip(multiplier.weights, weights.values, strict=True)),
        ]
        if self.updater:
            self._step(m, is_stepping, memories.get(Plane.HIDDEN, weights).values)
        self._sample(m)
        if self.noise:
            self._noise(m, is_stepping)
        self._side_band(m, memories, side_place, is_idle)
        return m

    def _side_register(self, m: Module):
        """The side band's far end, which may be anywhere on the chip; what an operation goes by is not far behind."""
        for name, member in SideBand(self.config).members.items():
            given, near = getattr(self.side, name), getattr(self._side, name)
            if member.flow == In:
                m.d.comb += given.eq(near)
            else:
                given = given & self.idle if name == "write" else given
                way = 1 if name in ("seed", "event", "noise_row", "first_slot") else 2
                m.d.comb += near.eq(delay(m, given, way * self._more, reset=name == "write"))

    def _step(self, m: Module, is_stepping, weights):
        """Visits that coincide through the device engines."""
        updater = self.updater
        m.submodules.updater = updater
        m.d.comb += [
            updater.valid.eq(self.coincide), updater.place.eq(self.place), updater.active.eq(is_stepping),
            updater.mask.eq(self.mask), updater.up.eq(self.up), self.blocked.eq(updater.blocked),
            self.coincidences.eq(updater.coincidences),
            *(w.eq(value) for w, value in zip(updater.weights, weights, strict=True)),
        ]

    def _sample(self, m: Module):
        """Charges to the sampler, a beat after the other where it has fewer lanes."""
        multiplier, sampler = self.multiplier, self.sampler
        push, chunk, charges = multiplier.push, multiplier.push_chunk, multiplier.charges
        if self.queue:
            m.submodules.queue = queue = self.queue
            m.d.comb += [queue.push.eq(push), queue.push_chunk.eq(chunk),
                         *(old.eq(new) for old, new in zip(queue.charges, charges, strict=True))]
            push, chunk, charges = queue.give, queue.beat, queue.given
        reference, largest = Signal(shape_of(self.config.charge)), Const(self.config.reference)
        is_reference = delay(m, self.mode == Mode.REFERENCE, self._more)
        m.d.comb += [
            sampler.active.eq(self.mode != Mode.IDLE), sampler.push.eq(push), sampler.chunk.eq(chunk),
            reference.eq(Mux(self.reference == 0, 0, Mux(self.reference < 0, -largest, largest))),
            *(charge.eq(Mux(is_reference, reference, total))
              for charge, total in zip(sampler.charges, charges, strict=True)),
            self.is_held.eq(sampler.is_held), self.held_chunk.eq(sampler.held_chunk),
            *(given.eq(held) for given, held in zip(self.held, sampler.held, strict=True)),
        ]

    def _noise(self, m: Module, is_stepping):
        """Converters and devices take turns at the same noise lanes; write noise beside step noise has its own."""
        sampler, updater, engine, side = self.sampler, self.updater, self.config.engine, self._side
        row, chunk, slot = self.row, self.chunk, self.slot
        if updater:  # as its visit waits in the updater
            row, chunk, slot = (delay(m, each, updater.entry, when=~self.blocked) for each in (row, chunk, slot))
        streams = [stream for stream, sigma in ((Stream.UPDATE, engine.sigma), (Stream.WRITE, engine.write_sigma))
                   if sigma and updater] or [Stream.UPDATE]
        for n, (noise, stream) in enumerate(zip(self.noise, streams, strict=True)):
            m.submodules["write_noise" if n else "noise"] = noise
            m.d.comb += [noise.seed.eq(side.seed), noise.event.eq(side.event)]
            with m.If(is_stepping):
                m.d.comb += [noise.stream.eq(stream), noise.row.eq(row), noise.chunk.eq(chunk),
                             noise.slot.eq(side.first_slot + slot)]
            with m.Elif(self.asks):
                m.d.comb += [noise.stream.eq(Stream.COMPARATOR), noise.row.eq(side.noise_row),
                             noise.chunk.eq(self.ask_chunk), noise.slot.eq(self.ask_slot)]
            with m.Else():
                m.d.comb += [noise.stream.eq(Stream.ADC), noise.row.eq(side.noise_row),
                             noise.chunk.eq(sampler.fill_chunk >> self._part_bits if self.is_shared
                                            else sampler.fill_chunk)]
        if self.config.rolled:
            m.d.comb += [self.noise[0].asks.eq(sampler.asks_noise), self.noise[0].restart.eq(sampler.prefill)]
        xi = self.noise[0].xi
        m.d.comb += [sampler.takes.eq(self.noise[0].takes),
                     *(given.eq(each) for given, each in zip(sampler.xi, self._part(m, xi), strict=True))]
        for lane, each in enumerate(xi):
            if updater:
                m.d.comb += updater.xi[lane].eq(each)
            m.d.comb += self.xi[lane].eq(each)
            if self.config.adc.phase_noise:
                phase = self.noise[0].uniform.draws[lane][-len(self.phase[lane]):]
                m.d.comb += self.phase[lane].eq(delay(m, phase, self.noise[0].latency - self.noise[0].uniform.latency))
            if updater and engine.write_sigma:
                m.d.comb += updater.write_xi[lane].eq(self.noise[-1].xi[lane])

    @property
    def _part_bits(self) -> int:
        """Bits of a beat's number that say which part of a chunk it is."""
        return self.parts.bit_length() - 1

    def _part(self, m: Module, xi) -> list:
        """The noise of a beat, of that of its whole chunk three cycles later where the noise is made for P lanes."""
        if not self.is_shared:
            return list(xi)
        part = delay(m, self.sampler.fill_chunk[:self._part_bits], self.noise_latency + 2)
        xi = [delay(m, each, 2) for each in xi]  # from lanes that are all over the chip
        chosen = [Signal.like(each, name=f"sampled_xi_{lane}", reset_less=True)
                  for lane, each in enumerate(xi[:self.sampled])]
        with m.Switch(part):
            for number in range(self.parts):
                with m.Case(number):
                    m.d.sync += [old.eq(new) for old, new in zip(chosen, xi[number * self.sampled:], strict=False)]
        return chosen

    def _side_band(self, m: Module, memories, side_place, is_idle):
        """Planes are written and read between operations; updates write the weights."""
        side, sampler, updater, more = self._side, self.sampler, self.updater, self._more
        stands = delay(m, side.lane, 2 * more)  # longer than what is read there takes to come
        fetch, place = (delay(m, side_place, n * more) for n in (1, 2))
        lane_bits = len(side.lane) - self._part_bits  # lanes of a beat
        lane, beat = side.lane[:lane_bits], Cat(side.lane[lane_bits:], side.chunk)
        # known before they go to the memories, which are everywhere on the chip
        write, beat_write = (delay(m, (side.write << each)[:1 << len(each)], 2 * more, reset=True)
                             for each in (side.lane, lane))
        value = delay(m, side.value, 2 * more)

        def masked(plane: Plane, lanes):
            return Mux(delay(m, side.plane == plane, 2 * more), lanes, 0)

        m.d.comb += [
            sampler.address.eq(delay(m, beat, 2 * more)), sampler.value.eq(value),
            sampler.write_gain.eq(masked(Plane.ADC_GAIN, beat_write)),
            sampler.write_offset.eq(masked(Plane.ADC_OFFSET, beat_write)),
        ]
        if self.config.rolled:
            m.d.comb += sampler.asks_offset.eq(side.plane == Plane.ADC_OFFSET)
        parameters = updater.parameters if updater else {}
        if updater:
            m.d.comb += [
                updater.side_fetch.eq(fetch), updater.side_place.eq(place), updater.value.eq(value),
                *(updater.side_write[plane.name].eq(masked(plane, write)) for plane in parameters),
            ]
        read_lane(m, side.plane, stands[:lane_bits], side.read, {
            Plane.ADC_GAIN: sampler.gains, Plane.ADC_OFFSET: sampler.offsets}, more)
        read_lane(m, side.plane, stands, side.read, {
            plane: memory.values for plane, memory in (memories | parameters).items()}, more)
        for plane, memory in memories.items():
            address, mask, values = place, masked(plane, write), [value] * self.config.lanes
            if updater:
                kind = "apparent" if updater.has_write_noise and plane == Plane.WEIGHT else "write"
                stepped_at, stepped, new = (getattr(updater, f"{kind}_{name}")
                                            for name in ("place", "mask", "values"))
                address, mask = Mux(is_idle, address, stepped_at), Mux(is_idle, mask, stepped)
                values = [Mux(is_idle, value, each) for each in new]
            m.d[plane_domain(self.config)] += [
                memory.write_address.eq(address), memory.write_mask.eq(mask),
                *(old.eq(value) for old, value in zip(memory.write_values, values, strict=True))]
