# SPDX-License-Identifier: Apache-2.0
"""The device's end of the serial link; mirrors golden."""
from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out, connect, flipped

from golden.frame import Kind, Reason
from golden.link import VERSION
from rtl.dispatcher import Dispatcher
from rtl.formats import delay
from rtl.frame import Deframer, Framer
from rtl.stream import StreamWord

ASKING = (Kind.HELLO, Kind.OPEN, Kind.DATA, Kind.ABORT)
ANSWERS = (Kind.RESPONSE, Kind.WELCOME, Kind.BUSY, Kind.NAK)
"""What there is to send, the most urgent first."""


class Link(Component):
    """Frames in, command packets out; response packets in, frames out: the rules of `golden.link.Device`.

    A frame is judged in the cycle behind its last byte; a packet goes on to the controller once it is whole and right.
    What is to be answered while another answer is being sent is answered behind that, once for each kind.

    Parameters: `depth`, words of the longest command or response packet; `registered` as of its parts. Members: `i`
    stream of bytes from the line, always ready; `break_off`, a byte without a stop bit; `o` stream of bytes to the
    line; `command` and `response` streams of words, to and from the controller; `is_busy` while anything is left to do.
    """

    def __init__(self, depth: int, *, registered: bool = False):
        self.depth = depth
        self.deframer, self.framer = (part(depth, registered=registered) for part in (Deframer, Framer))
        self.dispatcher = Dispatcher(depth, registered=registered)
        super().__init__({
            "i": In(stream.Signature(8, always_ready=True)), "break_off": In(1), "o": Out(stream.Signature(8)),
            "command": Out(stream.Signature(StreamWord)), "response": In(stream.Signature(StreamWord)),
            "is_busy": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.deframer = deframer = self.deframer
        m.submodules.framer = framer = self.framer
        m.submodules.dispatcher = dispatcher = self.dispatcher
        connect(m, flipped(self.i), deframer.i)
        connect(m, framer.o, flipped(self.o))
        connect(m, dispatcher.command, flipped(self.command))
        connect(m, flipped(self.response), dispatcher.response)

        asked = {kind: Signal(name=f"asked_{kind.name.lower()}") for kind in ANSWERS}
        wanted = {kind: Signal(name=f"wanted_{kind.name.lower()}") for kind in ANSWERS}
        session, offer, nonce, last = Signal(8), Signal(8), Signal(16), Signal(16)
        is_open, is_offered, is_response, reason = Signal(), Signal(), Signal(), Signal(Reason)
        expected, following = Signal(16), Signal(8)
        m.d.sync += following.eq(offer + 1)
        is_ended = delay(m, deframer.end, 1, reset=True)
        m.d.comb += [
            deframer.break_off.eq(self.break_off), deframer.hold.eq(dispatcher.is_delivering),
            deframer.address.eq(dispatcher.address), dispatcher.word.eq(deframer.word),
            dispatcher.stall.eq(is_response & (framer.start | framer.is_busy)),
            self.is_busy.eq(Cat(deframer.is_ending, is_ended, *wanted.values()).any() | framer.start | framer.is_busy
                            | dispatcher.start | dispatcher.is_running),
        ]

        # what a frame asks for: compared ahead, as its header has stood for four bytes and more when it ends
        frame, is_accepted, is_aborted = deframer.header, Signal(), Signal()
        is_last, is_next, is_opening, is_known, is_hello, is_abort, is_formed, is_new = (
            delay(m, condition, 1) for condition in (
                is_open & (frame.session == session) & (frame.sequence == last),
                is_open & (frame.session == session) & (frame.sequence == expected) & (frame.kind == Kind.DATA),
                is_offered & (frame.session == offer) & (frame.sequence == 0) & (frame.kind == Kind.OPEN),
                Cat(frame.kind == kind for kind in ASKING).any(), frame.kind == Kind.HELLO, frame.kind == Kind.ABORT,
                (deframer.length > 0) == (frame.kind == Kind.DATA),
                ~is_offered | (nonce != frame.sequence)))
        is_good, is_stored, length = (delay(m, value, 1) for value in (
            deframer.is_good, deframer.is_stored, deframer.length))
        is_long = delay(m, deframer.length > self.depth, 1)
        m.d.sync += [dispatcher.start.eq(0), dispatcher.length.eq(length)]
        with m.If(is_ended):
            m.d.comb += asked[Kind.NAK].eq(1)
            with m.If(~is_good):
                m.d.sync += reason.eq(Reason.DAMAGED)
            with m.Elif(~is_known | ~is_formed):
                m.d.sync += reason.eq(Reason.KIND)
            with m.Elif(is_hello):
                m.d.comb += [asked[Kind.NAK].eq(0), asked[Kind.WELCOME].eq(1)]
                m.d.sync += [nonce.eq(frame.sequence), is_offered.eq(1)]
                with m.If(is_new):
                    m.d.sync += offer.eq(following + (following == session))
            with m.Elif(is_last):
                m.d.comb += [asked[Kind.NAK].eq(0), asked[Kind.BUSY].eq(dispatcher.is_running),
                             asked[Kind.RESPONSE].eq(~dispatcher.is_running)]
                with m.If(is_abort & dispatcher.is_running & ~is_aborted):
                    m.d.comb += dispatcher.abort.eq(1)
                    m.d.sync += is_aborted.eq(1)
            with m.Elif(~is_next & ~is_opening):
                m.d.sync += reason.eq(Reason.ORDER)
            with m.Elif(dispatcher.is_running | ~is_stored):
                m.d.comb += [asked[Kind.NAK].eq(0), asked[Kind.BUSY].eq(1)]
            with m.Elif(is_long):
                m.d.sync += reason.eq(Reason.LENGTH)
            with m.Else():
                m.d.comb += [asked[Kind.NAK].eq(0), is_accepted.eq(1)]
        with m.If(is_accepted):
            m.d.comb += [dispatcher.clear.eq(1), asked[Kind.RESPONSE].eq(is_opening)]
            m.d.sync += [dispatcher.start.eq(is_next), is_aborted.eq(0),
                         session.eq(frame.session), last.eq(frame.sequence),
                         expected.eq(Mux(frame.sequence == 0xFFFF, 1, frame.sequence + 1))]
            with m.If(is_opening):
                m.d.sync += [is_open.eq(1), is_offered.eq(0)]

        # answers, one after the other
        contents = {  # session, sequence, words of payload
            Kind.RESPONSE: (session, last, dispatcher.n_kept), Kind.WELCOME: (offer, nonce, 1),
            Kind.BUSY: (session, last, 0), Kind.NAK: (session, expected, 1),
        }
        is_free = ~framer.start & ~framer.is_busy
        m.d.sync += framer.start.eq(is_free & Cat(wanted.values()).any())
        for kind in ANSWERS:
            with (m.If if kind == ANSWERS[0] else m.Elif)(wanted[kind]):
                *address, length = contents[kind]
                with m.If(is_free):
                    m.d.sync += [framer.header.kind.eq(kind), framer.length.eq(length), wanted[kind].eq(0),
                                 Cat(framer.header.session, framer.header.sequence).eq(Cat(*address)),
                                 is_response.eq(kind == Kind.RESPONSE)]
        m.d.comb += [dispatcher.index.eq(framer.index), framer.word.eq(dispatcher.kept)]
        with m.Switch(framer.kind):
            with m.Case(Kind.WELCOME):
                m.d.comb += framer.word.eq(VERSION)
            with m.Case(Kind.NAK):
                m.d.comb += framer.word.eq(reason)
        with m.If(is_accepted | dispatcher.done):
            m.d.sync += wanted[Kind.RESPONSE].eq(dispatcher.done)
        for kind in ANSWERS:
            with m.If(asked[kind]):
                m.d.sync += wanted[kind].eq(1)
        return m
