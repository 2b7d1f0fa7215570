# SPDX-License-Identifier: Apache-2.0
from amaranth.hdl import Array, Assert, Assume, Cat, Const, Cover, Module, Mux, ResetInserter, Signal
from amaranth.lib.wiring import Component, In

from golden.frame import Kind
from rtl.formats import delay
from rtl.frame import Deframer, Framer
from sim.formal import Job
from tests.formal.free import empty
from tests.formal.order import Order

DEPTH = 2
"""Words of payload that fit."""
GAP = 4
"""Cycles that a link relies on between a frame's end and that of a good one."""
HEADER_STANDS = "the header stands in the cycle behind an end"
GOOD_FRAMES_TAKE = f"no frame ends in the {GAP} cycles before a good one's end"
STARTS_IDLE = "a frame is begun while none is being sent"


class FrameLoop(Component):
    """A framer into a deframer, without the byte stuffing between them.

    The checks are counts instead: that the bytes themselves are the same and in order is claimed of its own, and
    where the receiver's check lacks some its value is what it likes.
    """

    def __init__(self, make=Framer, make_deframer=Deframer):
        self.make, self.make_deframer = make, make_deframer
        super().__init__({
            "start": In(1), "header": In(32), "length": In(range(DEPTH + 1)), "payload": In(32).array(DEPTH),
            "ready": In(1), "other": In(32), "address": In(range(DEPTH)), "mark": In(1),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.framer = framer = self.make(DEPTH)
        m.submodules.deframer = deframer = self.make_deframer(DEPTH)
        encoder, decoder = framer.encoder, deframer.decoder
        for part in (encoder, decoder, framer.check, deframer.check):
            empty(part)

        is_taken, is_over = encoder.i.valid & encoder.i.ready, Signal()
        with m.If(is_taken):
            m.d.sync += [is_over.eq(encoder.i.payload.last), decoder.is_begun.eq(1)]
        with m.Elif(decoder.end):
            m.d.sync += [is_over.eq(0), decoder.is_begun.eq(0)]
        m.d.comb += [
            encoder.i.ready.eq(self.ready & ~is_over),
            decoder.valid.eq(is_taken), decoder.data.eq(encoder.i.payload.data),
            encoder.o.valid.eq(is_over), encoder.o.payload.last.eq(1), framer.o.ready.eq(self.ready),
            decoder.end.eq(encoder.o.valid & encoder.o.ready),
        ]

        # what is sent stands for a frame
        length, header, was_busy = Signal.like(self.length), Signal.like(self.header), Signal()
        with m.If(self.start):
            m.d.sync += [length.eq(self.length), header.eq(self.header)]
        standing = Cat(self.payload)
        payload = Array((*self.payload, Const(0, 32)))
        m.d.sync += [was_busy.eq(framer.is_busy), framer.word.eq(payload[framer.index])]
        m.d.comb += [
            framer.start.eq(self.start), framer.header.eq(self.header), framer.length.eq(self.length),
            deframer.address.eq(self.address),
            Assume(self.length <= DEPTH, f"length is at most {DEPTH}"),
            Assume(~self.start | ~framer.is_busy, STARTS_IDLE),
            Assume(~was_busy | (standing == delay(m, standing, 1)), "payload stands for a frame"),
        ]

        # the checks, and the bytes that they are of
        firsts, counts = [], []
        for n, check in enumerate((framer.check, deframer.check)):
            is_new, count = Signal(name=f"is_new_{n}"), Signal(4, name=f"count_{n}")
            with m.If(check.start | check.valid):
                m.d.sync += [is_new.eq(~check.valid), count.eq(Mux(check.start, 0, count) + check.valid)]
            firsts.append(check.start | is_new)
            counts.append(count)
        sent, seen = framer.check, deframer.check
        order = Order.of(m, "checked", self.mark, 5, put=sent.valid, item=Cat(sent.data, firsts[0]),
                         get=seen.valid, got=Cat(seen.data, firsts[1]))
        m.d.comb += [
            sent.check.eq(counts[0]),
            seen.check.eq(Mux(order.count == 0, counts[1], self.other)),
        ]

        is_word = delay(m, deframer.end & (self.address < length), deframer.read_latency, reset=True)
        m.d.comb += [
            Assert(~delay(m, decoder.end, 1, reset=True) | deframer.end, "a frame that is sent is received"),
            Assert(~deframer.end | deframer.is_good, "it is good"),
            Assert(~deframer.end | deframer.is_stored, "it is stored"),
            Assert(~deframer.end | (deframer.header.as_value() == header), "its header is the one sent"),
            Assert(~deframer.end | (deframer.length == length), "its length is the one sent"),
            Assert(~is_word | (deframer.word == delay(m, payload[self.address], deframer.read_latency)),
                   "its words are the ones sent"),
            Assert(~framer.is_busy | (framer.kind == header[:8]), "the framer tells its kind"),
            Cover(deframer.end & (length == DEPTH), "as long a frame as may be"),
            Cover(deframer.end & (length == 0) & (header == Kind.BUSY), "a frame without payload"),
        ]
        return m


class DeframerProperties(Component):
    """A deframer of any bytes, frames and checks."""

    data: In(8)
    valid: In(1)
    end: In(1)
    is_broken: In(1)
    check: In(32)
    hold: In(1)
    address: In(range(DEPTH))

    def __init__(self, make=Deframer):
        self.make = make
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        m.submodules.design = design = self.make(DEPTH)
        decoder = design.decoder
        empty(decoder)
        empty(design.check)
        with m.If(self.valid | self.end):
            m.d.sync += decoder.is_begun.eq(self.valid)
        m.d.comb += [
            *(getattr(decoder, name).eq(getattr(self, name)) for name in ("data", "valid", "end", "is_broken")),
            design.check.check.eq(self.check), design.hold.eq(self.hold), design.address.eq(self.address),
            Assume(~self.end | (decoder.is_begun & ~self.valid), "an end comes behind a byte, not with one"),
        ]
        # as the deframer sees it
        data, is_broken = (delay(m, value, 1) for value in (self.data, self.is_broken))
        valid, end, is_begun = (delay(m, value, 1, reset=True) for value in (self.valid, self.end, decoder.is_begun))

        # bytes of the frame, as far as they matter, and the last four of them
        most = 4 * (DEPTH + 4)
        n = Signal(range(most + 1))
        last, first, was_held = Signal(32), Signal(32), Signal()
        now = Cat(last[8:], data)
        with m.If(end):
            m.d.sync += n.eq(0)
        with m.Elif(valid):
            m.d.sync += [last.eq(now), n.eq(Mux(n == most, most - 3, n + 1))]
            with m.If(n == 3):
                m.d.sync += first.eq(now)
        m.d.sync += was_held.eq(self.hold | (was_held & is_begun))
        n_words = n[2:]

        since, was_end = Signal(range(GAP + 1), init=GAP), delay(m, end, 1, reset=True)
        m.d.sync += since.eq(Mux(end, 0, Mux(since == GAP, GAP, since + 1)))
        header = design.header.as_value()

        # the word of the buffer that is looked at, and what it must be
        address, is_late, is_changed = Signal.like(self.address), Signal(), Signal()
        is_own = valid & (n == 4 * self.address + 7)
        found, expected = Signal(32), Signal(32)
        m.d.sync += [address.eq(self.address), is_late.eq(1), is_changed.eq(is_own & ~self.hold), found.eq(design.word)]
        was_changed, is_read = (delay(m, value, design.read_latency, reset=True) for value in (is_changed, is_late))
        with m.If(is_own):
            m.d.sync += expected.eq(now)
        is_stored = delay(m, end & design.is_stored & (n_words >= self.address + 2), design.read_latency, reset=True)
        was_expected = delay(m, expected, design.read_latency)
        length = Mux(n_words > DEPTH + 2, DEPTH + 1, n_words - 2)
        m.d.comb += [
            Assume(~is_late | (self.address == address), "one address is read"),
            Assert(~is_read | was_changed | (design.word == found),
                   "the buffer changes only by its own word of a frame, and not while held"),
            Assert(~is_stored | (design.word == was_expected), "a frame that is stored is in the buffer"),
            Assert(~end | (design.is_stored == ~was_held), "a frame is stored unless the buffer was held"),
            Assert(design.end == end, "each frame is told"),
            Assert(~(end & design.is_good) | ((n[:2] == 0) & (n_words >= 2)),
                   "a good frame is of whole words, two at least"),
            Assert(~(end & design.is_good) | (~is_broken & (last == self.check)),
                   "a good frame is not broken, and ends with its check"),
            Assert(~(end & (n_words >= 2)) | (design.length == length), "the length is that of the payload"),
            Assert(~(end & (n_words >= 1)) | (header == first), "the header is the first word"),
            Assert(~was_end | (header == delay(m, header, 1)), HEADER_STANDS),
            Assert(~(end & design.is_good) | (since == GAP), GOOD_FRAMES_TAKE),
            Cover(end & design.is_good & design.is_stored & (design.length == DEPTH), "a frame that just fits"),
            Cover(end & design.is_good & (design.length > DEPTH), "a frame that does not fit"),
        ]
        return m


class DeframerRecovery(Component):
    """A deframer after anything, beside one that only begins behind a frame: they judge all frames alike.

    Both have the bytes of one decoder, which itself forgets (`cobs_recovery`), and one check, which is the same if
    it is of the same bytes.
    """

    data: In(8)
    valid: In(1)
    end: In(1)
    is_broken: In(1)
    check: In(32)
    hold: In(1)
    begin: In(1)

    def __init__(self, make=Deframer):
        self.make = make
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        is_begun, is_alike, was_bad, is_inside = Signal(), Signal(), Signal(), Signal()
        with m.If(self.valid | self.end):
            m.d.sync += is_inside.eq(self.valid)
        m.submodules.old = old = self.make(DEPTH)
        new = self.make(DEPTH)
        m.submodules.new = ResetInserter(~is_begun)(new)
        for deframer in (old, new):
            decoder, check = deframer.decoder, deframer.check
            empty(decoder)
            empty(check)
            m.d.comb += [
                *(getattr(decoder, name).eq(getattr(self, name)) for name in ("data", "valid", "end", "is_broken")),
                decoder.is_begun.eq(is_inside), check.check.eq(self.check), deframer.hold.eq(self.hold),
            ]
        end, was_inside = (delay(m, value, 1, reset=True) for value in (self.end, is_inside))
        with m.If(self.begin & self.end & ~is_begun):
            m.d.sync += is_begun.eq(1)
        m.d.sync += is_alike.eq(is_begun)
        with m.If(is_begun & ~is_alike):  # the end, as the old one sees it
            m.d.sync += was_bad.eq(~old.is_good)
        seen, fresh = old.check, new.check
        m.d.comb += Assume(~self.end | (is_inside & ~self.valid), "an end comes behind a byte, not with one")
        with m.If(is_alike):
            m.d.comb += [
                Assert((seen.start == fresh.start) & (seen.valid == fresh.valid), "the check is begun alike"),
                Assert(~seen.valid | (seen.data == fresh.data), "the check is of the same bytes"),
                Assert(was_inside | seen.start, "the check is begun with each frame"),
                Assert(~end | ((old.is_good == new.is_good) & (old.is_stored == new.is_stored)),
                       "frames are judged alike"),
                Assert(~(end & new.is_good) | ((old.header.as_value() == new.header.as_value())
                                                    & (old.length == new.length)),
                       "good frames have the same header and length"),
            ]
        m.d.comb += Cover(is_alike & was_bad & end & new.is_good, "a good frame behind a bad one")
        return m


JOBS = [
    Job(name="frame_loop", harness=FrameLoop, cover=36,
        claim="A deframer receives what a framer sends: header, length and words."),
    Job(name="deframer", harness=DeframerProperties, cover=28,
        claim="Whatever comes, a deframer writes its buffer only where it may, and calls no frame good that is not."),
    Job(name="deframer_recovery", harness=DeframerRecovery,
        claim="A deframer judges a frame by its own bytes alone, whatever came before the zero in front of it."),
]
