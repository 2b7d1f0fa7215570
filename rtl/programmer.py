# SPDX-License-Identifier: Apache-2.0
"""The engine of the programming commands; mirrors golden."""
from amaranth.hdl import Const, Module, Mux, Signal, signed
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from golden.config import ALL, MAX_READS_LOG2, TileConfig
from golden.programmer import window_slots
from golden.protocol import PROGRAMMING, Status
from golden.registers import register_map
from rtl.analog_port import Mode
from rtl.drive import ENGINE_LATENCY, Drive
from rtl.engine import Engine
from rtl.formats import delay, shape_of
from rtl.judge import Judge


class Programmer(Component):
    """PROGRAM, SENSE, VERIFY, SYMMETRIZE and CALIBRATE: sequences of reads and of windows of pulses.

    Between two sequences: max(R, C) cycles to load the pulse-width generator where it must change, N + 6 cycles to
    add up a read, `Judge.latency` + 1 cycles a column to judge a row. All columns share one multiplier.
    An abort ends it behind the window that runs, or in the midst of a read; it cannot be resumed.

    Members: `control` from the controller, `drive` to the sequencer, registers `settings`.
    """

    resumes = False
    settings = ("verify_tolerance", "verify_reads", "verify_limit", "verify_pulses", "verify_gain", "verify_patience")
    opcodes = PROGRAMMING

    def __init__(self, config: TileConfig):
        self.config = config
        registers = register_map(config)
        self.judge = Judge(config)
        super().__init__({
            "control": In(Engine(config)), "drive": Out(Drive(config)),
            **{name: In(registers[name].bits) for name in self.settings},
        })

    def elaborate(self, platform):
        m = Module()
        config, control, drive = self.config, self.control, self.drive
        m.submodules.judge = judge = self.judge
        n_lines = config.n_converters
        sum_shape = signed(config.adc.bits + MAX_READS_LOG2)
        m.submodules.sums = sums = Memory(shape=sum_shape, depth=n_lines, init=[])
        write, read = sums.write_port(), sums.read_port()
        m.submodules.targets = targets = Memory(shape=shape_of(config.adc.held), depth=config.cols, init=[])
        target_write, target = targets.write_port(), targets.read_port()

        is_program, is_sense, is_verify, is_symmetrize, is_calibrate = (
            control.opcode == opcode for opcode in self.opcodes)
        row, col = Signal(signed(config.rows.bit_length() + 1)), Signal(signed(config.cols.bit_length() + 1))
        is_reading = Signal()  # the present sequence is a read, not a window
        line, left = Signal(range(n_lines + 1)), Signal(17)
        reads_log2 = Mux(is_verify, self.verify_reads, control.argument[:4])
        reads, windows = Signal(MAX_READS_LOG2 + 1), Signal(8)
        slots, is_down = Signal(range(window_slots(config) + 1)), Signal()
        last_result, waited = Signal(range(n_lines)), Signal(range(Judge.latency + 1))
        m.d.sync += [last_result.eq(Mux(is_calibrate, n_lines, config.cols) - 1), waited.eq(0)]

        # the payload waits where it means nothing before the start
        m.d.comb += [target_write.en.eq(control.write & is_verify), target_write.addr.eq(control.n),
                     target_write.data.eq(control.value)]
        with m.If(control.write & (control.n == 0)):
            m.d.sync += row.eq(control.value)
        with m.If(control.write & (control.n == 1)):
            m.d.sync += col.eq(control.value)

        found = delay(m, read.data, 1)

        # one sequence
        m.d.comb += [
            drive.mode.eq(Mux(is_reading, Mux(is_calibrate, Mode.REFERENCE, Mode.FORWARD), Mode.PROGRAM)),
            drive.reference.eq(control.index[:2] - 1), drive.bl.eq(slots), drive.raw.eq(1),
            drive.row_all.eq((is_program | is_symmetrize) & (row == ALL)),
            drive.row_index.eq(Mux(is_program | is_symmetrize, row, control.index)),
            drive.output_index.eq(line), target.addr.eq(line), read.addr.eq(delay(m, line, ENGINE_LATENCY - 2)),
            judge.target.eq(delay(m, target.data, 1)), judge.sum.eq(found), judge.reads_log2.eq(reads_log2),
            judge.is_first.eq(windows == 0), judge.is_final.eq(windows == self.verify_limit),
            judge.line.eq(line),
            *(getattr(judge, name).eq(getattr(self, f"verify_{name}"))
              for name in ("tolerance", "pulses", "gain", "patience")),
        ]
        most = Const(window_slots(config), slots.shape())

        # a read is added up line by line, as its outputs come
        is_adding, total = Signal(), Signal(sum_shape, reset_less=True)
        m.d.sync += total.eq(Mux(reads == 0, 0, found) + drive.output)
        m.d.comb += [write.addr.eq(delay(m, line, ENGINE_LATENCY + 1)), write.data.eq(total),
                     write.en.eq(delay(m, is_adding, ENGINE_LATENCY + 1, reset=True))]
        with m.FSM():
            with m.State("IDLE"):  # no command
                m.d.sync += line.eq(0)
                with m.If(control.start):
                    m.d.sync += [
                        reads.eq(0), windows.eq(0), is_reading.eq(~(is_program | is_symmetrize)),
                        left.eq(Mux(is_symmetrize, control.index << 1, control.index)),
                        is_down.eq(is_program & control.argument[0]),
                    ]
                    m.next = "PREPARE"
            with m.State("PREPARE"):  # how long the window is
                m.d.sync += slots.eq(Mux(is_symmetrize, 1, Mux(left > most, most, left)))
                m.next = "LOAD"
                with m.If(is_calibrate):
                    m.next = "START"
            with m.State("LOAD"):  # the rows of a read, or the columns of a window
                m.d.comb += [drive.width_write.eq(1), drive.width_index.eq(line)]
                with m.If(is_reading):
                    m.d.comb += drive.width_code.eq(Mux(line == control.index, config.code.max, 0))
                with m.Else():
                    code = Mux(is_down, slots, -slots)
                    m.d.comb += drive.width_code.eq(Mux((line == col) | (col == ALL), code, 0))
                m.d.sync += line.eq(line + 1)
                with m.If(line == Mux(is_reading, config.rows, config.cols) - 1):
                    m.d.sync += line.eq(0)
                    m.next = "START"
            with m.State("START"):  # a sequence, unless an abort came between two of them
                m.d.comb += drive.start.eq(~drive.abort)
                m.next = "RUN"
                with m.If(drive.abort):
                    m.d.comb += [control.done.eq(1), control.status.eq(Status.ABORTED)]
                    m.next = "IDLE"
            with m.State("RUN"):  # a sequence on the array
                with m.If(drive.done):
                    with m.If(drive.status != Status.OK):
                        m.d.comb += [control.done.eq(1), control.status.eq(drive.status)]
                        m.next = "IDLE"
                    with m.Else():
                        m.d.comb += [drive.next_event.eq(1), control.forwards.eq(is_reading & ~is_calibrate),
                                     control.programs.eq(~is_reading)]
                        m.next = "COUNT"
                        with m.If(is_reading):
                            m.next = "ADD"
            with m.State("ADD"):  # add up a read, a line a cycle
                m.d.comb += is_adding.eq(1)
                m.d.sync += line.eq(line + 1)
                with m.If(line == last_result):
                    m.d.sync += line.eq(0)
                    m.next = "ADDED"
            with m.State("ADDED"):  # until the last sum is stored
                m.d.sync += waited.eq(waited + 1)
                with m.If(waited == ENGINE_LATENCY):
                    m.d.sync += reads.eq(reads + 1)
                    m.next = "READ-AGAIN"
            with m.State("READ-AGAIN"):
                m.next = "START"
                with m.If(reads == 1 << reads_log2):
                    m.d.sync += reads.eq(0)
                    m.next = "DONE"
                    with m.If(is_verify):
                        m.next = "JUDGE-WAIT"
            with m.State("JUDGE-WAIT"):  # error and pulses of a column
                m.d.sync += waited.eq(waited + 1)
                with m.If(waited == Judge.latency - 1):
                    m.next = "JUDGE"
            with m.State("JUDGE"):  # load them, remember what is known of the column
                m.d.comb += [judge.write.eq(1), drive.width_write.eq(1), drive.width_index.eq(line),
                             drive.width_code.eq(judge.code)]
                m.d.sync += [line.eq(line + 1), slots.eq(Mux((line == 0) | (judge.slots > slots), judge.slots, slots))]
                m.next = "JUDGE-WAIT"
                with m.If(line == config.cols - 1):
                    m.d.sync += line.eq(0)
                    m.next = "DECIDE"
            with m.State("DECIDE"):  # no column wants any: all is decided
                m.next = "DONE"
                with m.If((slots != 0) & (windows != self.verify_limit)):
                    m.d.sync += [is_reading.eq(0), windows.eq(windows + 1)]
                    m.next = "START"
            with m.State("COUNT"):  # a window is over
                m.d.sync += [left.eq(left - slots), is_down.eq(is_down ^ is_symmetrize), is_reading.eq(is_verify)]
                m.next = "PREPARE"
                with m.If(~is_verify & (left == slots)):
                    m.next = "DONE"
            with m.State("DONE"):
                m.d.comb += control.done.eq(1)
                m.next = "IDLE"
                with m.If(is_sense | is_verify | is_calibrate):
                    m.next = "RESULT-WAIT"
            with m.State("RESULT-WAIT"):
                m.d.sync += waited.eq(waited + 1)
                with m.If(waited == ENGINE_LATENCY - 1):
                    m.next = "RESULT"
            with m.State("RESULT"):  # a word of the response
                m.d.comb += [control.result.valid.eq(1),
                             control.result.payload.eq(Mux(is_verify, judge.result, found))]
                with m.If(control.result.ready):
                    m.d.sync += line.eq(line + 1)
                    m.next = "RESULT-WAIT"
                    with m.If(line == last_result):
                        m.next = "IDLE"
        return m
