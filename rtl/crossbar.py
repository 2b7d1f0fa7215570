# SPDX-License-Identifier: Apache-2.0
"""The emulated array behind the analog port; mirrors golden."""
from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib.wiring import Component, In, Out

from golden.config import MAX_BL, Plane, TileConfig
from golden.noise import Stream
from rtl.adc_cells import AdcCells
from rtl.adc_pins import adc_pins, join
from rtl.analog_port import AnalogPort, Mode
from rtl.formats import delay, shape_of
from rtl.multiplier import Multiplier
from rtl.noise import GaussianLanes
from rtl.planes import FETCH_LATENCY, LaneMemory, SideBand
from rtl.recorder import LineRecorder
from rtl.sampler import Sampler
from rtl.scan import Scanner
from rtl.updater import Updater

_STEPPING = (Mode.UPDATE, Mode.PROGRAM)


class CrossbarEmulator(Component):
    """R x C devices and the analog side of their converters, at P cross-points a cycle.

    It listens while the window is open and computes when it has closed, `busy` meanwhile:

        lines -> LineRecorder -> Scanner -+-> Multiplier -> Sampler -> AdcCells
                                          +-> Updater -> weights

    Forward visits the active rows of each column chunk, backward the active chunks of each row, update the
    pulsed (row, chunk) pairs slot by slot. Cycles of `busy`, with K = ceil(C / P), at most:

        forward     max(active rows, 1) * K + `multiply_constant`
        backward    R * max(active chunks, 1) + `multiply_constant`
        update      slots on rows * K + `slot_constant` * BL + `update_constant`

    Charges are exact: nothing is rounded before the converter.

    Members: `port` the far side of the pins; `side` for planes, seed and event; `coincidences` of each cycle.
    """

    def __init__(self, config: TileConfig):
        self.config = config
        engine = config.engine
        converters_draw = bool(config.adc.sigma or config.adc.comparator_sigma or config.adc.phase_noise)
        sets = max(converters_draw, bool(engine.sigma) + bool(engine.write_sigma))
        self.noise = [GaussianLanes(config.lanes, config.converter_chunks, config.rounds) for _ in range(sets)]
        latency = self.noise[0].latency if self.noise else 1
        self.sampler, self.multiplier, self.updater = (
            Sampler(config, latency), Multiplier(config, 1 + FETCH_LATENCY), Updater(config, latency))
        self.cells = AdcCells(config, latency)
        super().__init__({
            "port": In(AnalogPort(config)), "side": In(SideBand(config)),
            "coincidences": Out(range(config.lanes + 1)),
        })

    @property
    def _by_column(self) -> tuple:
        """Modes that measure columns; a reference goes the way that reaches all converters."""
        return (Mode.FORWARD, Mode.REFERENCE) if self.config.cols >= self.config.rows else (Mode.FORWARD,)

    @property
    def _by_row(self) -> tuple:
        return (Mode.BACKWARD,) if self.config.cols >= self.config.rows else (Mode.BACKWARD, Mode.REFERENCE)

    @property
    def _multiply_drain(self) -> int:
        """Cycles until the pipelines behind the scanner are empty."""
        return self.multiplier.latency + self.sampler.latency + 1

    @property
    def multiply_constant(self) -> int:
        return self.sampler.fill_latency + self._multiply_drain + self.cells.settle_cycles + 4

    @property
    def slot_constant(self) -> int:
        return max(2, self.updater.wait)

    @property
    def update_constant(self) -> int:
        return self.updater.drain + 4

    def elaborate(self, platform):
        m = Module()
        config, port = self.config, self.port
        m.submodules.recorder = recorder = LineRecorder(config)
        m.submodules.scanner = scanner = Scanner(config.rows, config.chunks)
        depth = config.rows * config.chunks
        memories = {plane: LaneMemory(config.weight, depth, config.lanes, registered=True)
                    for plane in (Plane.WEIGHT, Plane.HIDDEN) if plane in config.planes}
        for plane, memory in memories.items():
            m.submodules["weights" if plane == Plane.WEIGHT else "hidden"] = memory
        weights = memories[Plane.WEIGHT]
        m.submodules.multiplier, m.submodules.updater, m.submodules.sampler, m.submodules.cells = (
            self.multiplier, self.updater, self.sampler, self.cells)

        is_idle, is_multiplying, is_coinciding = Signal(), Signal(), Signal()
        slot = Signal(range(MAX_BL + 1))
        self._control(m, recorder, scanner, slot, is_idle, is_multiplying, is_coinciding)
        self._masks(m, recorder, scanner)

        place, side_place = Signal(range(depth)), Signal(range(depth))
        m.d.comb += [
            place.eq(scanner.row * config.chunks + scanner.chunk),
            side_place.eq(self.side.row * config.chunks + self.side.chunk),
        ]
        weights_at = Mux(Value.cast(port.mode).matches(*_STEPPING), self.updater.address, delay(m, place, 1))
        for memory in memories.values():
            m.d.sync += memory.address.eq(Mux(is_idle, side_place, weights_at))
        self._multiply(m, recorder, scanner, weights, is_multiplying)
        self._update(m, recorder, scanner, memories.get(Plane.HIDDEN, weights), is_coinciding, place, slot)
        self._sample(m)
        if self.noise:
            self._noise(m, scanner, slot)
        self._side_band(m, memories, side_place, is_idle)

        for name in ("mode", "integrate", "slot", "row_pulse", "row_negative", "col_pulse", "col_negative", "weighted"):
            m.d.comb += getattr(recorder.port, name).eq(getattr(port, name))
        m.d.comb += self.coincidences.eq(self.updater.coincidences)
        return m

    def _control(self, m: Module, recorder, scanner, slot, is_idle, is_multiplying, is_coinciding):
        """Listen, then compute."""
        port, sampler, updater = self.port, self.sampler, self.updater
        is_update = Value.cast(port.mode).matches(*_STEPPING)
        drained = Signal(range(max(updater.drain, self._multiply_drain) + 1))
        m.d.comb += [recorder.address.eq(slot), port.busy.eq(1)]
        with m.FSM():
            with m.State("IDLE"):  # planes may be loaded
                m.d.comb += [is_idle.eq(1), port.busy.eq(self.cells.busy)]
                with m.If(port.integrate):
                    m.d.comb += [recorder.clear.eq(1), sampler.prefill.eq(~is_update), self.multiplier.start.eq(1)]
                    m.next = "RECORD"
            with m.State("RECORD"):  # the window is open
                m.d.comb += port.busy.eq(0)
                m.d.sync += [slot.eq(0), drained.eq(0)]
                with m.If(~port.integrate):
                    m.next = "PREPARE"
                    with m.If(is_update):
                        m.next = "FETCH"
            with m.State("PREPARE"):  # wait for offsets and noise of the converters
                with m.If(sampler.ready):
                    m.d.comb += scanner.load.eq(1)
                    m.next = "MULTIPLY"
            with m.State("MULTIPLY"):  # a chunk of cross-points a cycle into the accumulators
                m.d.comb += [is_multiplying.eq(1), scanner.step.eq(1)]
                with m.If(scanner.last):
                    m.next = "DRAIN"
            with m.State("FETCH"):  # the pulses of a slot
                m.next = "LOAD"
                with m.If(slot == recorder.n_slots):
                    m.next = "DRAIN"
            with m.State("LOAD"):  # skip a slot in which nothing coincides
                m.next = "FETCH"
                with m.If(recorder.row_bits.any() & recorder.col_bits.any()):
                    m.d.comb += scanner.load.eq(1)
                    m.next = "COINCIDE"
                with m.Else():
                    m.d.sync += slot.eq(slot + 1)
            with m.State("COINCIDE"):  # a chunk of cross-points a cycle into the device engines
                m.d.comb += [is_coinciding.eq(1), scanner.step.eq(~updater.blocked)]
                with m.If(scanner.step & scanner.last):
                    m.d.sync += slot.eq(slot + 1)
                    m.next = "FETCH"
            with m.State("DRAIN"):  # let the pipelines run empty
                m.d.sync += drained.eq(drained + 1)
                with m.If(drained == Mux(is_update, updater.drain, self._multiply_drain)):
                    m.d.comb += self.cells.settle.eq(~is_update)
                    m.next = "IDLE"

    def _masks(self, m: Module, recorder, scanner):
        """What the scanner visits: lines at zero cost nothing, but with none active one visit makes the zeros."""
        config, mode = self.config, self.port.mode
        active_rows, active_cols = recorder.active[:config.rows], recorder.active[:config.cols]
        pulsed_chunks, active_chunks = (Cat(chunk.any() for chunk in self._chunked(lines))
                                        for lines in (recorder.col_bits, active_cols))
        m.d.comb += [scanner.rows.eq(~0), scanner.chunks.eq(~0)]
        with m.Switch(mode):
            with m.Case(*self._by_column):
                m.d.comb += [scanner.rows.eq(Mux(active_rows.any(), active_rows, 1)), scanner.rows_inner.eq(1)]
            with m.Case(*self._by_row):
                m.d.comb += scanner.chunks.eq(Mux(active_chunks.any(), active_chunks, 1))
            with m.Case(*_STEPPING):
                m.d.comb += [scanner.rows.eq(recorder.row_bits), scanner.chunks.eq(pulsed_chunks)]

    def _multiply(self, m: Module, recorder, scanner, weights, is_multiplying):
        config, multiplier = self.config, self.multiplier
        is_forward = Value.cast(self.port.mode).matches(*self._by_column)
        planes = (*recorder.planes, recorder.negative)
        row = Cat(plane.bit_select(scanner.row, 1) for plane in planes)
        columns = [Signal(config.lanes, name=f"columns_{bit}") for bit in range(len(planes))]
        with m.Switch(scanner.chunk):
            for chunk, slices in enumerate(zip(*(self._chunked(plane[:config.cols]) for plane in planes), strict=True)):
                with m.Case(chunk):
                    m.d.comb += [column.eq(lines) for column, lines in zip(columns, slices, strict=True)]
        for lane, factor in enumerate(multiplier.factors):
            code = Signal(len(planes), name=f"code_{lane}")
            m.d.comb += [code.eq(Mux(is_forward, row, Cat(column[lane] for column in columns))),
                         factor.eq(Mux(code[-1], -code[:-1], code[:-1]))]
        m.d.comb += [
            multiplier.visit.eq(is_multiplying), multiplier.forward.eq(is_forward),
            multiplier.last.eq(scanner.inner_last),
            multiplier.chunk.eq(scanner.chunk),
            *(w.eq(value) for w, value in zip(multiplier.weights, weights.values, strict=True)),
        ]

    def _update(self, m: Module, recorder, scanner, weights, is_coinciding, place, slot):
        config, updater = self.config, self.updater
        row_negative = Signal()
        m.d.comb += [
            row_negative.eq(recorder.row_negative.bit_select(scanner.row, 1)),
            updater.valid.eq(is_coinciding), updater.place.eq(place),
            updater.active.eq(Value.cast(self.port.mode).matches(*_STEPPING)),
            *(w.eq(value) for w, value in zip(updater.weights, weights.values, strict=True)),
        ]
        with m.Switch(scanner.chunk):
            for n, (pulses, negative) in enumerate(zip(self._chunked(recorder.col_bits),
                                                       self._chunked(recorder.col_negative), strict=True)):
                with m.Case(n):
                    m.d.comb += [updater.mask.eq(pulses),
                                 updater.up.eq(negative ^ row_negative.replicate(config.lanes))]

    def _sample(self, m: Module):
        port, sampler, multiplier, cells = self.port, self.sampler, self.multiplier, self.cells
        join(m, adc_pins(self.config), port, cells)
        reference, largest = Signal(shape_of(self.config.charge)), Const(self.config.reference)
        m.d.comb += [
            sampler.active.eq(port.mode != Mode.IDLE),
            sampler.push.eq(multiplier.push), sampler.chunk.eq(multiplier.push_chunk),
            reference.eq(Mux(port.reference == 0, 0, Mux(port.reference < 0, -largest, largest))),
            *(charge.eq(Mux(port.mode == Mode.REFERENCE, reference, total))
              for charge, total in zip(sampler.charges, multiplier.charges, strict=True)),
            cells.active.eq(port.mode != Mode.IDLE),
            cells.is_held.eq(sampler.is_held), cells.held_chunk.eq(sampler.held_chunk),
            *(charge.eq(held) for charge, held in zip(cells.held, sampler.held, strict=True)),
        ]

    def _noise(self, m: Module, scanner, slot):
        """Converters and devices take turns at the same noise lanes; write noise beside step noise has its own."""
        sampler, cells, updater, engine = self.sampler, self.cells, self.updater, self.config.engine
        taken = [Signal.like(each, name=f"taken_{n}", reset_less=True)
                 for n, each in enumerate((scanner.row, scanner.chunk, slot))]
        with m.If(~updater.blocked):
            m.d.sync += [register.eq(each) for register, each in
                         zip(taken, (scanner.row, scanner.chunk, slot), strict=True)]
        row, chunk, slot = taken
        streams = [stream for stream, sigma in ((Stream.UPDATE, engine.sigma), (Stream.WRITE, engine.write_sigma))
                   if sigma] or [Stream.UPDATE]
        for n, (noise, stream) in enumerate(zip(self.noise, streams, strict=True)):
            m.submodules["write_noise" if n else "noise"] = noise
            m.d.comb += [noise.seed.eq(self.side.seed), noise.event.eq(self.side.event)]
            with m.If(Value.cast(self.port.mode).matches(*_STEPPING)):
                m.d.comb += [noise.stream.eq(stream), noise.row.eq(row), noise.chunk.eq(chunk),
                             noise.slot.eq(self.side.first_slot + slot)]
            with m.Elif(cells.asks):
                m.d.comb += [noise.stream.eq(Stream.COMPARATOR), noise.row.eq(self.side.noise_row),
                             noise.chunk.eq(cells.ask_chunk), noise.slot.eq(cells.ask_slot)]
            with m.Else():
                m.d.comb += [noise.stream.eq(Stream.ADC), noise.row.eq(self.side.noise_row),
                             noise.chunk.eq(sampler.fill_chunk)]
        for lane in range(self.config.lanes):
            xi = self.noise[0].xi[lane]
            m.d.comb += [sampler.xi[lane].eq(xi), cells.xi[lane].eq(xi), updater.xi[lane].eq(xi)]
            if self.config.adc.phase_noise:
                phase = self.noise[0].uniform.draws[lane][-len(cells.phase[lane]):]
                m.d.comb += cells.phase[lane].eq(delay(m, phase, self.noise[0].latency - self.noise[0].uniform.latency))
            if engine.write_sigma:
                m.d.comb += updater.write_xi[lane].eq(self.noise[-1].xi[lane])

    def _side_band(self, m: Module, memories, side_place, is_idle):
        """Planes are written and read between operations; updates write the weights."""
        config, side, sampler, cells, updater = self.config, self.side, self.sampler, self.cells, self.updater
        m.d.comb += [
            updater.side_place.eq(side_place), updater.value.eq(side.value),
            sampler.address.eq(side.chunk), sampler.value.eq(side.value),
            cells.address.eq(side.chunk), cells.dac_address.eq(side.row * cells.chunks + side.chunk),
            cells.value.eq(side.value),
        ]
        write = (side.write & is_idle) << side.lane
        reads = {Plane.ADC_GAIN: sampler.gains.values,
                 Plane.ADC_OFFSET: sampler.offsets.values}
        reads |= {plane: memory.values for plane, memory in (memories | updater.parameters | cells.memories).items()}
        with m.Switch(side.plane):
            for plane, values in reads.items():
                with m.Case(plane):
                    for lane in range(config.lanes):
                        with m.If(side.lane == lane):
                            m.d.sync += side.read.eq(values[lane])
                    for owner, owned in ((updater, updater.parameters), (cells, cells.memories)):
                        if plane in owned:
                            m.d.comb += owner.side_write[plane.name].eq(write)
        m.d.comb += [sampler.write_gain.eq(Mux(side.plane == Plane.ADC_GAIN, write, 0)),
                     sampler.write_offset.eq(Mux(side.plane == Plane.ADC_OFFSET, write, 0))]
        for plane, memory in memories.items():
            is_apparent = updater.has_write_noise and plane == Plane.WEIGHT
            place, mask, values = (getattr(updater, f"{'apparent' if is_apparent else 'write'}_{name}")
                                   for name in ("place", "mask", "values"))
            m.d.sync += [
                memory.write_address.eq(Mux(is_idle, side_place, place)),
                memory.write_mask.eq(Mux(is_idle, Mux(side.plane == plane, write, 0), mask)),
                *(old.eq(Mux(is_idle, side.value, new)) for old, new in zip(memory.write_values, values, strict=True)),
            ]

    def _chunked(self, lines) -> list:
        """Slices of P columns, the last one perhaps shorter."""
        return [lines[n * self.config.lanes:(n + 1) * self.config.lanes] for n in range(self.config.chunks)]
