# SPDX-License-Identifier: Apache-2.0
"""The analog side of all converters in the emulator, with what is not ideal about them."""
from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data
from amaranth.lib.wiring import Component, In, Out

from golden.adc import SIGMA, AdcKind
from golden.config import Plane, TileConfig
from golden.noise import GAUSSIAN_FRAC
from rtl.adc_pins import adc_pins, join
from rtl.cco_adc import CcoCells
from rtl.formats import delay, round_half_even, shape_of
from rtl.noise import XI
from rtl.planes import WORD, LaneMemory
from rtl.ramp_adc import RampCells
from rtl.sar_adc import SarCells
from rtl.spi_adc import SpiCells

CELLS = {AdcKind.SAR: SarCells, AdcKind.RAMP: RampCells, AdcKind.CCO: CcoCells, AdcKind.SPI: SpiCells}


class AdcCells(Component):
    """Takes the sampled charges, adds what the converters themselves add, and answers on their lines.

    Ideal converters have their charges at once. What else a converter adds goes through one pipeline of P lines, all
    chunks of lines in a *pass* of `pass_cycles`, `busy` meanwhile: where it is the same in all steps, at `settle`,
    which strobes when all charges are there; in successive approximation with mismatch or noise of the comparators in
    every trial. Lines that are not selected in a round are computed as well, and forgotten.

    With mismatch, two memories hold what is left of a line's charge when the capacitors that stay switched are taken
    off: with and without the one that was tried last. Its trial bit, seen a trial later, says which.

    Members: `is_held`, `held_chunk`, `held` from the sampler; `settle` in, `busy` out. `asks` says that noise is needed
    for chunk `ask_chunk` and slot `ask_slot`, which comes as `xi` and `phase` (upper bits of the draw) after
    `noise_latency` cycles. Between operations (`active` low) `address` and `dac_address` read `memories` and write
    `value` where `side_write[plane]`, a lane mask, says. The lines of the converters as in `AnalogPort`.
    """

    def __init__(self, config: TileConfig, noise_latency: int):
        self.config, adc = config, config.adc
        self.cells = CELLS[adc.kind](config)
        self.is_noisy = bool(adc.comparator_sigma or adc.phase_noise)
        self.in_trials = adc.kind is AdcKind.SAR and bool(adc.comparator_sigma or adc.capacitor_spread)
        self.at_once = not (self.in_trials or self.is_noisy or adc.comparator_offset)
        self.noise_latency = noise_latency if self.is_noisy else 1
        self.chunks = config.converter_chunks
        depth = {Plane.COMPARATOR: self.chunks, Plane.ADC_DAC: self.chunks * adc.bits}
        self.memories = {plane: LaneMemory(adc.offset, depth[plane], config.lanes)
                         for plane in depth if plane in config.planes}
        super().__init__({
            "is_held": In(1), "held_chunk": In(range(self.chunks)),
            "held": In(shape_of(adc.held)).array(config.lanes), "settle": In(1), "busy": Out(1),
            "asks": Out(1), "ask_chunk": Out(range(self.chunks)), "ask_slot": Out(range(adc.bits)),
            "xi": In(shape_of(XI)).array(config.lanes), "phase": In(8).array(config.lanes),
            "active": In(1), "address": In(range(self.chunks)), "dac_address": In(range(depth[Plane.ADC_DAC])),
            "value": In(shape_of(WORD)),
            "side_write": In(data.StructLayout({plane.name: config.lanes for plane in self.memories})),
            **{name: member.flip() for name, member in adc_pins(config).items()},
        })

    @property
    def pass_cycles(self) -> int:
        """Cycles of `busy` for a pass."""
        return self.chunks + self.noise_latency + 2

    @property
    def settle_cycles(self) -> int:
        """Cycles of `busy` before the first conversion."""
        return 0 if self.at_once or self.in_trials else self.pass_cycles

    @property
    def conversion_cycles(self) -> int:
        """Most cycles of `busy` during the conversions of all lines."""
        adc = self.config.adc
        return adc.columns_per_adc * adc.steps * self.pass_cycles if self.in_trials else 0

    def elaborate(self, platform):
        m = Module()
        m.submodules.cells = cells = self.cells
        join(m, adc_pins(self.config), self, cells)
        for plane, memory in self.memories.items():
            m.submodules[plane.name.lower()] = memory
            m.d.comb += [memory.write_mask.eq(self.side_write[plane.name]),
                         *(old.eq(self.value) for old in memory.write_values)]
        if self.at_once:
            self._store(m, self.is_held, self.held_chunk, [cells.settle(held, Const(0, 8)) for held in self.held])
            return m

        chunk, is_first, bit = self.ask_chunk, Signal(), Signal(range(self.config.adc.bits))
        begins = Signal()
        m.d.comb += begins.eq(self.adc_step if self.in_trials else self.settle)
        is_busy = Signal()
        with m.If(begins):
            m.d.sync += [chunk.eq(0), self.asks.eq(1), is_busy.eq(1), is_first.eq(self.adc_start),
                         bit.eq(Mux(self.adc_start, self.config.adc.bits - 1, bit - 1))]
        with m.Elif(self.asks):
            m.d.sync += [chunk.eq(chunk + 1), self.asks.eq(chunk != self.chunks - 1)]
        if self.in_trials:
            m.d.comb += self.ask_slot.eq(self.config.adc.bits - 1 - bit)
        m.d.comb += self.busy.eq(is_busy | begins)

        early = delay(m, chunk, self.noise_latency - 1)
        late, is_late = delay(m, early, 2), delay(m, self.asks, self.noise_latency + 1, reset=True)
        with m.If(is_late & (late == self.chunks - 1)):
            m.d.sync += is_busy.eq(0)
        charges = self._charges(m, early, late, is_late, is_first, bit)
        extras = self._extras(m, early)
        phases = [delay(m, phase, 1) for phase in self.phase]
        self._store(m, is_late, late, [cells.settle(charge + extra, phase)
                                       for charge, extra, phase in zip(charges, extras, phases, strict=True)])
        return m

    def _charges(self, m: Module, early, late, is_late, is_first: Signal, bit: Signal) -> list:
        """Sampled charges of chunk `late`, with mismatch less the capacitors that are switched."""
        adc, lanes = self.config.adc, self.config.lanes
        m.submodules.held_memory = held = LaneMemory(adc.held, self.chunks, lanes)
        m.d.comb += [held.address.eq(early), held.write_address.eq(self.held_chunk),
                     held.write_mask.eq(self.is_held.replicate(lanes)),
                     *(old.eq(new) for old, new in zip(held.write_values, self.held, strict=True))]
        sampled = [delay(m, value, 1) for value in held.values]
        if Plane.ADC_DAC not in self.memories:
            return sampled

        dac = self.memories[Plane.ADC_DAC]
        m.d.comb += [dac.address.eq(Mux(self.active, bit * self.chunks + early, self.dac_address)),
                     dac.write_address.eq(self.dac_address)]
        m.submodules.kept = kept = LaneMemory(adc.compared, self.chunks, lanes)
        m.submodules.tried = tried = LaneMemory(adc.compared, self.chunks, lanes)
        for memory in (kept, tried):
            m.d.comb += [memory.address.eq(early), memory.write_address.eq(late),
                         memory.write_mask.eq(is_late.replicate(lanes))]
        stays = self._stays(m, late, bit)
        found = []
        for lane in range(lanes):
            rest, less = (Signal(shape_of(adc.compared), name=f"{name}_{lane}") for name in ("rest", "less"))
            m.d.comb += [
                rest.eq(Mux(is_first, sampled[lane],
                            Mux(stays[lane], delay(m, tried.values[lane], 1), delay(m, kept.values[lane], 1)))),
                less.eq(rest - delay(m, dac.values[lane], 1)),
                kept.write_values[lane].eq(rest), tried.write_values[lane].eq(less),
            ]
            found.append(less)
        return found

    def _stays(self, m: Module, chunk, bit: Signal) -> Signal:
        """Whether the capacitor above `bit` stays switched, for the lanes of a chunk."""
        config, lanes = self.config, self.config.lanes
        known = [Cat(trial[:-1], ~trial[-1], Const(0, 1)).bit_select(bit + 1, 1) for trial in self.adc_trial]
        lines = Cat(known[line // config.adc.columns_per_adc] for line in range(config.n_converters))
        stays = Signal(lanes)
        with m.Switch(chunk):
            for number in range(self.chunks):
                with m.Case(number):
                    m.d.comb += stays.eq(lines[number * lanes:(number + 1) * lanes])
        return stays

    def _extras(self, m: Module, early) -> list:
        """Offset and noise of the comparators of the chunk that comes."""
        adc, lanes = self.config.adc, self.config.lanes
        extras = [Const(0)] * lanes
        if adc.comparator_sigma:
            extras = [delay(m, round_half_even(xi * Const(adc.comparator_sigma, SIGMA.bits), GAUSSIAN_FRAC), 1)
                      for xi in self.xi]
        if Plane.COMPARATOR in self.memories:
            offsets = self.memories[Plane.COMPARATOR]
            m.d.comb += [offsets.address.eq(Mux(self.active, early, self.address)),
                         offsets.write_address.eq(self.address)]
            extras = [extra + delay(m, offset, 1) for extra, offset in zip(extras, offsets.values, strict=True)]
        return extras

    def _store(self, m: Module, is_valid, chunk, new: list):
        """A register a line."""
        lanes = self.config.lanes
        stored = [Signal(self.cells.shape, name=f"stored_{line}", reset_less=True)
                  for line in range(self.config.n_converters)]
        with m.If(is_valid):
            with m.Switch(chunk):
                for number in range(self.chunks):
                    with m.Case(number):
                        m.d.sync += [old.eq(value) for old, value in zip(stored[number * lanes:], new, strict=False)]
        m.d.comb += [value.eq(old) for value, old in zip(self.cells.values, stored, strict=True)]
