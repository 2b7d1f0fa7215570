# SPDX-License-Identifier: Apache-2.0
from amaranth.hdl import Array, Assert, Assume, Cat, Cover, Module, Mux, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out, connect, flipped

from golden.protocol import Opcode, Status, header
from rtl.controller import Controller
from rtl.decoder import Decoder
from rtl.formats import delay, shape_of
from rtl.meter import Meter
from rtl.planes import SIDE_LATENCY, WORD
from rtl.registers import RegisterBank
from rtl.stream import StreamWord
from rtl.stream_checker import StreamChecker
from sim.formal import BMC, Job
from tests.formal.configs import SMALL
from tests.formal.free import empty, outputs_of, set_free
from tests.rtl.simulation import asked

MOST_BUSY = 3
"""Cycles that an engine takes at most, in these proofs; the controller only waits for it."""
DECODE, CHECK = Decoder.latency + 1, Decoder.value_latency + 2
"""Cycles in which a header is judged, and the words behind it."""
SETTLE = RegisterBank.count_latency + asked(lambda: Meter(SMALL), lambda meter: meter.latency) + 1
ANSWER_BOUND, RECALL = DECODE + CHECK + 1 + max(MOST_BUSY + SETTLE, 3 * SMALL.cols), 2
"""Most cycles from the end of a packet to its response: checks, then an operation, or a row to store; and how many more
RESUME takes, which recalls whose the operation is.
"""
PLANE_WORD, REGISTER_WORD = SIDE_LATENCY + 2, asked(lambda: RegisterBank(SMALL), lambda bank: bank.read_latency) + 2
"""Cycles for which a word of a plane is waited for, and one of the registers."""
REFUSED = (Status.BAD_OPCODE, Status.BAD_ARGUMENT, Status.BAD_LENGTH, Status.BAD_VALUE, Status.FRAMING)


class _ControllerProperties(Component):
    """The controller between engines and registers that say anything, and a monitor that follows the packets.

    The engines share one set of answers. `is_open`: a packet has begun and not ended; `owed`: it has ended and has
    not been answered; `is_answering`: between a response's header and its last word. An ABORT that is taken while an
    operation runs is owed behind it (`owes_abort`). `header` is that of the packet, and of the aborted operation once
    it is resumed.
    """

    def __init__(self, make=Controller):
        self.design = make(SMALL)
        super().__init__({
            "i": In(stream.Signature(StreamWord)), "o": Out(stream.Signature(StreamWord)),
            "done": In(1), "status": In(Status), "result": In(32), "result_valid": In(1),
            "read": In(shape_of(WORD)), "abort": In(1), **outputs_of(self.design.bank, "bank"),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.design = design = self.design
        for part in (design.sequencer, design.corrector, design.meter, *design.engines):
            empty(part)
        set_free(m, self, design.bank, "bank")
        connect(m, flipped(self.i), design.i)
        connect(m, design.o, flipped(self.o))
        for engine in design.engines:
            control = engine.control
            m.d.comb += [control.done.eq(self.done), control.status.eq(self.status),
                         control.result.payload.eq(self.result), control.result.valid.eq(self.result_valid)]
        m.d.comb += [design.side.read.eq(self.read), design.abort.eq(self.abort)]
        StreamChecker.on(m, design.i, "i", assumed=True, framed=False)
        StreamChecker.on(m, control.result, "result", assumed=True, framed=False)
        self._follow(m, design)
        self.claim(m, design)
        return m

    def _follow(self, m: Module, design):
        """The monitor, and what is assumed of the far ends."""
        self.word, self.out = word, out = design.i.payload, design.o
        self.taken, self.given = taken, given = Signal(), Signal()
        self.is_open, self.owed, self.is_answering, self.owes_abort = (Signal() for _ in range(4))
        self.header, self.is_bad_start, self.is_cut = Signal(32), Signal(), Signal()
        self.n_words = Signal(range(8))
        self.starts = Cat(engine.control.start for engine in design.engines)
        self.start, self.is_running, aborted = self.starts.any(), Signal(), Signal(32)

        m.d.comb += [
            taken.eq(design.i.valid & design.i.ready), given.eq(out.valid & out.ready),
            self.is_cut.eq(self.is_open & design.i.valid & word.first),
        ]
        is_idle = ~self.is_open & ~self.owed & ~self.is_answering
        with m.If(taken):
            with m.If(self.is_open):
                m.d.sync += self.n_words.eq(self.n_words + (self.n_words != 7))
            with m.If(self.is_open | is_idle):
                m.d.sync += [self.is_open.eq(~word.last), self.owed.eq(word.last)]
            with m.Else():
                m.d.sync += self.owes_abort.eq(1)
        with m.If(is_idle):  # until a word is taken, as in the design: that is easier to prove
            m.d.sync += [self.header.eq(Mux(word.first, word.data, 0)), self.is_bad_start.eq(~word.first),
                         self.n_words.eq(0)]
        with m.If(given):
            m.d.sync += [self.is_answering.eq(~out.payload.last), self.is_open.eq(0), self.owed.eq(0)]
            with m.If(out.payload.last & self.owes_abort):
                m.d.sync += [self.owed.eq(1), self.owes_abort.eq(0), self.n_words.eq(0), self.is_bad_start.eq(0),
                             self.header.eq(header(Opcode.ABORT))]
        self.command = Mux(self.header[24:] == Opcode.RESUME, aborted, self.header)
        with m.If(self.start):
            m.d.sync += [self.header.eq(self.command), self.is_running.eq(1)]
        with m.Elif(self.done):
            m.d.sync += [aborted.eq(self.header), self.is_running.eq(0)]
        self.index, self.argument, self.opcode = self.header[:16], self.header[16:24], self.header[24:]

        ran = Signal(range(MOST_BUSY + 1))
        m.d.sync += ran.eq(Mux(self.is_running, ran + 1, 0))
        read, waits = design.bank.read, Signal()
        read_q, plane_q = Signal.like(read), Signal.like(self.read)
        m.d.sync += [read_q.eq(read), plane_q.eq(self.read), waits.eq(out.valid & ~out.ready)]
        m.d.comb += [
            Assume(~self.is_running | (ran != MOST_BUSY - 1) | self.done,
                   f"an engine is done within {MOST_BUSY} cycles"),
            Assume(self.is_running | ~self.done, "an engine is done only while it runs"),
            Assume(~self.done | self.status.matches(Status.OK, Status.ABORTED, Status.TIMEOUT),
                   "an operation ends with OK, ABORTED or TIMEOUT"),
            Assume(~waits | (read == read_q), "registers stand while a response waits"),
            Assume(~out.valid | (self.read == plane_q), "planes have stood for a cycle when a response has them"),
        ]

    def is_opcode(self, *opcodes: Opcode):
        return Cat(self.opcode == opcode for opcode in opcodes).any()

    def is_response(self, status: Status):
        return self.out.valid & self.out.payload.first & (self.out.payload.data[16:24] == status)


class Responses(_ControllerProperties):
    """One response a packet, and its header."""

    def claim(self, m: Module, design):
        out, status = self.out, self.out.payload.data[16:24]
        StreamChecker.on(m, out, "o")
        with m.If(out.valid & out.payload.first):
            m.d.comb += [
                Assert(self.owed | self.is_cut, "a response only to a packet that has ended, one to each"),
                Assert(out.payload.data[24:] == self.opcode, "a response bears its command's opcode"),
                Assert((status == Status.FRAMING) == (self.is_bad_start | self.is_cut),
                       "FRAMING if and only if first or last are not where they must be"),
                Assert((status == Status.OK) | (out.payload.data[:16] == 0), "an error has no data"),
                Assert(out.payload.last == (out.payload.data[:16] == 0), "a header without data is the last word"),
            ]
        is_abort = self.word.first & self.word.last & (self.word.data[24:] == Opcode.ABORT)
        m.d.comb += [
            Assert(~self.taken | ~(self.owed | self.is_answering) | (self.is_running & is_abort & ~self.owes_abort),
                   "no packet is taken before the last one is answered, but for one ABORT while an operation runs"),
            Assert(~self.taken | ~(self.is_open & self.word.first), "a word that begins a packet is left for it"),
            Cover(self.given & self.is_answering & out.payload.last & self.is_opcode(Opcode.SENSE), "SENSE's data"),
            Cover(self.given & self.is_response(Status.OK) & self.is_opcode(Opcode.UPDATE), "UPDATE is OK"),
            Cover(self.given & (out.payload.data == header(Opcode.ABORT)), "ABORT is answered"),
            Cover(self.given & self.is_cut & (self.n_words == 1), "a packet is cut by the next one"),
            Cover(self.given & self.is_response(Status.BAD_LENGTH), "a packet is too short"),
        ]


class Data(_ControllerProperties):
    """As many data words as a header says."""

    def claim(self, m: Module, design):
        out, left = self.out, Signal.like(design.decoder.n_data)
        with m.If(self.given):
            m.d.sync += left.eq(Mux(out.payload.first, out.payload.data, left) - 1)
        m.d.comb += [
            Assert(~out.valid | out.payload.first | (out.payload.last == (left == 0)),
                   "as many data words as the header says"),
            Cover(self.given & out.payload.last & ~out.payload.first & self.is_opcode(Opcode.READ), "READ's data"),
            Cover(self.given & ~out.payload.first & (left == 16), "a long response to GET"),
        ]


class Bounds(_ControllerProperties):
    """Every command is answered, and within its bound."""

    def claim(self, m: Module, design):
        out, is_ended = self.out, self.owed | self.is_cut
        owed_for, data_for, input_for = (
            Signal(range(most + 2)) for most in (ANSWER_BOUND + RECALL, PLANE_WORD, DECODE))
        is_resume, is_resumed = self.is_opcode(Opcode.RESUME), Signal()
        m.d.sync += is_resumed.eq(self.owed & (is_resume | is_resumed))
        is_late_result = ~self.is_opcode(Opcode.GET, Opcode.READ) & ~self.result_valid  # the engine's to bound
        for waited, is_waiting in (
                (owed_for, is_ended & ~out.valid & ~self.is_answering),
                (data_for, self.is_answering & ~out.valid & ~is_late_result),
                (input_for, design.i.valid & ~design.i.ready & ~is_ended & ~self.is_answering)):
            m.d.sync += waited.eq(Mux(is_waiting, waited + 1, 0))
        m.d.comb += [
            Assert(owed_for <= Mux(is_resume | is_resumed, ANSWER_BOUND + RECALL, ANSWER_BOUND),
                   f"a response comes within {ANSWER_BOUND} cycles of its packet's end, to RESUME {RECALL} later"),
            Assert(data_for <= Mux(self.is_opcode(Opcode.READ), PLANE_WORD, REGISTER_WORD),
                   f"a word of a plane comes within {PLANE_WORD + 1} cycles, any other within {REGISTER_WORD + 1}, "
                   "where the engine has it"),
            Assert(input_for <= DECODE, f"a word is taken within {DECODE + 1} cycles unless a response is owed"),
            Cover(owed_for == ANSWER_BOUND, "the bound is met"),
            Cover((data_for == PLANE_WORD) & self.is_opcode(Opcode.READ), "a word of a plane takes its time"),
            Cover((data_for == REGISTER_WORD) & self.is_opcode(Opcode.GET), "a word of the registers takes its time"),
        ]


class _Effects(_ControllerProperties):
    """How often a command acts: `n_before` times so far, `n_effects` with what it does in this cycle, in which its
    response may come already.
    """

    def claim(self, m: Module, design):
        most = SMALL.cols + 1
        effect, self.n_before, self.n_effects = self.effect(design), Signal(range(most + 1)), Signal(range(most + 1))
        m.d.comb += self.n_effects.eq(self.n_before + (effect & (self.n_before != most)))
        m.d.sync += self.n_before.eq(Mux(self.owed, self.n_effects, 0))
        is_response = self.out.valid & self.out.payload.first
        m.d.comb += [
            Assert(~effect | (self.owed & ~self.is_bad_start), "nothing acts before a packet is whole and in frame"),
            Assert(~is_response | ~self.out.payload.data[16:24].matches(*REFUSED) | (self.n_effects == 0),
                   "a refused packet changes nothing"),
        ]
        self.effects(m, design)


class RegisterEffects(_Effects):
    """SET and RESET."""

    def effect(self, design):
        return design.bank.write | design.bank.clear

    def effects(self, m: Module, design):
        bank, value, is_accepted = design.bank, Signal(32), Signal()
        is_word = self.taken & self.is_open
        with m.If(is_word):
            m.d.sync += value.eq(self.word.data)
        with m.If(delay(m, is_word, 1 + RegisterBank.write_latency, reset=True)):
            m.d.sync += is_accepted.eq(bank.accepts)
        is_own = (bank.index == self.index) & (bank.value == value) & is_accepted & (self.n_words == 1)
        m.d.comb += [
            Assert(~bank.write | self.is_opcode(Opcode.SET), "only SET writes a register"),
            Assert(~bank.write | is_own, "SET writes its register, with its one word, which was accepted"),
            Assert(~bank.clear | self.is_opcode(Opcode.RESET), "only RESET clears registers"),
            Assert(~self.is_response(Status.OK) | ~self.is_opcode(Opcode.SET, Opcode.RESET) | (self.n_effects == 1),
                   "SET and RESET act once"),
            Cover(self.is_response(Status.OK) & self.is_opcode(Opcode.SET), "SET is OK"),
            Cover(self.is_response(Status.OK) & self.is_opcode(Opcode.RESET), "RESET is OK"),
            Cover(self.is_response(Status.BAD_VALUE) & self.is_opcode(Opcode.SET), "SET is refused"),
        ]


class PlaneEffects(_Effects):
    """WRITE, to its place."""

    def effect(self, design):
        return design.side.write

    def effects(self, m: Module, design):
        side, cols, is_write = design.side, SMALL.cols, self.is_opcode(Opcode.WRITE)
        m.d.comb += [
            Assert(~side.write | is_write, "only WRITE stores into a plane"),
            Assert(~side.write | ((side.plane == self.argument) & (side.row == self.index)),
                   "WRITE stores into its plane and row"),
            Assert(~side.write | (side.chunk * SMALL.lanes + side.lane == self.n_before), "WRITE stores word by word"),
            Assert(~self.is_response(Status.OK) | ~is_write | (self.n_effects == self.n_words),
                   "an accepted WRITE stores all its words"),
            Cover(self.is_response(Status.OK) & is_write & (self.n_effects == cols), "a row is stored"),
            Cover(self.is_response(Status.BAD_VALUE) & is_write & (self.n_words == cols), "a row is refused"),
        ]


class PlaneValues(_ControllerProperties):
    """What WRITE stores: the words of its packet."""

    def claim(self, m: Module, design):
        side, cols, n_stored = design.side, SMALL.cols, Signal(range(SMALL.cols + 1))
        words = Array(Signal(shape_of(WORD), name=f"word_{n}") for n in range(cols))
        with m.If(self.taken & self.is_open & (self.n_words < cols)):
            m.d.sync += words[self.n_words].eq(self.word.data)
        with m.If(~self.owed):
            m.d.sync += n_stored.eq(0)
        with m.Elif(side.write):
            m.d.sync += n_stored.eq(n_stored + 1)
        m.d.comb += [
            Assert(~side.write | (side.value == words[n_stored]), "WRITE stores the words of its packet"),
            Cover(side.write & (n_stored == cols - 1) & (words[0] != words[1]), "a row of different words"),
        ]


class EngineEffects(_Effects):
    """What runs on the array."""

    def effect(self, design):
        return self.start

    def effects(self, m: Module, design):
        loads = delay(m, self.taken & self.is_open & ~self.is_bad_start, 1, reset=True)
        n_loaded = delay(m, self.n_words, 1)
        is_operation = self.is_opcode(*(each for engine in design.engines for each in engine.opcodes))
        is_stop = self.abort | design.bank.abort | (self.taken & self.owed)
        has_stop = Signal()
        m.d.sync += has_stop.eq(self.is_running & ~self.done & (is_stop | has_stop))
        for engine, name in zip(design.engines, ("raw", "managed", "programming"), strict=True):
            control, (starts, writes) = engine.control, (Signal(name=f"{name}_{what}") for what in ("starts", "writes"))
            m.d.comb += [
                starts.eq(Cat(self.command[24:] == opcode for opcode in engine.opcodes).any()),
                writes.eq(self.is_opcode(*engine.opcodes)),
                Assert(~control.start | starts, f"only {name} commands start their engine"),
                Assert(~control.start | (control.resume == self.is_opcode(Opcode.RESUME)),
                       f"only RESUME goes on with a {name} command"),
                Assert(~control.write | (writes & loads), f"only words of {name} commands get into their engine"),
                Assert(~control.write | (control.n == n_loaded), f"words of {name} commands come in order"),
                Cover(control.start, f"a {name} command starts"),
            ]
        m.d.comb += [
            Assert((self.starts & (self.starts - 1)) == 0, "one engine at a time"),
            Assert(~self.is_response(Status.OK) | ~is_operation | (self.n_effects == 1), "an operation starts once"),
            Assert(design.sequencer.abort == has_stop, "an abort is for the operation that runs, and ends with it"),
            Cover(self.is_response(Status.ABORTED) & self.given & self.owes_abort, "an operation is aborted"),
            Cover(self.start & self.is_opcode(Opcode.RESUME), "an operation is resumed"),
        ]


JOBS = [
    Job(name="controller_responses", harness=Responses, cover=34,
        claim="Every packet gets exactly one response, in order, whatever its words are."),
    Job(name="controller_data", harness=Data, engine=BMC, depth=34, cover=20,
        free=("design.has_plane", "design.has_register"),  # words may come at once
        claim="A response has as many data words as its header says."),
    Job(name="controller_bounds", harness=Bounds, cover=36,
        claim="Every packet is answered within its bound."),
    Job(name="controller_registers", harness=RegisterEffects, cover=24,
        claim="Only SET writes registers and only RESET clears them."),
    Job(name="controller_planes", harness=PlaneEffects, cover=34,
        claim="Only WRITE changes planes, and only its own row."),
    Job(name="controller_values", harness=PlaneValues, engine=BMC, depth=48, cover=34,
        claim="What WRITE stores is what its packet says."),
    Job(name="controller_engines", harness=EngineEffects, cover=44,
        claim="Only an engine's own commands reach it; an abort is for the operation that runs."),
]
