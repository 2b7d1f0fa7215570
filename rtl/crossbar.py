# SPDX-License-Identifier: Apache-2.0
"""The emulated array behind the analog port; mirrors golden."""
from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib.wiring import Component, In, Out

from golden.config import MAX_BL, TileConfig
from rtl.adc_cells import AdcCells
from rtl.adc_pins import adc_pins, join
from rtl.analog_port import AnalogPort, Mode
from rtl.array_core import STEPPING, ArrayCore
from rtl.formats import delay
from rtl.planes import SideBand, read_lane
from rtl.recorder import LineRecorder
from rtl.scan import Scanner


class CrossbarEmulator(Component):
    """R x C devices and the analog side of their converters, at P cross-points a cycle.

    It listens while the window is open and computes when it has closed, `busy` meanwhile:

        lines -> LineRecorder -> Scanner -> ArrayCore -> AdcCells

    Forward visits the active rows of each column chunk, backward the active chunks of each row, update the
    pulsed (row, chunk) pairs slot by slot. Cycles of `busy`, with K = ceil(C / P), at most:

        forward     max(active rows, 1) * K + `multiply_constant`
        backward    R * max(active chunks, 1) + `multiply_constant`
        update      slots on rows * K + `slot_constant` * BL + `update_constant`

    Charges are exact: nothing is rounded before the converter.

    Members: `port` the far side of the pins; `side` for planes, seed and event; `coincidences` of each cycle.
    """

    def __init__(self, config: TileConfig):
        self.config, self.core = config, ArrayCore(config)
        self.cells = AdcCells(config, self.core.noise_latency)
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
    def multiply_constant(self) -> int:
        return self.core.sampler.fill_latency + self.core.multiply_drain + self.cells.settle_cycles + 4

    @property
    def slot_constant(self) -> int:
        return max(2, self.core.updater.wait) if self.core.updater else 0

    @property
    def update_constant(self) -> int:
        return self.core.update_drain + 4

    def elaborate(self, platform):
        m = Module()
        config, port, core, cells = self.config, self.port, self.core, self.cells
        m.submodules.recorder = recorder = LineRecorder(config)
        m.submodules.scanner = scanner = Scanner(config.rows, config.chunks)
        m.submodules.core, m.submodules.cells = core, cells

        slot = Signal(range(MAX_BL + 1))
        self._control(m, recorder, scanner, slot)
        self._masks(m, recorder, scanner)
        self._factors(m, recorder, scanner)
        self._coincidences(m, recorder, scanner)
        join(m, adc_pins(config), port, cells)
        m.d.comb += [
            core.mode.eq(port.mode), core.reference.eq(port.reference),
            core.place.eq(scanner.row * config.chunks + scanner.chunk), core.row.eq(scanner.row),
            core.chunk.eq(scanner.chunk), core.slot.eq(slot),
            core.last.eq(scanner.inner_last), self.coincidences.eq(core.coincidences),
            cells.active.eq(port.mode != Mode.IDLE), cells.is_held.eq(core.is_held),
            cells.held_chunk.eq(core.held_chunk), core.asks.eq(cells.asks), core.ask_chunk.eq(cells.ask_chunk),
            core.ask_slot.eq(cells.ask_slot),
            *(getattr(recorder.port, name).eq(getattr(port, name)) for name in
              ("mode", "integrate", "slot", "row_pulse", "row_negative", "col_pulse", "col_negative", "weighted")),
        ]
        for name, source in (("held", core), ("xi", core), ("phase", core)):
            m.d.comb += [new.eq(old) for new, old in
                         zip(getattr(cells, name), getattr(source, name), strict=True)]
        self._side_band(m)
        return m

    def _control(self, m: Module, recorder, scanner, slot):
        """Listen, then compute."""
        port, core = self.port, self.core
        is_update, drained = Value.cast(port.mode).matches(*STEPPING), Signal(
            range(max(core.update_drain, core.multiply_drain) + 1))
        m.d.comb += [recorder.address.eq(slot), port.busy.eq(1)]
        with m.FSM():
            with m.State("IDLE"):  # planes may be loaded
                m.d.comb += [core.idle.eq(1), port.busy.eq(self.cells.busy)]
                with m.If(port.integrate):
                    m.d.comb += [recorder.clear.eq(1), core.open.eq(1), core.prefill.eq(~is_update)]
                    m.next = "RECORD"
            with m.State("RECORD"):  # the window is open
                m.d.comb += port.busy.eq(0)
                m.d.sync += [slot.eq(0), drained.eq(0)]
                with m.If(~port.integrate):
                    m.next = "PREPARE"
                    with m.If(is_update):
                        m.next = "FETCH"
            with m.State("PREPARE"):  # wait for offsets and noise of the converters
                with m.If(core.ready):
                    m.d.comb += scanner.load.eq(1)
                    m.next = "MULTIPLY"
            with m.State("MULTIPLY"):  # a chunk of cross-points a cycle into the accumulators
                m.d.comb += [core.multiply.eq(1), scanner.step.eq(1)]
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
                m.d.comb += [core.coincide.eq(1), scanner.step.eq(~core.blocked)]
                with m.If(scanner.step & scanner.last):
                    m.d.sync += slot.eq(slot + 1)
                    m.next = "FETCH"
            with m.State("DRAIN"):  # let the pipelines run empty
                m.d.sync += drained.eq(drained + 1)
                with m.If(drained == Mux(is_update, core.update_drain, core.multiply_drain)):
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
            with m.Case(*STEPPING):
                m.d.comb += [scanner.rows.eq(recorder.row_bits), scanner.chunks.eq(pulsed_chunks)]

    def _factors(self, m: Module, recorder, scanner):
        """Widths of the visited row for all lanes, or of the chunk's columns."""
        config, core = self.config, self.core
        m.d.comb += core.forward.eq(Value.cast(self.port.mode).matches(*self._by_column))
        planes = (*recorder.planes, recorder.negative)
        row = Cat(plane.bit_select(scanner.row, 1) for plane in planes)
        columns = [Signal(config.lanes, name=f"columns_{bit}") for bit in range(len(planes))]
        with m.Switch(scanner.chunk):
            for chunk, slices in enumerate(zip(*(self._chunked(plane[:config.cols]) for plane in planes), strict=True)):
                with m.Case(chunk):
                    m.d.comb += [column.eq(lines) for column, lines in zip(columns, slices, strict=True)]
        for lane, factor in enumerate(core.factors):
            code = Signal(len(planes), name=f"code_{lane}")
            late = delay(m, code, core.factor_latency)
            m.d.comb += [code.eq(Mux(core.forward, row, Cat(column[lane] for column in columns))),
                         factor.eq(Mux(late[-1], -late[:-1], late[:-1]))]

    def _coincidences(self, m: Module, recorder, scanner):
        """Where the visited row's pulse meets those of the chunk's columns."""
        core, row_negative = self.core, Signal()
        mask, up = Signal.like(core.mask), Signal.like(core.up)
        m.d.comb += row_negative.eq(recorder.row_negative.bit_select(scanner.row, 1))
        with m.Switch(scanner.chunk):
            for n, (pulses, negative) in enumerate(zip(self._chunked(recorder.col_bits),
                                                       self._chunked(recorder.col_negative), strict=True)):
                with m.Case(n):
                    m.d.comb += [mask.eq(pulses), up.eq(negative ^ row_negative.replicate(self.config.lanes))]
        if core.updater:
            entry, late = core.updater.entry, core.updater.lanes_latency
            m.d.comb += [core.mask.eq(delay(m, delay(m, mask, entry, when=~core.blocked), late)),
                         core.up.eq(delay(m, delay(m, up, entry, when=~core.blocked), late))]

    def _side_band(self, m: Module):
        """Planes of the cross-points are in the core, those of the converters' cells here."""
        side, core, cells = self.side, self.core, self.cells
        own = {name: getattr(core.side, name) for name in SideBand(self.config).members if name != "read"}
        m.d.comb += [
            *(inner.eq(getattr(side, name)) for name, inner in own.items()), side.read.eq(core.side.read),
            cells.address.eq(side.chunk), cells.dac_address.eq(side.row * cells.chunks + side.chunk),
            cells.value.eq(side.value),
            *(cells.side_write[plane.name].eq(Mux(side.plane == plane, (side.write & core.idle) << side.lane, 0))
              for plane in cells.memories),
        ]
        read = Signal.like(side.read)
        read_lane(m, side.plane, side.lane, read, {plane: memory.values for plane, memory in cells.memories.items()})
        with m.If(Cat(side.plane == plane for plane in cells.memories).any()):
            m.d.comb += side.read.eq(read)

    def _chunked(self, lines) -> list:
        """Slices of P columns, the last one perhaps shorter."""
        return [lines[n * self.config.lanes:(n + 1) * self.config.lanes] for n in range(self.config.chunks)]
