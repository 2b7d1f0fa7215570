# SPDX-License-Identifier: Apache-2.0
"""Managed vectors: noise, bound, update and BL management around an operation; mirrors golden."""
from amaranth.hdl import Cat, Const, EnableInserter, Module, Mux, Signal
from amaranth.lib import stream
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from golden.config import MAX_BL, MAX_LEVEL, VECTOR, TileConfig
from golden.gain import MANTISSA_BITS
from golden.management import MAX_PASSES, ONE, NoiseManagement, UpdateManagement, inverse_lsb
from rtl.analog_port import Mode
from rtl.formats import delay, shape_of
from rtl.gain import GainUnit, Operation
from rtl.planner import MAX_BITS, Planner
from rtl.position import Position
from rtl.scaler import Scaler

_UNIT_IN = ("operation", "steps", "high", "low", "operand")
_UNIT_OUT = ("ready", "product", "quotient", "root")


class Manager(Component):
    """Makes codes and levels of vectors, has the operation done, and makes values of its outputs.

    A vector is kept as it loads, and its largest magnitude with it. From `start` on:

        forward    the gain of the codes, codes into the generator, run; while that runs, the gain of the values. With a
                   saturated conversion once more, one bit to the right, up to `bm_passes`; then values into `o`
        backward   the same; bound management only with `bm_backward`
        update     plan of slots and levels, the gain of the rows, levels of the rows and meanwhile the gain of the
                   columns, levels of the columns, run. With nothing to do there is no run, and `slots` is 0

    ratio * max|x| is multiplied while d loads. Cycles that stay between `start` and the (first) run, for N codes or
    R + C levels: at most `code_latency` + N and `level_latency` + R + C (and what that product still takes, where C is
    below 24); another `pass_latency` + N between runs; nothing else but the values, a cycle a word, behind the last run.

    Members: `mode` stands from the first `load` (of word `index`, `value`) to the end; registers `nm`, `bm_passes`,
    `bm_backward`, `um`, `bl`, `ratio`; `start` in; `done` strobes when the operation is over and values may be taken
    from `o`; `slots` of an update. `retry` strobes with every pass but the first. Towards the sequencer: `run`,
    `attempt` and the generators' load ports out; `ran`, `saturated` with it, and `output` number `output_index` in.
    """

    code_latency = GainUnit.gain_latency + 1 + Scaler.latency + 4
    level_latency = Planner.latency + code_latency + Scaler.latency + 3
    pass_latency = Scaler.latency + 2

    def __init__(self, config: TileConfig, output_bits: int):
        self.config = config
        self.unit, self.planner = GainUnit(), Planner()
        self.scaler = Scaler(max(VECTOR.bits, output_bits))
        words = config.rows + config.cols
        super().__init__({
            "mode": In(Mode), "load": In(1), "index": In(range(words)), "value": In(shape_of(VECTOR)),
            "nm": In(NoiseManagement), "bm_passes": In(range(MAX_PASSES + 1)), "bm_backward": In(1),
            "um": In(UpdateManagement), "bl": In(range(MAX_BL + 1)), "ratio": In(32),
            "start": In(1), "done": Out(1), "retry": Out(1), "slots": Out(range(MAX_BL + 1)),
            "o": Out(stream.Signature(shape_of(VECTOR))),
            "run": Out(1), "attempt": Out(range(MAX_PASSES)), "ran": In(1), "saturated": In(1),
            "output_index": Out(range(config.n_converters)), "output": In(output_bits),
            "width_write": Out(1), "width_index": Out(range(config.n_converters)),
            "width_code": Out(shape_of(config.code)),
            "train_write": Out(1), "train_chunk": Out(range(config.chunks)), "train_lane": Out(range(config.lanes)),
            "train_level": Out(18),
        })

    def elaborate(self, platform):
        m = Module()
        unit, planner, scaler = self.unit, self.planner, self.scaler
        m.submodules.unit, m.submodules.planner = unit, planner
        m.submodules.place = place = Position(self.config)

        is_update, is_forward = self.mode == Mode.UPDATE, self.mode == Mode.FORWARD
        x_max, d_max = Signal(MAX_BITS, reset_less=True), Signal(MAX_BITS, reset_less=True)
        read = self._load(m, x_max, d_max, is_update)
        scale = self._scale(m, x_max)
        inverse, inverse_shift = inverse_lsb(self.config)

        mantissa, shift = Signal(MANTISSA_BITS, reset_less=True), Signal.like(unit.shift, reset_less=True)
        is_second, at, end = Signal(), Signal(range(len_of(self.config) + 1)), Signal(range(len_of(self.config) + 1))
        is_streaming, is_result, is_written, is_first_run = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            unit.start.eq(planner.unit_start),
            *(getattr(unit, name).eq(getattr(planner, name)) for name in _UNIT_IN),
            *(getattr(planner, name).eq(getattr(unit, name)) for name in _UNIT_OUT),
        ]
        with m.FSM():
            with m.State("IDLE"):  # vectors load
                m.d.sync += [is_second.eq(0), self.attempt.eq(0), at.eq(0)]
                m.d.comb += place.restart.eq(1)
                with m.If(self.start):
                    m.next = "SCALE"
                    with m.If(is_update):
                        m.d.comb += planner.start.eq(1)
                        m.next = "PLAN"
            with m.State("SCALE"):  # how much of the vector the largest code is
                self._gain(m, Const(self.config.code.max), scale)
                m.next = "GAIN"
            with m.State("PLAN"):  # slots, and what the largest of rows and columns become
                with m.If(planner.done):
                    self._gain(m, planner.row, Mux(self.um == UpdateManagement.OFF, ONE, x_max))
                    m.next = "GAIN"
                    with m.If(planner.slots == 0):
                        m.next = "DONE"
            with m.State("GAIN"):  # of what streams next; the one after it is divided meanwhile
                m.d.sync += [mantissa.eq(unit.mantissa), shift.eq(unit.shift)]
                with m.If(unit.ready):
                    with m.If(~is_update):
                        self._gain(m, scale, Const(inverse))
                    with m.Elif(~is_second):
                        self._gain(m, planner.col, Mux(self.um == UpdateManagement.OFF, ONE, d_max))
                    m.next = "STREAM"
            with m.State("STREAM"):  # codes or levels into the generators
                m.d.comb += is_streaming.eq(1)
                with m.If(is_written):
                    m.next = "RUN"
                    with m.If(is_update & ~is_second):
                        m.d.sync += is_second.eq(1)
                        m.next = "GAIN"
            with m.State("RUN"):
                m.d.comb += [self.run.eq(1), place.restart.eq(1)]
                m.d.sync += at.eq(0)
                m.next = "WAIT"
            with m.State("WAIT"):  # with saturated outputs once more, at half the codes
                can_repeat = (self.attempt + 1 < self.bm_passes) & (is_forward | self.bm_backward)
                with m.If(self.ran):
                    m.next = "DONE"
                    with m.If(~is_update):
                        m.next = "VALUES"
                        with m.If(self.saturated & can_repeat):
                            m.d.comb += self.retry.eq(1)
                            m.d.sync += [self.attempt.eq(self.attempt + 1), shift.eq(shift + 1)]
                            m.next = "STREAM"
            with m.State("VALUES"):  # every pass has doubled what an output stands for
                m.d.sync += [mantissa.eq(unit.mantissa), shift.eq(unit.shift - inverse_shift - self.attempt)]
                with m.If(unit.ready):
                    m.next = "DONE"
            with m.State("DONE"):
                m.d.comb += self.done.eq(1)
                m.next = "IDLE"
                with m.If(~is_update):
                    m.next = "RESULT"
            with m.State("RESULT"):  # values out
                m.d.comb += is_result.eq(1)
                with m.If(self.o.valid & self.o.ready & scaler.result_last):
                    m.next = "IDLE"

        self._stream(m, at, end, read, is_streaming, is_result, is_written)
