# SPDX-License-Identifier: Apache-2.0
from amaranth.hdl import Array, Assert, Assume, Cat, Cover, Module, Mux, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, connect, flipped

from golden.protocol import Opcode, header
from rtl.dispatcher import Dispatcher
from rtl.formats import delay
from rtl.stream import StreamWord
from rtl.stream_checker import StreamChecker
from sim.formal import Job

DEPTH = 4


class DispatcherProperties(Component):
    """Packets of any words to a controller that answers each, the command and its abort in either order."""

    registered = False

    def __init__(self, make=Dispatcher):
        self.make = make
        super().__init__({
            "start": In(1), "length": In(range(DEPTH + 1)), "abort": In(1), "stall": In(1), "clear": In(1),
            "packet": In(32).array(DEPTH), "ready": In(1), "index": In(range(DEPTH)),
            "response": In(stream.Signature(StreamWord)),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.design = design = self.make(DEPTH, registered=self.registered)
        connect(m, flipped(self.response), design.response)
        command, response, word = design.command, design.response, design.response.payload
        StreamChecker.on(m, command, "command")
        StreamChecker.on(m, response, "response", assumed=True)
        m.d.comb += [
            *(getattr(design, name).eq(getattr(self, name))
              for name in ("start", "length", "abort", "stall", "clear", "index")),
            command.ready.eq(self.ready),
        ]
        m.d.comb += design.word.eq(delay(m, Array(self.packet)[design.address], design.read_latency))

        # to be delivered, to be answered
        commands, aborts, length, n = Signal(), Signal(), Signal.like(self.length), Signal(range(DEPTH))
        answers, abort_answers, is_aborted, opcode = Signal(), Signal(), Signal(), Signal(8)
        is_given, is_taken = command.valid & command.ready, response.valid & response.ready
        is_own, was_own = Signal(), Signal()
        m.d.comb += is_own.eq(Mux(word.first, answers & (word.data[24:] == opcode), was_own))
        with m.If(is_taken):
            m.d.sync += was_own.eq(is_own)
        is_delivered, is_answered = is_given & command.payload.last, is_taken & word.last
        m.d.sync += [answers.eq(answers & ~(is_answered & is_own) | (is_delivered & commands)),
                     abort_answers.eq(abort_answers & ~(is_answered & ~is_own) | (is_delivered & ~commands))]
        with m.If(is_delivered):
            m.d.sync += [commands.eq(0), aborts.eq(aborts & commands), n.eq(0)]
        with m.Elif(is_given):
            m.d.sync += n.eq(n + 1)
        with m.If(is_given & (n == 0) & commands):
            m.d.sync += opcode.eq(command.payload.data[24:])
        with m.If(self.start):
            m.d.sync += [commands.eq(1), length.eq(self.length), is_aborted.eq(0)]
        with m.If(self.abort):
            m.d.sync += [aborts.eq(1), is_aborted.eq(1)]
        # a word that was taken is looked at a cycle later where that is registered, and until then it still runs
        more = int(self.registered)
        late_word, late_own = delay(m, word, more), delay(m, is_own, more)
        late_taken, late_answered = (delay(m, value, more, reset=True) for value in (is_taken, is_answered))
        is_running, rest = commands | aborts | answers | abort_answers, Mux(is_own, abort_answers, answers)
        if self.registered:
            is_running, rest = is_running | late_answered, answers | abort_answers
        is_last = late_answered & ~(commands | aborts | self.abort | rest)
        standing = Cat(self.packet)
        m.d.comb += [
            Assume((self.length >= 1) & (self.length <= DEPTH), f"length is in 1..{DEPTH}"),
            Assume(~(self.start | self.clear) | ~design.is_running, "no start and no clear while it runs"),
            Assume(~self.abort | (design.is_running & ~is_aborted), "an abort while it runs, once"),
            Assume(~design.is_delivering | (standing == delay(m, standing, 1)), "the packet stands while delivered"),
            Assume(~response.valid | answers | abort_answers, "each packet is answered once, when it was delivered"),
            Assume(~(response.valid & word.first) | is_own
                   | (abort_answers & (word.data[24:] == Opcode.ABORT)), "an answer bears its packet's opcode"),
            Assume((opcode != Opcode.ABORT) | ~is_aborted, "no abort of an abort"),
        ]

        # the word of the response that is looked at
        index, expected, kept, position = Signal.like(self.index), Signal(32), Signal(range(DEPTH + 1)), Signal(3)
        is_late = Signal()
        m.d.comb += position.eq(Mux(late_word.first, 0, kept))
        with m.If(late_taken & late_own & (position < DEPTH)):
            m.d.sync += kept.eq(position + 1)
            with m.If(position == self.index):
                m.d.sync += expected.eq(late_word.data)
        with m.If(self.start | self.clear):
            m.d.sync += kept.eq(0)
        m.d.sync += [index.eq(self.index), is_late.eq(1)]
        is_kept = delay(m, self.index < kept, design.read_latency, reset=True)
        waits, fetches = Signal(2), Signal(2)
        m.d.sync += [waits.eq(Mux(aborts & ~commands & ~command.valid, waits + 1, 0)),
                     fetches.eq(Mux(commands & ~command.valid, fetches + 1, 0))]
        m.d.comb += [
            Assume(~is_late | (self.index == index), "one word of the response is read"),
            Assert(fetches <= 2, "a packet is delivered at once, but for the time to read a word"),
            Assert(~command.valid | commands | aborts, "nothing else is delivered"),
            Assert(~(command.valid & commands) | ((command.payload.data == Array(self.packet)[n])
                                                  & (command.payload.last == (n == length - 1))),
                   "a packet is delivered word for word"),
            Assert(~command.valid | commands
                   | (command.payload.last & (command.payload.data == header(Opcode.ABORT))), "an abort is one word"),
            Assert(waits <= 1, "an abort follows the command at once"),
            Assert(design.is_delivering == commands, "it delivers from start to the last word"),
            Assert(design.is_running == is_running, "it runs until all is answered"),
            Assert(design.done == is_last, "done strobes with the last word of all, as it is looked at"),
            Assert(~is_taken | ~delay(m, self.stall, more), "no response is taken while it is stalled"),
            Assert(design.n_kept == kept, "the words of the own response are counted"),
            Assert(~is_kept | (design.kept == delay(m, expected, design.read_latency)),
                   "the own response is kept, and no other"),
            Cover(design.done & is_aborted & (kept == 2), "done behind an abort"),
            Cover(late_answered & late_own & abort_answers, "the own response comes last but one"),
            Cover((kept == DEPTH) & late_taken & late_own & ~late_word.first, "a response that does not fit"),
        ]
        return m


class RegisteredProperties(DispatcherProperties):
    """The same where a response is looked at a cycle late, and stalled a cycle late."""

    registered = True


JOBS = [
    Job(name="dispatcher", harness=DispatcherProperties,
        claim="A packet is delivered word for word; one response is kept, that of an abort is dropped."),
    Job(name="dispatcher_registered", harness=RegisteredProperties,
        claim="The same of a dispatcher with a register behind the response."),
]
