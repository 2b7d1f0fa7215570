# SPDX-License-Identifier: Apache-2.0
"""The engine of the programming commands; mirrors golden."""
from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import data
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from golden.config import ALL, MAX_READS_LOG2, TileConfig
from golden.programmer import ERROR, Outcome, window_slots
from golden.protocol import PROGRAMMING, Status
from golden.registers import register_map
from rtl.analog_port import Mode
from rtl.drive import Drive
from rtl.engine import Engine
from rtl.formats import saturate, shape_of


class Programmer(Component):
    """PROGRAM, SENSE, VERIFY, SYMMETRIZE and CALIBRATE: sequences of reads and of windows of pulses.

    Between two sequences: max(R, C) cycles to load the pulse-width generator where it must change, N + 1 cycles to
    add up a read, 4 cycles a column to judge a row. All columns share one multiplier and one subtractor.
    An abort ends it behind the window that runs, or in the midst of a read; it cannot be resumed.

    Members: `control` from the controller, `drive` to the sequencer, registers `settings`.
    """

    resumes = False
    settings = ("verify_tolerance", "verify_reads", "verify_limit", "verify_pulses", "verify_gain", "verify_patience")
    opcodes = PROGRAMMING

    def __init__(self, config: TileConfig):
        self.config = config
        registers = register_map(config)
        self.judge = _Judge(config)
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
        row, col = Signal(signed(32)), Signal(signed(32))
        is_reading = Signal()  # the present sequence is a read, not a window
        line, left = Signal(range(n_lines + 1)), Signal(17)
        reads_log2 = Mux(is_verify, self.verify_reads, control.argument[:4])
        reads, windows = Signal(MAX_READS_LOG2 + 1), Signal(8)
        slots, is_down = Signal(range(window_slots(config) + 1)), Signal()
        n_results = Mux(is_calibrate, n_lines, config.cols)

        # the payload waits where it means nothing before the start
        m.d.comb += [target_write.en.eq(control.write & is_verify), target_write.addr.eq(control.n),
                     target_write.data.eq(control.value)]
        with m.If(control.write & (control.n == 0)):
            m.d.sync += row.eq(control.value)
        with m.If(control.write & (control.n == 1)):
            m.d.sync += col.eq(control.value)

        # one sequence
        m.d.comb += [
            drive.mode.eq(Mux(is_reading, Mux(is_calibrate, Mode.REFERENCE, Mode.FORWARD), Mode.PROGRAM)),
            drive.reference.eq(control.index[:2] - 1), drive.bl.eq(slots), drive.raw.eq(1),
            drive.row_all.eq((is_program | is_symmetrize) & (row == ALL)),
            drive.row_index.eq(Mux(is_program | is_symmetrize, row, control.index)),
            drive.output_index.eq(line), read.addr.eq(line), target.addr.eq(line), write.addr.eq(line),
            judge.target.eq(target.data), judge.sum.eq(read.data), judge.reads_log2.eq(reads_log2),
            judge.is_first.eq(windows == 0), judge.is_final.eq(windows == self.verify_limit),
            judge.line.eq(line),
            *(getattr(judge, name).eq(getattr(self, f"verify_{name}"))
              for name in ("tolerance", "pulses", "gain", "patience")),
        ]
        most = Const(window_slots(config), slots.shape())
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
                            m.next = "FETCH"
            with m.State("FETCH"):  # add up a read: the sum of a line
                m.next = "ADD"
            with m.State("ADD"):
                m.d.comb += [write.en.eq(1), write.data.eq(Mux(reads == 0, 0, read.data) + drive.output)]
                m.d.sync += line.eq(line + 1)
                m.next = "FETCH"
                with m.If(line == n_results - 1):
                    m.d.sync += [line.eq(0), reads.eq(reads + 1)]
                    m.next = "READ-AGAIN"
            with m.State("READ-AGAIN"):
                m.next = "START"
                with m.If(reads == 1 << reads_log2):
                    m.d.sync += reads.eq(0)
                    m.next = "DONE"
                    with m.If(is_verify):
                        m.next = "JUDGE-FETCH"
            with m.State("JUDGE-FETCH"):  # the sum and the target of a column
                m.next = "JUDGE-ERROR"
            with m.State("JUDGE-ERROR"):  # their difference
                m.next = "JUDGE-PULSES"
            with m.State("JUDGE-PULSES"):  # how many pulses it wants
                m.next = "JUDGE"
            with m.State("JUDGE"):  # load them, remember what is known of the column
                m.d.comb += [judge.write.eq(1), drive.width_write.eq(1), drive.width_index.eq(line),
                             drive.width_code.eq(judge.code)]
                m.d.sync += [line.eq(line + 1), slots.eq(Mux((line == 0) | (judge.slots > slots), judge.slots, slots))]
                m.next = "JUDGE-FETCH"
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
                    m.next = "RESULT-FETCH"
            with m.State("RESULT-FETCH"):
                m.next = "RESULT"
            with m.State("RESULT"):  # a word of the response
                m.d.comb += [control.result.valid.eq(1),
                             control.result.payload.eq(Mux(is_verify, judge.result, read.data))]
                with m.If(control.result.ready):
                    m.d.sync += line.eq(line + 1)
                    m.next = "RESULT-FETCH"
                    with m.If(line == n_results - 1):
                        m.next = "IDLE"
        return m


class _Judge(Component):
    """What write-verify decides about a column, three cycles behind its line, sum and target.

    Members: `line`, and one cycle later its `sum` and `target`; `is_first` and `is_final` read of the row, the
    settings in; `code` and `slots` of its pulses, 0 where it wants none, `result` out. `write` keeps its state.
    """

    def __init__(self, config: TileConfig):
        self.config = config
        registers = register_map(config)
        self.size_bits = config.adc.held.bits + MAX_READS_LOG2
        super().__init__({
            "line": In(range(config.cols)), "sum": In(signed(config.adc.bits + MAX_READS_LOG2)),
            "target": In(shape_of(config.adc.held)), "reads_log2": In(4), "is_first": In(1), "is_final": In(1),
            **{name: In(registers[f"verify_{name}"].bits) for name in ("tolerance", "pulses", "gain", "patience")},
            "write": In(1), "code": Out(shape_of(config.code)), "slots": Out(range(window_slots(config) + 1)),
            "result": Out(32),
        })

    def elaborate(self, platform):
        m = Module()
        config = self.config
        state = data.StructLayout({
            "is_open": 1, "is_up": 1, "outcome": 2, "passes": 8, "streak": 8, "start": self.size_bits,
            "error": shape_of(ERROR)})
        m.submodules.states = states = Memory(shape=state, depth=config.cols, init=[])
        write, read = states.write_port(), states.read_port()
        m.d.comb += [read.addr.eq(self.line), write.addr.eq(self.line), write.en.eq(self.write)]
        old, new = read.data, write.data
        m.d.comb += self.result.eq(Cat(old.outcome, Const(0, 6), old.passes, old.error))

        # the error, times the number of reads
        difference = Signal(signed(self.size_bits + 1))
        m.d.sync += difference.eq((self.target << self.reads_log2) - (self.sum << config.adc.held.frac))
        error = difference >> self.reads_log2
        is_up, size, tolerance = difference > 0, Signal(self.size_bits), self.tolerance << self.reads_log2
        m.d.comb += size.eq(Mux(is_up, difference, -difference))

        # pulses for it
        of_a_read = Signal(config.adc.held.bits)
        product = Signal(len(of_a_read) + len(self.gain))
        m.d.comb += of_a_read.eq(size >> self.reads_log2)
        m.d.sync += product.eq(of_a_read * self.gain)
        most = Mux(self.pulses > window_slots(config), window_slots(config), self.pulses)
        pulses, wanted = Signal.like(self.slots), product >> 16
        m.d.comb += pulses.eq(Mux(wanted > most, most, Mux(wanted == 0, 1, wanted)))

        is_open, goes_on, is_stuck, stays_open = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            is_open.eq((self.is_first | old.is_open) & (size > tolerance)),
            goes_on.eq(~self.is_first & (old.is_up == is_up) & (size + tolerance >= old.start)),
            is_stuck.eq(is_open & goes_on & (old.streak == self.patience)),
            stays_open.eq(is_open & ~is_stuck),
            new.is_open.eq(stays_open), new.is_up.eq(is_up),
            new.start.eq(Mux(goes_on, old.start, size)), new.streak.eq(Mux(goes_on, old.streak + 1, 1)),
            new.passes.eq(Mux(self.is_first, 0, old.passes) + (stays_open & ~self.is_final)),
            new.error.eq(Mux(self.is_first | old.is_open, saturate(error, ERROR), old.error)),
            new.outcome.eq(Mux(is_stuck, Outcome.STUCK, Mux(stays_open, Outcome.LIMIT, Mux(
                self.is_first | (old.outcome == Outcome.LIMIT), Outcome.CONVERGED, old.outcome)))),
        ]
        with m.If(stays_open):
            m.d.comb += [self.slots.eq(pulses), self.code.eq(Mux(is_up, -pulses, pulses))]
        return m
