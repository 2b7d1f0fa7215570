# SPDX-License-Identifier: Apache-2.0
"""The engine of managed vectors: noise, bound, update and BL management around the sequences; mirrors golden."""
from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from golden.config import MAX_BL, MAX_LEVEL, VECTOR, TileConfig
from golden.gain import MANTISSA_BITS
from golden.management import MAX_PASSES, ONE, NoiseManagement, UpdateManagement, inverse_lsb
from golden.protocol import Opcode, Status
from rtl.analog_port import Mode
from rtl.drive import ENGINE_LATENCY, Drive
from rtl.engine import Engine
from rtl.formats import delay, shape_of
from rtl.gain import GainUnit, Operation
from rtl.planner import MAX_BITS, Planner
from rtl.position import Position
from rtl.result_queue import ResultQueue
from rtl.scaler import LIMIT_BITS, Scaler

_MODES = {Opcode.FORWARD_VECTOR: Mode.FORWARD, Opcode.BACKWARD_VECTOR: Mode.BACKWARD, Opcode.UPDATE_VECTOR: Mode.UPDATE}
_COUNTERS = {Opcode.FORWARD_VECTOR: "forwards", Opcode.BACKWARD_VECTOR: "backwards", Opcode.UPDATE_VECTOR: "updates"}
_FETCH_LATENCY = 2
"""Cycles from a word's address to the word."""
_UNIT_IN, _UNIT_OUT = ("operation", "steps", "high", "low", "operand"), ("ready", "product", "quotient", "root")


class Manager(Component):
    """Makes codes and levels of vectors, has them played, and makes values of the outputs.

    Vectors are kept as they load, and their largest magnitudes with them. From `start` on:

        forward    gain of the codes; codes into the generator; a sequence, and meanwhile the gain of the values. While
                   an output saturates, up to `bm_passes`, codes again, one bit to the right. Then values as results
        backward   the same, but repeated only with `bm_backward`
        update     plan; gain of the rows; levels of the rows, and meanwhile the gain of the columns; levels of the
                   columns; a sequence. With nothing to do there is none

    ratio * max|x| is multiplied while d loads. Cycles from `start` to that of the sequence are at most `code_latency` +
    words, for an update `level_latency` + words, where 60 words a side hide that product and the gain of the columns
    (fewer columns hide less of the product, and more of it where their words come slowly); from one pass to the next
    `pass_latency` + words. The gain of the values takes at most `GainUnit.gain_latency`, from the first code on. An
    aborted update is resumed with the levels in place, anything else from its vector.

    Members: `control` from the controller, `drive` to the sequencer; registers `nm`, `bm_passes`, `bm_backward`, `um`,
    `bl`, `ratio`.
    """

    opcodes = tuple(_MODES)
    resumes = True
    settings = ("nm", "bm_passes", "bm_backward", "um", "bl", "ratio")
    pass_latency = _FETCH_LATENCY + Scaler.latency + 1
    code_latency = 1 + GainUnit.gain_latency + pass_latency
    level_latency = Planner.latency + GainUnit.gain_latency + 2 * pass_latency

    def __init__(self, config: TileConfig):
        self.config = config
        self.unit, self.planner = GainUnit(), Planner()
        self.scaler = Scaler(max(VECTOR.bits, config.output.bits))
        super().__init__({
            "control": In(Engine(config)), "drive": Out(Drive(config)),
            "nm": In(NoiseManagement), "bm_passes": In(range(MAX_PASSES + 1)), "bm_backward": In(1),
            "um": In(UpdateManagement), "bl": In(range(MAX_BL + 1)), "ratio": In(32),
        })

    def elaborate(self, platform):
        m = Module()
        control, drive, planner, scaler = self.control, self.drive, self.planner, self.scaler
        is_update, is_resumed, is_second = Signal(), Signal(), Signal()
        m.d.comb += [is_update.eq(control.opcode == Opcode.UPDATE_VECTOR), drive.mode.eq(Mode.FORWARD)]
        for opcode, mode in _MODES.items():
            with m.If(control.opcode == opcode):
                m.d.comb += drive.mode.eq(mode)
        largest, word = self._load(m, is_update)
        scale = self._scale(m, largest[0])
        inverse, inverse_shift = inverse_lsb(self.config)
        unit = self._share_unit(m)

        m.submodules.queue = queue = ResultQueue(LIMIT_BITS + 2, ENGINE_LATENCY + Scaler.latency + 5,
                                                  registered=True)
        mantissa, shift = Signal(MANTISSA_BITS, reset_less=True), Signal.like(unit.shift, reset_less=True)
        is_streaming, is_giving, is_streamed, rewind = Signal(), Signal(), Signal(), Signal()
        can_repeat = (drive.attempt + 1 < self.bm_passes) & ((drive.mode == Mode.FORWARD) | self.bm_backward)
        with m.FSM():
            with m.State("IDLE"):  # vectors load
                m.d.comb += rewind.eq(1)
                m.d.sync += [is_second.eq(0), drive.attempt.eq(0), is_resumed.eq(control.resume & is_update)]
                with m.If(control.start):
                    m.next = "SCALE"
                    with m.If(is_update):
                        m.d.comb += planner.start.eq(~control.resume)
                        m.next = "PLAN"
                        with m.If(control.resume):
                            m.next = "RUN"
            with m.State("SCALE"):  # what the largest code is divided by
                self._divide(m, Const(self.config.code.max), scale)
                m.next = "GAIN"
            with m.State("PLAN"):  # how many slots, and the largest levels
                with m.If(planner.done):
                    self._divide(m, planner.row, Mux(self.um == UpdateManagement.OFF, ONE, largest[0]))
                    m.next = "GAIN"
                    with m.If(planner.slots == 0):
                        m.next = "DONE"
            with m.State("GAIN"):  # for what streams now; the next one is divided meanwhile
                m.d.sync += [mantissa.eq(unit.mantissa), shift.eq(unit.shift)]
                with m.If(unit.ready):
                    with m.If(~is_update):
                        self._divide(m, scale, Const(inverse))
                    with m.Elif(~is_second):
                        self._divide(m, planner.col, Mux(self.um == UpdateManagement.OFF, ONE, largest[1]))
                    m.next = "STREAM"
            with m.State("STREAM"):  # codes or levels into the generators
                m.d.comb += is_streaming.eq(1)
                with m.If(is_streamed):
                    m.next = "RUN"
                    with m.If(is_update & ~is_second):
                        m.d.sync += is_second.eq(1)
                        m.next = "GAIN"
            with m.State("RUN"):
                m.d.comb += [drive.start.eq(1), rewind.eq(1)]
                m.next = "WAIT"
            with m.State("WAIT"):  # once more at half the codes where an output saturates
                with m.If(drive.done):
                    with m.If(drive.status != Status.OK):
                        m.d.comb += [control.done.eq(1), control.status.eq(drive.status)]
                        m.next = "IDLE"
                    with m.Elif(is_update):
                        m.next = "DONE"
                    with m.Elif(drive.saturated & can_repeat):
                        m.d.comb += control.retries.eq(1)
                        m.d.sync += [drive.attempt.eq(drive.attempt + 1), shift.eq(shift + 1)]
                        m.next = "STREAM"
                    with m.Else():
                        m.next = "VALUES"
            with m.State("VALUES"):  # each pass has doubled what an output stands for
                m.d.sync += [mantissa.eq(unit.mantissa), shift.eq(unit.shift - inverse_shift - drive.attempt)]
                with m.If(unit.ready):
                    m.next = "DONE"
            with m.State("DONE"):
                m.d.comb += [control.done.eq(1), control.status.eq(Status.OK), drive.next_event.eq(1)]
                for opcode, counter in _COUNTERS.items():
                    m.d.comb += getattr(control, counter).eq(control.opcode == opcode)
                m.next = "RESULT"
            with m.State("RESULT"):  # values, or the slots of an update
                m.d.comb += is_giving.eq(1)
                with m.If(control.result.valid & control.result.ready & (is_update | queue.o.payload[-1])):
                    m.next = "IDLE"

        m.d.comb += [
            drive.resume.eq(is_resumed), drive.levels.eq(1), drive.bl.eq(planner.slots),
            scaler.mantissa.eq(mantissa), scaler.shift.eq(shift),
        ]
        self._stream(m, word, queue, is_update, is_second, is_streaming, is_giving, is_streamed, rewind)
        return m

    def _load(self, m: Module, is_update):
        """Words into the memory; the largest magnitude of the (first) vector and of d, and the memory's read port."""
        control, planner = self.control, self.planner
        m.submodules.words = words = Memory(shape=shape_of(VECTOR), depth=self.config.rows + self.config.cols, init=[])
        write = words.write_port()
        largest = [Signal(MAX_BITS, name=f"largest_{n}", reset_less=True) for n in range(2)]
        value, magnitude = control.value[:VECTOR.bits].as_signed(), Signal(MAX_BITS, reset_less=True)
        is_written, is_second, is_first, is_begun = (Signal(reset_less=True) for _ in range(4))
        m.d.comb += [write.addr.eq(control.n), write.data.eq(value), write.en.eq(control.write)]
        m.d.sync += [
            magnitude.eq(Mux(value < 0, -value, value)), is_written.eq(control.write),
            is_second.eq(is_update & (control.n >= self.config.rows)), is_first.eq(control.n == 0),
            is_begun.eq(control.n == self.config.rows), planner.early.eq(is_written & is_second & is_begun),
        ]
        for most, is_this, is_new in zip(largest, (~is_second, is_second), (is_first, is_begun), strict=True):
            with m.If(is_written & is_this & (is_new | (magnitude > most))):
                m.d.sync += most.eq(magnitude)
        m.d.comb += [planner.x_max.eq(largest[0]), planner.d_max.eq(largest[1])]
        return largest, words.read_port()

    def _scale(self, m: Module, largest):
        """What the largest code stands for."""
        scale, below = Signal(MAX_BITS, reset_less=True), Signal(MAX_BITS, reset_less=True)
        m.d.sync += below.eq(Mux(largest.any(), largest - 1, 0))
        with m.Switch(self.nm):
            with m.Case(NoiseManagement.NONE):
                m.d.sync += scale.eq(ONE)
            with m.Case(NoiseManagement.ABS_MAX_POW2):
                m.d.sync += scale.eq(Cat(below[n:].any() for n in range(len(below))) + 1)
            with m.Default():
                m.d.sync += scale.eq(below + 1)
        return scale

    def _share_unit(self, m: Module) -> GainUnit:
        """The planner's, unless a gain is asked for."""
        unit, planner = self.unit, self.planner
        m.submodules.unit, m.submodules.planner = unit, planner
        m.d.comb += [
            unit.start.eq(planner.unit_start),
            *(getattr(unit, name).eq(getattr(planner, name)) for name in _UNIT_IN),
            *(getattr(planner, name).eq(getattr(unit, name)) for name in _UNIT_OUT),
            *(getattr(planner, name).eq(getattr(self, name)) for name in ("um", "bl", "ratio")),
        ]
        return unit

    def _divide(self, m: Module, numerator, denominator):
        """Begin a gain."""
        high, low = GainUnit.numerator(numerator)
        m.d.comb += [self.unit.start.eq(1), self.unit.operation.eq(Operation.GAIN), self.unit.high.eq(high),
                     self.unit.low.eq(low), self.unit.operand.eq(denominator)]

    def _stream(self, m: Module, word, queue, is_update, is_second, is_streaming, is_giving, is_streamed, rewind):
        """Words through the scaler into the generators, or outputs through it to the results."""
        config, control, drive = self.config, self.control, self.drive
        rows, cols = config.rows, config.cols
        m.submodules.place, m.submodules.scaler = place, scaler = Position(config), self.scaler

        at, last, is_sent, is_over = Signal(range(rows + cols)), Signal(range(rows + cols)), Signal(), Signal()
        n_in, n_out = (Mux(drive.mode == Mode.BACKWARD, *sides) for sides in ((cols, rows), (rows, cols)))
        is_last, is_fed = is_sent & (at == last), is_streaming & ~is_over
        m.d.sync += last.eq(Mux(is_giving, n_out, Mux(is_second, rows + cols, n_in)) - 1)
        m.d.comb += [is_sent.eq(is_fed | is_giving & ~is_update & ~is_over & queue.room),
                     word.addr.eq(at), drive.output_index.eq(at), queue.asked.eq(is_sent & is_giving)]
        with m.If(rewind | ~(is_streaming | is_giving)):
            m.d.sync += is_over.eq(0)
        with m.Elif(is_last):
            m.d.sync += is_over.eq(1)
        with m.If(rewind):
            m.d.sync += at.eq(0)
        with m.Elif(is_sent):
            m.d.sync += at.eq(at + 1)

        def late(valid, cycles: int):
            return delay(m, valid, cycles, reset=True)

        m.d.comb += [
            scaler.value.eq(Mux(is_giving, drive.output, delay(m, word.data, _FETCH_LATENCY - 1))),
            scaler.valid.eq(late(is_fed, _FETCH_LATENCY) | late(queue.asked, ENGINE_LATENCY)),
            scaler.last.eq(late(is_last & is_fed, _FETCH_LATENCY) | late(is_last & is_giving, ENGINE_LATENCY)),
        ]
        m.d.sync += scaler.limit.eq(Mux(is_giving, VECTOR.max, Mux(is_update, MAX_LEVEL, config.code.max)))

        is_written = is_streaming & scaler.result_valid
        m.d.comb += [
            place.restart.eq(rewind), place.step.eq(is_written), place.split.eq(is_update),
            is_streamed.eq(is_written & scaler.result_last),
            drive.width_write.eq(is_written & ~is_update), drive.width_index.eq(place.n),
            drive.width_code.eq(scaler.result),
            drive.train_write.eq(is_written & is_update), drive.train_chunk.eq(place.chunk),
            drive.train_lane.eq(place.lane), drive.train_value.eq(scaler.result),
            queue.push.eq(is_giving & scaler.result_valid), queue.value.eq(Cat(scaler.result, scaler.result_last)),
            control.result.valid.eq(is_giving & (is_update | queue.o.valid)),
            queue.o.ready.eq(is_giving & ~is_update & control.result.ready),
            control.result.payload.eq(Mux(is_update, self.planner.slots, queue.o.payload[:-1].as_signed())),
        ]
