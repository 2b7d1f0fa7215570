# SPDX-License-Identifier: Apache-2.0
from amaranth.hdl import Assert, Assume, Cat, Cover, Module, Mux, Signal
from amaranth.lib.wiring import Component, In

from golden.protocol import Status
from golden.pulses import Encoding
from rtl.analog_port import Bias, Mode
from rtl.phases import MEASURED, TIMES
from rtl.sequencer import Sequencer
from sim.formal import BMC, Job
from tests.formal.configs import SMALL
from tests.formal.free import outputs_of, set_free

MOST_GUARD = 3
"""Guard times are proved up to here."""


class _PortHarness(Component):
    """The sequencer with registers that stand during a sequence, an array that may be busy as it likes, and pulse
    generators and converters that say anything.
    """

    def __init__(self, make=Sequencer):
        self.design = design = make(SMALL)
        self.parts = {"widths": design.widths, "trains": design.trains, "adc": design.adc}
        super().__init__({
            **{name: member for prefix, part in self.parts.items()
               for name, member in outputs_of(part, prefix).items()},
            "start": In(1), "mode": In(Mode), "bl": In(6), "resume": In(1), "busy": In(1), "abort": In(1),
            "watchdog": In(32), "encoding": In(Encoding), **{name: In(8) for name in TIMES},
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.design = design = self.design
        set_free(m, self, design.widths, "widths")
        set_free(m, self, design.trains, "trains")
        set_free(m, self, design.adc, "adc")
        self.port = port = design.port
        settings = (*TIMES, "watchdog", "encoding", "abort")
        m.d.comb += [
            *(getattr(design, name).eq(getattr(self, name)) for name in settings),
            *(getattr(design.drive, name).eq(getattr(self, name)) for name in ("start", "mode", "bl", "resume")),
            port.busy.eq(self.busy),
        ]
        self.is_running = Signal()
        with m.If(self.start):
            m.d.sync += self.is_running.eq(1)
        with m.Elif(design.drive.done):
            m.d.sync += self.is_running.eq(0)
        registers = Cat(getattr(self, name) for name in (*TIMES, "watchdog", "encoding"))
        standing = Cat(registers, self.bl, self.mode)
        registers_q, standing_q, has_stood = Signal.like(registers), Signal.like(standing), Signal()
        m.d.sync += [registers_q.eq(registers), standing_q.eq(standing), has_stood.eq(1)]
        is_mode = Cat(self.mode == mode for mode in Mode if mode != Mode.IDLE).any()
        m.d.comb += [
            Assume(~(self.is_running & self.start), "no start while a sequence runs"),
            Assume(is_mode, "a sequence has a mode"),
            Assume(~self.is_running | (standing == standing_q), "registers and wishes stand during a sequence"),
            Assume(~self.start | (has_stood & (registers == registers_q)), "registers stand before a start"),
            Assume(self.t_guard <= MOST_GUARD, f"t_guard is at most {MOST_GUARD}"),
            *(Assume(getattr(self, name) >= 1, f"{name} is at least 1")
              for name in ("t_settle", "t_slot", "t_hold", "t_convert")),
        ]
        self.lines, self.polarities = Cat(port.row_pulse, port.col_pulse), Cat(port.row_negative, port.col_negative)
        self.claim(m, design)
        return m


class LineProperties(_PortHarness):
    """Pulses and polarities: no line is ever driven both ways."""

    def claim(self, m: Module, design):
        port, lines, polarities = self.port, self.lines, self.polarities
        lines_q, polarities_q, was_slot = Signal.like(lines), Signal.like(polarities), Signal()
        has_changed, rested, rested_q = Signal(), Signal(range(MOST_GUARD + 1)), Signal(2, init=MOST_GUARD)
        m.d.sync += [
            lines_q.eq(lines), polarities_q.eq(polarities), was_slot.eq(port.slot),
            rested_q.eq(rested + (rested != MOST_GUARD)),
        ]
        m.d.comb += [has_changed.eq(polarities != polarities_q), rested.eq(Mux(has_changed, 0, rested_q))]
        mode = port.mode
        from_rows, from_cols = ((mode == side) | (mode == Mode.UPDATE) | (mode == Mode.PROGRAM)
                                for side in (Mode.FORWARD, Mode.BACKWARD))
        m.d.comb += [
            Assert(~has_changed | ~(lines.any() | lines_q.any()), "a polarity changes only while all lines are off"),
            Assert(~lines.any() | (rested >= self.t_guard), "lines rest for t_guard after a polarity changes"),
            Assert(~lines.any() | port.integrate, "lines are off outside a window"),
            Assert(~port.row_pulse.any() | from_rows, "rows are on only in FORWARD, UPDATE and PROGRAM"),
            Assert(~port.col_pulse.any() | from_cols, "columns are on only in BACKWARD, UPDATE and PROGRAM"),
            Assert((lines == lines_q) | was_slot | ~lines_q.any(), "pulses last to the end of their slot"),
            Assert((mode != Mode.PROGRAM) | ~(port.row_pulse & port.row_negative).any(),
                   "rows are positive in programming"),
            Cover(has_changed & (mode == Mode.UPDATE), "polarities change"),
            Cover(lines.any() & was_slot & lines_q.any() & (lines != lines_q), "one pulse behind another"),
            Cover((self.t_guard == MOST_GUARD) & lines.any() & (rested == MOST_GUARD) & polarities.any(), "guarded"),
        ]


class PhaseProperties(_PortHarness):
    """The order of a sequence."""

    def claim(self, m: Module, design):
        port, mode = self.port, Signal(Mode)
        was_open, was_busy, is_held = Signal(), Signal(), Signal()
        m.d.sync += was_busy.eq(self.busy)
        with m.If(self.start):
            m.d.sync += [mode.eq(self.mode), was_open.eq(0), is_held.eq(0)]
        with m.Elif(self.is_running):
            m.d.sync += [was_open.eq(port.integrate | (was_open & ~port.hold)),
                         is_held.eq(port.hold | (is_held & ~port.integrate))]
        is_measured = Cat(mode == each for each in MEASURED).any()
        stands = port.mode.as_value() == Mux(self.is_running, mode.as_value(), 0)
        done = design.drive.done
        m.d.comb += [
            Assume(~port.hold | ~design.adc.done, "a conversion takes a cycle"),
            Assert(stands, "the mode stands from start to done, and is IDLE else"),
            Assert(self.is_running | ~(port.integrate | port.hold | port.slot), "nothing strobes between sequences"),
            Assert(~done | self.is_running, "done only once for a start"),
            Assert(~port.slot | port.integrate, "slots only in a window"),
            Assert(~port.hold | (was_open & ~port.integrate & ~was_busy), "hold follows a window, when busy was low"),
            Assert(~port.hold | is_measured, "hold only where something is measured"),
            Assert(~design.converted | is_held, "a conversion follows hold"),
            Assert(~done | (design.drive.status != Status.OK) | ~is_measured | is_held,
                   "what is measured has been held"),
            Assert(~done | ~port.integrate, "a window is closed at the end"),
            Assert((port.half_select == Bias.NONE) | (port.mode == Mode.PROGRAM), "half-select only in programming"),
            Cover(done & is_held & (mode == Mode.FORWARD) & (self.encoding == Encoding.SERIAL),
                  "a bit-serial code is converted"),
            Cover(done & (design.drive.status == Status.ABORTED), "a sequence is aborted"),
            Cover(done & (design.drive.status == Status.TIMEOUT), "the watchdog ends a sequence"),
        ]


MOST_WATCHDOG, MOST_BL = 3, 3
BOUND = 20


class SequenceBound(_PortHarness):
    """The end of a sequence, whatever busy does: with the shortest times, and a watchdog."""

    def claim(self, m: Module, design):
        taken, converting = Signal(range(BOUND + 2)), Signal()
        with m.If(self.is_running & ~design.drive.done):
            m.d.sync += taken.eq(taken + 1)
        with m.Else():
            m.d.sync += taken.eq(0)
        m.d.sync += converting.eq(self.port.hold)
        m.d.comb += [
            *(Assume(getattr(self, name) == (name in ("t_settle", "t_slot", "t_hold", "t_convert")),
                     f"{name} is as short as may be") for name in TIMES),
            Assume((self.watchdog >= 1) & (self.watchdog <= MOST_WATCHDOG), f"watchdog is in 1..{MOST_WATCHDOG}"),
            Assume(self.bl <= MOST_BL, f"bl is at most {MOST_BL}"),
            Assume(~self.resume | (design.played < self.bl), "resume only where slots are left"),
            Assume(design.trains.ready, "trains are ready"),
            Assume(~converting | design.adc.done, "a conversion takes a cycle"),
            Assert(taken <= BOUND, f"a sequence ends within {BOUND} cycles, busy or not"),
            Cover(taken == BOUND, "the bound is met"),
            Cover(design.drive.done & (design.drive.status == Status.TIMEOUT), "the watchdog ends a sequence"),
        ]


JOBS = [
    Job(name="port_lines", harness=LineProperties, cover=16,
        claim="No line is driven both ways, and polarities change only at rest, t_guard before any pulse."),
    Job(name="port_phases", harness=PhaseProperties, cover=24,
        claim="Integrate, hold and convert come in order, and the mode stands meanwhile."),
    Job(name="sequence_bound", harness=SequenceBound, engine=BMC, depth=40, cover=24,
        claim="Every sequence ends, even if busy never falls."),
]
