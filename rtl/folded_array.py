# SPDX-License-Identifier: Apache-2.0
"""The emulated array of a folded tile: behind a `MacroPort`, with pulse drivers and converters of its own."""
from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import data
from amaranth.lib.wiring import Component, In, Out, connect, flipped

from golden.adc import HELD_FRAC
from golden.config import TileConfig
from rtl.analog_port import Mode
from rtl.array_core import STEPPING, ArrayCore
from rtl.code_walk import CodeWalk
from rtl.formats import delay, round_half_even, saturate, shape_of
from rtl.macro_port import MacroPort
from rtl.planes import LaneMemory, SideBand
from rtl.pulse_walk import PulseWalk
from rtl.states import States
from rtl.stream import StreamRegister

_VISIT = ("place", "row", "chunk", "slot_number", "negative", "word")
"""What the walk says of a visit of the devices."""


class FoldedArray(Component):
    """R x C devices and their converters, at P cross-points a cycle; no logic grows with the lines, but for memories.

    It computes while the window is still open, as it knows what the lines will carry:

        codes -> CodeWalk ---+-> ArrayCore -> codes of the converters
        pulses -> PulseWalk -+

    Cycles from the window's opening until `busy` falls, with K = ceil(C / P), at most (or until it closes, if later):

        forward     max(active rows, `core.least`) * K + `multiply_constant`
        backward    R * max(active chunks, `core.least` / P) + `multiply_constant`
        update      slots on rows * K + `slot_constant` * BL + `update_constant`, from the first slot on

    Members: `port` the far side of the pins; `side` for planes, seed and event; `coincidences` of each cycle.
    """

    settle_latency = 2
    """Cycles from a held charge to its code."""

    def __init__(self, config: TileConfig):
        port = MacroPort(config)
        self.config, self.core = config, ArrayCore(config, port.beat_lines)
        self.codes = CodeWalk(config, self.core.least, self.core.factor_latency)
        self.pulses = PulseWalk(config) if self.core.updater else None
        # so that a visit that is blocked holds up nothing else in its cycle; the clock of a rolled tile can do without
        self.visits = StreamRegister(data.StructLayout({name: getattr(self.pulses, name).shape() for name in _VISIT})
                                     ) if self.pulses and not config.rolled else None
        super().__init__({
            "port": In(port), "side": In(SideBand(config)), "coincidences": Out(range(config.lanes + 1)),
        })

    @property
    def _multiply_drain(self) -> int:
        return self.core.multiply_drain + self.codes.latency + self.settle_latency

    @property
    def multiply_constant(self) -> int:
        return self.core.sampler.fill_latency + self._multiply_drain + self.core.least + 9

    @property
    def slot_constant(self) -> int:
        return 2 * self.pulses.row_chunks + self.core.updater.wait if self.pulses else 0

    @property
    def update_constant(self) -> int:
        return self.core.update_drain + 8 + (self.pulses.latency if self.pulses else 0)

    def elaborate(self, platform):
        m = Module()
        port, core, codes = self.port, self.core, self.codes
        m.submodules.core, m.submodules.codes = core, codes
        connect(m, core.side, flipped(self.side))
        # the mode stands from the cycle before the window opens, which is seen two cycles later
        mode = delay(m, port.mode, self.config.way_registers)
        is_open = delay(m, port.integrate, 1, reset=True)
        is_forward, is_stepping = (delay(m, value, 1) for value in (
            mode == Mode.FORWARD, Value.cast(mode).matches(*STEPPING)))
        m.d.comb += [
            core.mode.eq(mode), core.forward.eq(is_forward), self.coincidences.eq(core.coincidences),
            codes.write.eq(port.code_write), codes.line.eq(port.code_line), codes.code.eq(port.code),
            codes.forward.eq(is_forward), codes.serial.eq(port.serial), codes.bit.eq(port.bit),
            core.multiply.eq(codes.visit), core.last.eq(codes.last),
            *(factor.eq(given) for factor, given in zip(core.factors, codes.factors, strict=True)),
            core.place.eq(codes.place), core.chunk.eq(codes.chunk),
        ]
        if self.pulses:
            self._coincide(m, is_stepping, is_open)
        self._control(m, is_stepping, is_open)
        self._convert(m)
        return m

    def _coincide(self, m: Module, is_stepping, is_open):
        """Pulses to visits of the devices."""
        port, core, pulses, visits = self.port, self.core, self.pulses, self.visits
        visit = {name: visits.o.payload[name] if visits else getattr(pulses, name) for name in _VISIT}
        more = self.config.way_registers  # a slot is played later than that, at the earliest
        beat = {name: delay(m, getattr(port, name), more, reset=name == "pulse_write")
                for name in ("pulse_write", "pulse_beat", "pulses", "negatives")}
        m.submodules.pulses = pulses
        m.d.comb += [
            pulses.clear.eq(~is_stepping), pulses.write.eq(beat["pulse_write"]), pulses.beat.eq(beat["pulse_beat"]),
            pulses.pulses.eq(beat["pulses"]), pulses.negatives.eq(beat["negatives"]), pulses.slot.eq(port.slot),
            pulses.ended.eq(~is_open),
            core.row.eq(visit["row"]), core.slot.eq(visit["slot_number"]),
        ]
        self._lanes(m, visit["word"], visit["negative"])
        with m.If(is_stepping):
            m.d.comb += [core.place.eq(visit["place"]), core.chunk.eq(visit["chunk"])]
        if not visits:
            m.d.comb += [pulses.blocked.eq(core.blocked), core.coincide.eq(pulses.coincide)]
            return
        m.submodules.visits = visits
        m.d.comb += [
            pulses.blocked.eq(~visits.i.ready), visits.i.valid.eq(pulses.coincide),
            *(visits.i.payload[name].eq(getattr(pulses, name)) for name in _VISIT),
            visits.o.ready.eq(~core.blocked), core.coincide.eq(visits.o.valid),
        ]

    def _lanes(self, m: Module, word, negative):
        """Pulses of a visit's columns, fetched as it begins."""
        core, pulses = self.core, self.pulses
        entry, late, is_moving = core.updater.entry, core.updater.lanes_latency, ~core.blocked
        up = pulses.column_negatives ^ delay(m, negative, entry, when=is_moving).replicate(self.config.lanes)
        m.d.comb += [
            pulses.address.eq(delay(m, word, entry - 1, when=is_moving)), pulses.fetch.eq(is_moving),
            core.mask.eq(delay(m, pulses.column_pulses, late)), core.up.eq(delay(m, up, late)),
        ]

    def _control(self, m: Module, is_stepping, is_open):
        """Compute as soon as the window opens."""
        port, core = self.port, self.core
        drained = Signal(range(max(core.update_drain, self._multiply_drain) + 1))
        is_busy = Signal()  # a register more on the way to the sequencer
        m.d.sync += [port.busy.eq(is_busy), is_busy.eq(1), drained.eq(0)]
        is_idle, opens, starts = Signal(), Signal(), Signal()
        m.d.comb += [core.idle.eq(delay(m, is_idle, 1)), core.open.eq(delay(m, opens, 1, reset=True)),
                     core.prefill.eq(delay(m, opens & ~is_stepping, 1, reset=True)),
                     self.codes.start.eq(delay(m, starts, 1, reset=True))]
        states = States(m, ("IDLE", "OPEN", "PREPARE", "START", "STARTED", "MULTIPLY", "COINCIDE", "DRAIN", "CLOSE"))
        with states.state("IDLE"):  # planes may be loaded
            m.d.comb += is_idle.eq(1)
            m.d.sync += is_busy.eq(is_open)
            with m.If(is_open):
                m.d.comb += opens.eq(1)
                states.go("OPEN")
                with m.If(is_stepping):
                    states.go("COINCIDE")
        with states.state("OPEN"):
            states.go("PREPARE")
        with states.state("PREPARE"):  # wait for offsets and noise of the converters
            with m.If(core.ready):
                states.go("START")
        with states.state("START"):
            m.d.comb += starts.eq(1)
            states.go("STARTED")
        with states.state("STARTED"):
            states.go("MULTIPLY")
        with states.state("MULTIPLY"):  # a chunk of cross-points a cycle into the accumulators
            with m.If(~self.codes.running):
                states.go("DRAIN")
        with states.state("COINCIDE"):  # a chunk of cross-points a cycle into the device engines
            is_waiting = self.visits.o.valid if self.visits else Const(0)
            with m.If(self.pulses.done & ~is_waiting if self.pulses else 1):
                states.go("DRAIN")
        with states.state("DRAIN"):  # let the pipelines run empty
            m.d.sync += drained.eq(drained + 1)
            with m.If(drained == Mux(is_stepping, core.update_drain, self._multiply_drain)):
                m.d.sync += is_busy.eq(0)
                states.go("CLOSE")
        with states.state("CLOSE"):  # the window may be open still
            m.d.sync += is_busy.eq(0)
            with m.If(~is_open):
                states.go("IDLE")
        states.close()

    def _convert(self, m: Module):
        """Codes into a memory as their charges come, and out of it from `hold` on."""
        config, port, core, n_beats = self.config, self.port, self.core, self.core.sampler.chunks
        code = shape_of(config.adc.code)
        m.submodules.results = results = LaneMemory(config.adc.code, n_beats, core.sampled)
        m.d.comb += [results.write_address.eq(delay(m, core.held_chunk, 2)),
                     results.write_mask.eq(delay(m, core.is_held, 2, reset=True).replicate(core.sampled))]
        for lane, held in enumerate(core.held):
            rounded = round_half_even(held, HELD_FRAC)
            nearest = Signal.like(rounded, name=f"nearest_{lane}", reset_less=True)
            found = Signal(code, name=f"found_{lane}", reset_less=True)
            m.d.sync += [nearest.eq(rounded), found.eq(saturate(nearest, config.adc.code))]
            m.d.comb += [results.write_values[lane].eq(found), port.results[lane].eq(results.values[lane])]

        is_giving, beat = Signal(), Signal.like(port.result_beat)
        with m.If(port.hold):
            m.d.sync += [is_giving.eq(1), beat.eq(0)]
        with m.Elif(is_giving):
            m.d.sync += [beat.eq(beat + 1), is_giving.eq(beat != n_beats - 1)]
        m.d.comb += [results.address.eq(beat), port.result_valid.eq(delay(m, is_giving, 1, reset=True)),
                     port.result_beat.eq(delay(m, beat, 1))]
