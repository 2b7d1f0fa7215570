# SPDX-License-Identifier: Apache-2.0
from amaranth.hdl import Assert, Assume, Cat, Const, Cover, Module, Mux, Signal
from amaranth.lib.wiring import Component, In

from golden.frame import Kind, Reason
from rtl.formats import delay
from rtl.frame import Header
from rtl.link import ANSWERS, Link
from sim.formal import Job
from tests.formal.frame import GAP, GOOD_FRAMES_TAKE, HEADER_STANDS, STARTS_IDLE
from tests.formal.free import empty

DEPTH = 2


class LinkProperties(Component):
    """A link of any frames, to a framer and a dispatcher that take as long as they like.

    What is assumed of the deframer is claimed of it by `deframer`.

    The device's side of docs/link.md is followed beside it, in the order of the table there.
    """

    def __init__(self, make=Link):
        self.make = make
        super().__init__({
            "end": In(1), "header": In(Header), "length": In(range(DEPTH + 2)), "is_good": In(1), "is_stored": In(1),
            "sent": In(1), "finish": In(1), "delivering": In(1), "n_kept": In(range(DEPTH + 1)), "kept": In(32),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.design = design = self.make(DEPTH)
        deframer, framer, dispatcher = design.deframer, design.framer, design.dispatcher
        self._surroundings(m, deframer, framer, dispatcher)

        # a frame is judged in the cycle behind its end
        end = delay(m, self.end, 1, reset=True)
        length, is_good, is_stored = (delay(m, value, 1) for value in (self.length, self.is_good, self.is_stored))
        header = self.header
        since = Signal(range(GAP + 1), init=GAP)
        m.d.sync += since.eq(Mux(self.end, 0, Mux(since == GAP, GAP, since + 1)))
        m.d.comb += [
            Assume(~end | (header == delay(m, header, 1)), HEADER_STANDS),
            Assume(~(self.end & self.is_good) | (since == GAP), GOOD_FRAMES_TAKE),
        ]

        # what the device remembers
        session, last, offer, nonce = Signal(8), Signal(16), Signal(8), Signal(16)
        is_open, is_offered, is_aborted, reason = Signal(), Signal(), Signal(), Signal(Reason)
        running = dispatcher.is_running
        expected = Signal(16)  # of a command; a register, as in the design: that is easier to prove

        def is_kind(*kinds):
            return Cat(header.kind == kind for kind in kinds).any()

        # compared at the end, as in the design: easier to prove, and the same, as nothing changes in between
        is_ours = is_open & (header.session == session)
        is_last, is_next, is_opening, is_new = (delay(m, condition, 1) for condition in (
            is_ours & (header.sequence == last), is_ours & (header.sequence == expected) & is_kind(Kind.DATA),
            is_offered & (header.session == offer) & (header.sequence == 0) & is_kind(Kind.OPEN),
            ~is_offered | (header.sequence != nonce)))
        is_formed = is_kind(Kind.DATA) & (length != 0) | (
            is_kind(Kind.HELLO, Kind.OPEN, Kind.ABORT) & (length == 0))

        # the table: what is asked for, what changes
        asked, nak, accepts, aborts = Signal(len(ANSWERS)), Signal(Reason), Signal(), Signal()
        asks = {kind: asked.eq(1 << n) for n, kind in enumerate(ANSWERS)}
        with m.If(end):
            with m.If(~is_good):
                m.d.comb += [asks[Kind.NAK], nak.eq(Reason.DAMAGED)]
            with m.Elif(~is_formed):
                m.d.comb += [asks[Kind.NAK], nak.eq(Reason.KIND)]
            with m.Elif(is_kind(Kind.HELLO)):
                m.d.comb += asks[Kind.WELCOME]
                with m.If(is_new):
                    m.d.sync += offer.eq(offer + 1 + ((offer + 1)[:8] == session))
                m.d.sync += [is_offered.eq(1), nonce.eq(header.sequence)]
            with m.Elif(is_last):
                m.d.comb += [asked.eq(Mux(running, 1 << ANSWERS.index(Kind.BUSY), 1 << ANSWERS.index(Kind.RESPONSE))),
                             aborts.eq(is_kind(Kind.ABORT) & running & ~is_aborted)]
                m.d.sync += is_aborted.eq(is_aborted | aborts)
            with m.Elif(~is_next & ~is_opening):
                m.d.comb += [asks[Kind.NAK], nak.eq(Reason.ORDER)]
            with m.Elif(running | ~is_stored):
                m.d.comb += asks[Kind.BUSY]
            with m.Elif(length > DEPTH):
                m.d.comb += [asks[Kind.NAK], nak.eq(Reason.LENGTH)]
            with m.Else():
                m.d.comb += accepts.eq(1)
                m.d.sync += [last.eq(header.sequence), is_aborted.eq(0),
                             expected.eq(Mux(header.sequence == 0xFFFF, 1, header.sequence + 1))]
                with m.If(is_kind(Kind.OPEN)):
                    m.d.comb += asks[Kind.RESPONSE]
                    m.d.sync += [session.eq(header.session), is_open.eq(1), is_offered.eq(0)]
        with m.If(asked[ANSWERS.index(Kind.NAK)]):
            m.d.sync += reason.eq(nak)

        # what is owed: one answer of each kind, until it is sent or, a response, until the next command
        owed, sends = Signal(len(ANSWERS)), ~framer.start & ~framer.is_busy
        going = Mux(sends, owed & -owed, 0)
        response = Const(1 << ANSWERS.index(Kind.RESPONSE), len(ANSWERS))
        m.d.sync += owed.eq((owed & ~going & ~Mux(accepts, response, 0)) | asked
                            | Mux(dispatcher.done, response, 0))
        kind, answer = framer.header.kind, framer.header
        first = {kind: owed[n] & ~owed[:n].any() for n, kind in enumerate(ANSWERS)}
        # it is chosen in one cycle and begun in the next one, and so is a command
        chosen = {kind: delay(m, sends & is_it, 1, reset=True) for kind, is_it in first.items()}
        then_offer, then_nonce, then_session, then_last, then_expected, then_kept = (
            delay(m, value, 1) for value in (offer, nonce, session, last, expected, self.n_kept))
        is_command = accepts & is_kind(Kind.DATA)
        was_sequence, was_command = Signal(16), Signal()
        with m.If(is_command):
            m.d.sync += [was_sequence.eq(header.sequence), was_command.eq(1)]
        with m.Elif(accepts):
            m.d.sync += was_command.eq(0)
        m.d.comb += [
            Assert(~(end & is_good & delay(m, end, 1)), "nothing changes between a good frame's end and its judgement"),
            Assert(expected == Mux(is_open, Mux(last == 0xFFFF, 1, last + 1), 0),
                   "the sequence to come follows the last"),
            Assert(dispatcher.start == delay(m, is_command, 1, reset=True),
                   "a command is delivered where the table accepts one"),
            Assert(~is_command | (end & is_good & is_stored & ~running & ~dispatcher.start & (length <= DEPTH)),
                   "a command is a good frame, stored, that fits, while none runs"),
            Assert(~(is_command & was_command) | (header.sequence != was_sequence), "no command is delivered twice"),
            Assert(~dispatcher.start | (dispatcher.length == delay(m, length, 1)), "a command has its frame's length"),
            Assert(dispatcher.clear == accepts, "what is accepted forgets the last response"),
            Assert(dispatcher.abort == aborts, "an abort is handed on while its command runs, once"),
            Assert(framer.start == Cat(chosen.values()).any(), "what is owed is sent, and nothing else"),
            Assert(~framer.start | ~framer.is_busy, STARTS_IDLE),
            *(Assert(~chosen[each] | (kind == each), f"{each.name} is sent before what is less urgent")
              for each in ANSWERS),
            Assert(~chosen[Kind.WELCOME] | ((answer.session == then_offer) & (answer.sequence == then_nonce)),
                   "a WELCOME bears the offer, and the nonce of its HELLO"),
            Assert(chosen[Kind.WELCOME] | ~framer.start | (
                (answer.session == then_session)
                & (answer.sequence == Mux(chosen[Kind.NAK], then_expected, then_last))),
                   "other answers bear the open session, and its last sequence or the one to come"),
            Assert(~framer.start | (framer.length == Mux(chosen[Kind.RESPONSE], then_kept, ~chosen[Kind.BUSY])),
                   "answers are as long as what they tell"),
            Assert(~is_offered | (offer != session), "the open session is not offered again"),
            Assert((framer.kind != Kind.NAK) | (framer.word == reason), "a NAK tells the last reason"),
            Assert((framer.kind != Kind.RESPONSE) | (framer.word == self.kept), "a RESPONSE tells what is kept"),
            Assert(dispatcher.stall | ~(framer.is_busy & (framer.kind == Kind.RESPONSE) | chosen[Kind.RESPONSE]),
                   "no response comes in while one is sent"),
            Assert(deframer.hold == dispatcher.is_delivering, "the buffer is held for a command"),
            Assert(design.is_busy == (end | owed.any() | framer.start | framer.is_busy | dispatcher.start | running),
                   "it is busy while anything is to be done"),
            Cover(is_command & (last == 1), "a second command"),
            Cover(dispatcher.abort & owed[ANSWERS.index(Kind.NAK)], "an abort"),
            Cover(owed.all(), "all answers are owed"),
        ]
        return m

    def _surroundings(self, m: Module, deframer, framer, dispatcher):
        """A frame now and then; a framer that is busy once it is started; a dispatcher that runs."""
        for part in (deframer, framer, dispatcher):
            empty(part)
        with m.If(framer.start & ~framer.is_busy):
            m.d.sync += [framer.is_busy.eq(1), framer.kind.eq(framer.header.kind)]
        with m.Elif(self.sent):
            m.d.sync += framer.is_busy.eq(0)
        with m.If(dispatcher.start):
            m.d.sync += dispatcher.is_running.eq(1)
        with m.Elif(self.finish):
            m.d.sync += dispatcher.is_running.eq(0)
        m.d.comb += [
            deframer.end.eq(self.end), deframer.header.eq(self.header), deframer.length.eq(self.length),
            deframer.is_good.eq(self.is_good), deframer.is_stored.eq(self.is_stored),
            dispatcher.done.eq(self.finish & dispatcher.is_running), dispatcher.n_kept.eq(self.n_kept),
            dispatcher.is_delivering.eq(self.delivering & dispatcher.is_running), dispatcher.kept.eq(self.kept),
        ]


JOBS = [
    Job(name="link", harness=LinkProperties, cover=20,
        claim="A link delivers each command once, in order, and answers every frame by the table of docs/link.md."),
]
