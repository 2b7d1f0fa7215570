# SPDX-License-Identifier: Apache-2.0
"""The serial link: the rules by which host and device exchange frames, as two state machines without a clock.

    host                               device
    HELLO  sequence: nonce        ->   WELCOME   session: an offer, sequence: that nonce
    OPEN   the offer, sequence 0  ->   RESPONSE  sequence 0, no payload: the session is open
    DATA   next sequence, packet  ->   RESPONSE  its sequence, the response packet
    ABORT  last sequence          ->   as a repeated DATA, once the controller has been told to abort

One packet is on its way at a time. Only a DATA frame whose session is open and whose sequence follows the last one is
executed; the same sequence again gets the same response again, so that nothing is executed twice. While a packet is
executed, its repetition gets BUSY. Anything else gets NAK with the sequence that is expected. A HELLO asks and
changes nothing: an old one that arrives late does no harm, and what belongs to an old session is never executed.

Mirrored by `rtl/link.py` (device) and used by `crosstwin.serial_link` (host).
"""
from collections.abc import Iterable
from enum import Enum

from golden.frame import Deframer, Frame, Kind, Reason
from golden.protocol import Opcode, header

VERSION = 1
"""Of these rules: the payload of WELCOME."""


def next_sequence(sequence: int) -> int:
    """16 bits; 0 is left to OPEN, so that a device that was reset cannot take a packet for the first one."""
    return 1 if sequence == 0xFFFF else sequence + 1


class Device:
    """The board's end. Its owner takes command packets (tuples of words) from `packets`, oldest first, and hands
    the controller's responses to `respond`; both `receive` and `respond` return the bytes to send.

    `depth`: words of the longest packet that it can hold.
    """

    def __init__(self, depth: int):
        self.depth = depth
        self.packets: list[tuple[int, ...]] = []
        self.session = self.offer = self.nonce = self.last = 0
        self.is_open = self.is_offered = False
        self.response: tuple[int, ...] = ()
        self._deframer = Deframer()
        self._opcode = self._owed = 0
        self._is_aborted = False

    @property
    def is_running(self) -> bool:
        """Whether the controller owes a response."""
        return self._owed > 0

    @property
    def expected(self) -> int:
        """The sequence that is executed next."""
        return next_sequence(self.last) if self.is_open else 0

    def receive(self, data: bytes) -> bytes:
        """Take bytes from the line."""
        return self._answers(self._deframer.feed(data))

    def break_off(self) -> bytes:
        """Take a byte without a stop bit from the line."""
        return self._answers(self._deframer.break_off())

    def respond(self, words) -> bytes:
        """Take a response packet of the controller; that to an ABORT from out of band is dropped."""
        if words[0] >> 24 != Opcode.ABORT or self._opcode == Opcode.ABORT:
            self.response = tuple(words)
        self._owed -= 1
        return b"" if self._owed else self._repeat().encode()

    def _repeat(self) -> Frame:
        kind, payload = (Kind.BUSY, ()) if self.is_running else (Kind.RESPONSE, self.response)
        return Frame(kind, self.session, self.last, payload)

    def _refuse(self, reason: Reason) -> Frame:
        return Frame(Kind.NAK, self.session, self.expected, (reason,))

    def _answers(self, frames: Iterable[Frame | None]) -> bytes:
        answers = map(self._answer, frames)
        return b"".join(answer.encode() for answer in answers if answer)

    def _answer(self, frame: Frame | None) -> Frame | None:
        if frame is None:
            return self._refuse(Reason.DAMAGED)
        match frame.kind, len(frame.payload):
            case Kind.HELLO, 0:
                return self._hello(frame.sequence)
            case (Kind.OPEN, 0) | (Kind.ABORT, 0):
                pass
            case Kind.DATA, n if n > 0:
                pass
            case _:
                return self._refuse(Reason.KIND)

        if self.is_open and (frame.session, frame.sequence) == (self.session, self.last):
            if frame.kind == Kind.ABORT and self.is_running and not self._is_aborted:
                self.packets.append((header(Opcode.ABORT),))
                self._owed += 1
                self._is_aborted = True
            return self._repeat()
        if frame.kind == Kind.OPEN:
            is_next = self.is_offered and (frame.session, frame.sequence) == (self.offer, 0)
        else:
            is_next = (frame.kind == Kind.DATA and self.is_open
                       and (frame.session, frame.sequence) == (self.session, self.expected))
        if not is_next:
            return self._refuse(Reason.ORDER)
        if self.is_running:
            return Frame(Kind.BUSY, self.session, self.last)
        if len(frame.payload) > self.depth:
            return self._refuse(Reason.LENGTH)
        return self._accept(frame)

    def _hello(self, nonce: int) -> Frame:
        """The same HELLO again gets the same offer; an offer is never the session that is open."""
        if not (self.is_offered and nonce == self.nonce):
            self.offer = (self.offer + 1 + ((self.offer + 1) & 0xFF == self.session)) & 0xFF
            self.nonce, self.is_offered = nonce, True
        return Frame(Kind.WELCOME, self.offer, nonce, (VERSION,))

    def _accept(self, frame: Frame) -> Frame | None:
        self.session, self.last, self.response = frame.session, frame.sequence, ()
        if frame.kind == Kind.OPEN:
            self.is_open, self.is_offered = True, False
            return self._repeat()
        self._opcode, self._owed, self._is_aborted = frame.payload[0] >> 24, 1, False
        self.packets.append(frame.payload)
        return None


class Verdict(Enum):
    """What a host does about the bytes that it took."""

    WAIT = "nothing in them was an answer"
    BUSY = "the device has the packet, but no response yet"
    SEND = "send `pending`, now or once more"
    DONE = "the session is open, or `response` is there"


class Host:
    """The host's end: one request at a time. `pending` are the bytes to send, when it begins, when `receive` says
    so, and when no answer comes in time. `refusal` is the last NAK of a request, for a message.
    """

    def __init__(self):
        self.session = self.sequence = 0
        self.pending = b""
        self.response: tuple[int, ...] = ()
        self.refusal: Frame | None = None
        self.heard = 0
        """Undamaged frames so far, of whatever kind."""
        self._deframer = Deframer()
        self._request = Frame(Kind.HELLO)
        self._is_idle, self._nonce = True, 0

    def open(self, nonce: int) -> None:
        """Begin a session; `nonce` (16 bits) tells this HELLO from others."""
        self._begin(Frame(Kind.HELLO, 0, nonce))

    def command(self, words) -> None:
        """Begin to exchange one packet, a command's words."""
        self._begin(Frame(Kind.DATA, self.session, next_sequence(self.sequence), tuple(words)))

    def abort(self) -> None:
        """Abort the command that is on its way; its response still comes."""
        if self._request.kind == Kind.DATA and not self._is_idle:
            self.pending = self._request.encode() + Frame(Kind.ABORT, self.session, self._request.sequence).encode()

    def receive(self, data: bytes) -> Verdict:
        """Take bytes from the line. Damaged frames and NAKs ask for a repetition; what is stale is dropped."""
        verdict = Verdict.WAIT
        for frame in self._deframer.feed(data):
            self.heard += frame is not None
            if self._is_idle:
                continue
            judged = Verdict.SEND if frame is None else self._judge(frame)
            if judged != Verdict.WAIT:
                verdict = judged
        return verdict

    def _begin(self, request: Frame) -> None:
        self._request, self.pending = request, request.encode()
        self._is_idle, self.refusal = False, None

    def _judge(self, frame: Frame) -> Verdict:
        request = self._request
        if frame.kind == Kind.NAK:
            self.refusal = frame
            if request.kind == Kind.OPEN and frame.payload == (Reason.ORDER,):
                self._begin(Frame(Kind.HELLO, 0, (self._nonce + 1) & 0xFFFF))  # the offer has expired
            return Verdict.SEND
        if request.kind == Kind.HELLO:
            if (frame.kind, frame.sequence, frame.payload) != (Kind.WELCOME, request.sequence, (VERSION,)):
                return Verdict.WAIT
            self._nonce = request.sequence
            self._begin(Frame(Kind.OPEN, frame.session, 0))
            return Verdict.SEND
        if frame.kind == Kind.BUSY:
            return Verdict.BUSY  # from whatever session: the device is there, and not free yet
        if (frame.kind, frame.session, frame.sequence) != (Kind.RESPONSE, request.session, request.sequence):
            return Verdict.WAIT
        self.session, self.sequence, self.response = frame.session, frame.sequence, frame.payload
        self._is_idle = True
        return Verdict.DONE
