# SPDX-License-Identifier: Apache-2.0
from amaranth.hdl import Assert, Assume, Cat, Cover, Module, Mux, Signal
from amaranth.lib.wiring import Component, In, Out

from golden.protocol import Status
from rtl.commands import RawCommands
from rtl.decoder import Decoder
from rtl.drive import Drive, DriveMux
from rtl.engine import OPERATIONS
from rtl.formats import delay
from rtl.manager import Manager
from rtl.programmer import Programmer
from sim.formal import INDUCTION, Job
from tests.formal.configs import SMALL
from tests.formal.free import outputs_of, set_free

COMMAND = ("opcode", "argument", "index")
WISHES = ("mode", "bl", "attempt", "levels", "raw", "row_all", "row_index", "reference")
"""What an engine asks of a sequence, beside the lines that it loads."""


class _EngineProperties(Component):
    """An engine between a controller and a sequencer that do as they like within the rules; its arithmetic says
    anything.

    `is_running`: from the cycle behind `start` to `done`; `is_playing`: a sequence runs; `owed`: results to be taken.
    """

    def __init__(self, engine, parts: tuple[str, ...] = ()):
        self.design = design = engine(SMALL)
        self.parts = parts
        self.sides = {name: member for name, member in design.signature.members.items() if name in ("control", "drive")}
        super().__init__({
            **{f"{side}_{name}": In(member.shape) for side, seam in self.sides.items()
               for name, member in getattr(design, side).signature.members.items()
               if member.is_port and member.flow == In},
            **{name: In(getattr(design, name).shape()) for name in design.settings},
            **{name: member for part in parts for name, member in outputs_of(getattr(design, part), part).items()},
            "result_ready": In(1),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.design = design = self.design
        m.submodules.decoder = decoder = Decoder(SMALL)
        for part in self.parts:
            set_free(m, self, getattr(design, part), part)
        control, drive = design.control, design.drive
        for name in self.signature.members:
            side, _, rest = name.partition("_")
            if side in self.sides:
                m.d.comb += getattr(getattr(design, side), rest).eq(getattr(self, name))
        self.is_running, self.is_playing, self.owed = Signal(), Signal(), Signal.like(decoder.n_data)
        m.d.comb += [
            *(getattr(design, name).eq(getattr(self, name)) for name in design.settings),
            *(getattr(decoder, name).eq(getattr(control, name)) for name in COMMAND),
            control.result.ready.eq(self.result_ready & self.owed.any()),
        ]
        for flag, begin, end in ((self.is_running, control.start, control.done),
                                 (self.is_playing, drive.start, drive.done)):
            with m.If(end):
                m.d.sync += flag.eq(0)
            with m.Elif(begin):
                m.d.sync += flag.eq(1)
        with m.If(control.done & (control.status == Status.OK)):
            m.d.sync += self.owed.eq(decoder.n_data)
        with m.Elif(control.result.valid & control.result.ready):
            m.d.sync += self.owed.eq(self.owed - 1)

        command = Cat(getattr(control, name) for name in COMMAND)
        command_q, is_busy = Signal.like(command), self.is_running | self.owed.any()
        stood = Signal(range(decoder.latency + 1))
        m.d.sync += [command_q.eq(command), stood.eq(Mux(command != command_q, 0, Mux(
            stood == decoder.latency, stood, stood + 1)))]
        is_decoded = (command == command_q) & (stood == decoder.latency)
        is_own = Cat(control.opcode == opcode for opcode in design.opcodes).any()
        m.d.comb += [
            Assume(~is_busy | ~(control.start | control.write), "nothing comes before a command is over"),
            Assume(~control.start | ~control.write, "payload comes before the start"),
            Assume(~(is_busy | control.start | control.write) | (is_own & is_decoded & (decoder.fault == Status.OK)),
                   "commands are the engine's own"),
            Assume(~is_busy | (command == command_q), "a command stands until it is over"),
            Assume(~drive.done | self.is_playing, "a sequence is done once, and only when one runs"),
            Assume(~drive.done | drive.status.matches(Status.OK, Status.ABORTED, Status.TIMEOUT),
                   "a sequence ends with OK, ABORTED or TIMEOUT"),
        ]
        self._claim(m, control, drive)
        return m

    def _claim(self, m: Module, control, drive):
        wishes = Cat(getattr(drive, name) for name in WISHES)
        wishes_q = Signal.like(wishes)
        m.d.sync += wishes_q.eq(wishes)
        loads, strobes = drive.width_write | drive.train_write, Cat(getattr(control, name) for name in OPERATIONS)
        is_active = self.is_running | control.start
        m.d.comb += [
            Assert(~drive.start | (is_active & ~self.is_playing), "one sequence at a time, and only for a command"),
            Assert(~self.is_playing | (wishes == wishes_q), "what is asked of a sequence stands while it runs"),
            Assert(~loads | (~self.is_playing & (self.is_running | control.write)),
                   "lines are loaded only for a command, and never while a sequence runs"),
            Assert(~(strobes.any() | drive.next_event) | self.is_running, "only a command counts, or takes an event"),
            Assert(~control.done | (self.is_running & (~self.is_playing | drive.done)),
                   "a command is done once, and no sequence outlives it"),
            Cover(control.done & (control.status == Status.OK), "a command is done"),
            Cover(control.done & (control.status == Status.TIMEOUT), "a command ends with its sequence"),
        ]


class RawProperties(_EngineProperties):
    def __init__(self, make=RawCommands):
        super().__init__(make)


class ManagerProperties(_EngineProperties):
    def __init__(self, make=Manager):
        super().__init__(make, ("unit",))


class ProgrammerProperties(_EngineProperties):
    def __init__(self, make=Programmer):
        super().__init__(make, ("judge",))


class DriveMuxProperties(Component):
    """Three engines at one sequencer."""

    N = 3

    def __init__(self, make=DriveMux):
        self.design = make(SMALL, self.N)
        drive = Drive(SMALL)
        ins, outs = ({name: member for name, member in drive.members.items() if member.flow == flow}
                     for flow in (In, Out))
        self.asks, self.answers = outs, ins
        super().__init__({
            "select": In(range(self.N)),
            **{name: In(member.shape) for name, member in ins.items()},
            **{f"{name}_{n}": In(member.shape) for name, member in outs.items() for n in range(self.N)},
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.design = design = self.design
        m.d.comb += design.select.eq(1 << self.select)
        m.d.comb += [getattr(design.o, name).eq(getattr(self, name)) for name in self.answers]
        heard, told = [], []
        for n, engine in enumerate(design.engines):
            is_chosen = self.select == n
            was_chosen = delay(m, is_chosen, 1)
            m.d.comb += [getattr(engine, name).eq(getattr(self, f"{name}_{n}")) for name in self.asks]
            heard += [~was_chosen | (getattr(design.o, name) == delay(m, getattr(engine, name), 1))
                      for name in self.asks]
            told += [getattr(engine, name) == delay(m, getattr(self, name) & is_chosen if name == "done"
                                                    else getattr(self, name), name != "output")
                     for name in self.answers]
        is_late = Signal()
        m.d.sync += is_late.eq(1)
        m.d.comb += [
            Assert(~is_late | Cat(heard).all(), "the sequencer hears the engine that is chosen, and no other"),
            Assert(~is_late | Cat(told).all(), "only the engine that is chosen hears done"),
            Cover(delay(m, self.select == 2, 1) & design.o.start, "the last engine starts"),
        ]
        return m


JOBS = [
    Job(name="raw_commands", harness=RawProperties, cover=8,
        claim="The engine of the raw commands acts only for its commands, one sequence at a time."),
    Job(name="manager", harness=ManagerProperties, cover=30,
        claim="The manager acts only for its commands, one sequence at a time."),
    Job(name="programmer", harness=ProgrammerProperties, cover=24,
        claim="The programmer acts only for its commands, one sequence at a time."),
    Job(name="drive_mux", harness=DriveMuxProperties, engine=INDUCTION, depth=2, cover=3,
        claim="Engines that are not chosen neither drive the sequencer nor hear it."),
]
