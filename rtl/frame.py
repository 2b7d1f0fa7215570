# SPDX-License-Identifier: Apache-2.0
"""Frames of the serial link, received into a buffer and sent from one; mirrors golden."""
from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, stream
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out, connect

from golden.frame import Kind
from rtl.cobs import CobsDecoder, CobsEncoder, FrameByte
from rtl.crc import Check
from rtl.formats import delay
from rtl.memory import ANY_ON_COLLISION
from rtl.states import States
from rtl.stream import StreamRegister

Header = data.StructLayout({"kind": 8, "session": 8, "sequence": 16})


class Deframer(Component):
    """Receives frames, the payload into block RAM of `depth` words.

    A strobe `end` comes two cycles behind a frame's last byte, with `header`, `length` of the payload in words (of more
    than `depth`, depth + 1), `is_good` (the check agrees), `is_stored` (all of the payload that fits is in the buffer).
    `is_ending` is high in that cycle and in the one before.
    The last four bytes of a frame are its check, which is known only at the end: so each byte goes into the CRC
    when four others have come behind it.

    Parameters: `depth`; `registered`, whether words go into the buffer and out of it a cycle late, for a fast clock.
    Members: `i` stream of bytes, always ready; `break_off` in; `hold` keeps the buffer as it is; `address` in, `word`
    out `read_latency` cycles later: block RAM, and a register behind it where they are `registered`.
    """

    def __init__(self, depth: int, *, registered: bool = False):
        self.read_latency = 1 + registered
        self.depth, self.registered, self.decoder, self.check = depth, registered, CobsDecoder(), Check()
        super().__init__({
            "i": In(stream.Signature(8, always_ready=True)), "break_off": In(1), "hold": In(1),
            "is_ending": Out(1), "end": Out(1), "header": Out(Header), "length": Out(range(depth + 2)),
            "is_good": Out(1), "is_stored": Out(1), "address": In(range(depth)), "word": Out(32),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.decoder = decoder = self.decoder
        m.submodules.check = check = self.check
        m.submodules.buffer = buffer = Memory(shape=32, depth=self.depth, init=[], attrs=ANY_ON_COLLISION)
        write, read = buffer.write_port(), buffer.read_port()

        byte, late = delay(m, decoder.data, 1), int(self.registered)
        is_byte, is_end, is_broken, is_begun = (delay(m, value, 1, reset=True) for value in (
            decoder.valid, decoder.end, decoder.is_broken, decoder.is_begun))
        word, n_bytes = Signal(32, reset_less=True), Signal(2)
        n_words = Signal(range(self.depth + 4))  # header and check included; enough to know that it is too long
        whole, is_whole = Cat(word[8:], byte), is_byte & (n_bytes == 3)
        m.d.comb += [
            decoder.i.payload.eq(self.i.payload), decoder.i.valid.eq(self.i.valid),
            decoder.break_off.eq(self.break_off),
            check.data.eq(word[:8]), check.valid.eq(is_byte & (n_words > 0)), check.start.eq(~is_begun),
            write.addr.eq(delay(m, n_words - 1, late)), write.data.eq(delay(m, whole, late)),
            write.en.eq(delay(m, is_whole & (n_words > 0) & (n_words <= self.depth) & ~self.hold, late, reset=True)),
            read.addr.eq(self.address), self.word.eq(delay(m, read.data, late)),
            self.end.eq(is_end), self.is_ending.eq(decoder.end | is_end),
            self.is_good.eq(~is_broken & (n_bytes == 0) & n_words[1:].any() & (word == check.check)),
        ]
        with m.If(is_byte):
            m.d.sync += [word.eq(whole), n_bytes.eq(n_bytes + 1)]
        with m.If(is_whole):
            with m.If(n_words != self.depth + 3):
                m.d.sync += [n_words.eq(n_words + 1), self.length.eq(n_words - 1)]
            with m.If(n_words == 0):
                m.d.sync += self.header.eq(whole)
        with m.If(is_end):
            m.d.sync += [n_bytes.eq(0), n_words.eq(0)]
        m.d.sync += self.is_stored.eq(~self.hold & (self.is_stored | ~is_begun))
        return m


class Framer(Component):
    """Sends one frame at a time, its payload word by word from wherever it is kept.

    Parameters: `depth`; `registered`, whether bytes go through a register to what stuffs them, for a fast clock.
    `start` (while not busy) takes `header` and `length`, 0..depth words of payload. Payload word `index` is then
    taken from `word`, which must follow `index` by four cycles at most. Members: `o` stream of bytes; `is_busy` from
    the cycle after `start` until the last byte is gone; `kind` of the frame then.
    """

    def __init__(self, depth: int, *, registered: bool = False):
        self.depth, self.registered, self.encoder, self.check = depth, registered, CobsEncoder(), Check()
        super().__init__({
            "start": In(1), "header": In(Header), "length": In(range(depth + 1)), "index": Out(range(depth + 1)),
            "word": In(32), "is_busy": Out(1), "kind": Out(Kind), "o": Out(stream.Signature(8)),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.encoder = encoder = self.encoder
        m.submodules.check = check = self.check
        length, word, n_bytes = Signal(range(self.depth + 1)), Signal(32, reset_less=True), Signal(2)
        is_check, is_first = Signal(), Signal()
        is_over = delay(m, self.index == length, 1)  # both stand for as long as a word is sent
        stuffed = encoder.i
        if self.registered:
            m.submodules.register = register = StreamRegister(FrameByte)
            connect(m, register.o, encoder.i)
            stuffed = register.i
        taken = stuffed.valid & stuffed.ready
        m.d.comb += [
            self.is_busy.eq(1),
            stuffed.payload.data.eq(word[:8]), stuffed.payload.last.eq(is_check & (n_bytes == 3)),
            check.data.eq(word[:8]), check.valid.eq(taken & ~is_check), check.start.eq(is_first),
        ]

        words = States(m, ("IDLE", "SEND", "LOAD"))
        with words.state("IDLE"):
            m.d.sync += [word.eq(self.header), length.eq(self.length), is_check.eq(0), is_first.eq(1),
                         self.index.eq(0)]
            with m.If(self.start):
                m.d.sync += self.kind.eq(self.header.kind)
                words.go("SEND")
        with words.state("SEND"):  # a word, low byte first
            m.d.comb += stuffed.valid.eq(1)
            with m.If(taken):
                m.d.sync += [word.eq(word[8:]), n_bytes.eq(n_bytes + 1), is_first.eq(0)]
                with m.If(n_bytes == 3):
                    words.go("LOAD")
                    with m.If(is_check):
                        words.go("IDLE")
        with words.state("LOAD"):  # the next word of the payload, and the check after the last
            with m.If(is_over):
                m.d.sync += [word.eq(check.check), is_check.eq(1)]
            with m.Else():
                m.d.sync += [word.eq(self.word), self.index.eq(self.index + 1)]
            words.go("SEND")
        words.close()

        line = States(m, ("IDLE", "OPEN", "BODY", "CLOSE"))
        with line.state("IDLE"):
            m.d.comb += self.is_busy.eq(0)
            with m.If(self.start):
                line.go("OPEN")
        with line.state("OPEN"):  # ends what may stand before it on the line
            m.d.comb += self.o.valid.eq(1)
            with m.If(self.o.ready):
                line.go("BODY")
        with line.state("BODY"):
            m.d.comb += [self.o.valid.eq(encoder.o.valid), self.o.payload.eq(encoder.o.payload.data),
                         encoder.o.ready.eq(self.o.ready)]
            with m.If(encoder.o.valid & encoder.o.payload.last & self.o.ready):
                line.go("CLOSE")
        with line.state("CLOSE"):
            m.d.comb += self.o.valid.eq(1)
            with m.If(self.o.ready):
                line.go("IDLE")
        line.close()
        return m
