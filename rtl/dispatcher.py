# SPDX-License-Identifier: Apache-2.0
"""Between the serial link's buffers and the controller: hands over one command packet, and keeps its response."""
from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from golden.protocol import Opcode, header
from rtl.formats import delay
from rtl.memory import ANY_ON_COLLISION
from rtl.stream import StreamWord


class Dispatcher(Component):
    """Delivers a packet a word in three cycles, and collects the controller's response into block RAM.

    `start` delivers `length` words of the receive buffer, which holds still while `is_delivering`; `abort` sends an
    ABORT packet after it, whose own response is dropped. Both count as `is_running` until the controller owes
    nothing more; `done` strobes in the last cycle of that. `stall` leaves the kept response as it is for now.

    Parameters: `depth`, words of the longest packet; `registered`, whether a response is looked at a cycle after it has
    come, and a stall seen by then, and what was kept a cycle late: the controller is far away on a large chip.

    Members, besides those: `address` to the receive buffer, `word` from it two cycles later at most; `command`,
    `response` streams to and from the controller; `index` to the kept response, `kept` from it `read_latency` cycles
    later, `n_kept` words of it, and `clear`, which forgets them.
    """

    def __init__(self, depth: int, *, registered: bool = False):
        self.depth, self.registered, self.read_latency = depth, registered, 1 + registered
        count = range(depth + 1)
        super().__init__({
            "start": In(1), "length": In(count), "abort": In(1), "stall": In(1), "clear": In(1),
            "is_delivering": Out(1), "is_running": Out(1), "done": Out(1),
            "address": Out(range(depth)), "word": In(32),
            "command": Out(stream.Signature(StreamWord)), "response": In(stream.Signature(StreamWord)),
            "index": In(range(depth)), "kept": Out(32), "n_kept": Out(count),
        })

    def elaborate(self, platform):
        m = Module()
        opcode = self._deliver(m)
        is_kept, n, position = Signal(), Signal(range(self.depth + 1)), Signal(range(self.depth + 1))
        m.submodules.memory = memory = Memory(shape=32, depth=self.depth, init=[], attrs=ANY_ON_COLLISION)
        write, read = memory.write_port(), memory.read_port()

        # the response to the command is kept, that to an abort is not
        given, more = self.response.payload, int(self.registered)
        word, is_taken = delay(m, given, more), delay(m, self.response.valid & self.response.ready, more, reset=True)
        is_abort, was_aborting = (delay(m, each == Opcode.ABORT, more) for each in (given.data[24:], opcode))
        is_own, was_own, is_full = Signal(), Signal(), Signal()
        owed, owed_next = Signal(range(4)), Signal(range(4))
        is_last = is_taken & word.last
        m.d.comb += [
            self.response.ready.eq(delay(m, self.is_running & ~self.stall, more, reset=True)),
            is_own.eq(Mux(word.first, ~is_abort | was_aborting, was_own)),
            position.eq(Mux(word.first, 0, n)),
            is_kept.eq(is_taken & is_own & (word.first | ~is_full)),
            write.addr.eq(position), write.data.eq(word.data), write.en.eq(is_kept),
            read.addr.eq(self.index), self.kept.eq(delay(m, read.data, more)),
            self.is_running.eq(owed != 0),
            owed_next.eq(Mux(self.start, 1, owed + self.abort - is_last)),
            self.done.eq(is_last & (owed_next == 0)),
        ]
        m.d.sync += owed.eq(owed_next)
        with m.If(is_taken):
            m.d.sync += was_own.eq(is_own)
        with m.If(is_kept):
            m.d.sync += [n.eq(position + 1), self.n_kept.eq(position + 1), is_full.eq(position == self.depth - 1)]
        with m.If(self.start | self.clear):
            m.d.sync += self.n_kept.eq(0)
        return m

    def _deliver(self, m: Module) -> Signal:
        """The command's words, then the abort if there is one; returns the command's opcode."""
        opcode, n, length, is_abort = Signal(8), Signal(range(self.depth)), Signal(range(self.depth + 1)), Signal()
        command, word, is_first, is_last = self.command, self.command.payload, Signal(), Signal()
        m.d.comb += self.address.eq(n)
        with m.If(self.abort):
            m.d.sync += is_abort.eq(1)
        with m.FSM():
            with m.State("IDLE"):
                m.d.sync += [n.eq(0), length.eq(self.length)]
                with m.If(self.start):
                    m.next = "FETCH"
                with m.Elif(is_abort):
                    m.next = "ABORT"
            with m.State("FETCH"):
                m.d.comb += self.is_delivering.eq(1)
                m.d.sync += [is_first.eq(n == 0), is_last.eq(n == length - 1)]
                m.next = "WAIT"
            with m.State("WAIT"):
                m.d.comb += self.is_delivering.eq(1)
                m.next = "DELIVER"
            with m.State("DELIVER"):
                m.d.comb += [self.is_delivering.eq(1), command.valid.eq(1), word.data.eq(self.word),
                             word.first.eq(is_first), word.last.eq(is_last)]
                with m.If(is_first):
                    m.d.sync += opcode.eq(self.word[24:])
                with m.If(command.ready):
                    m.d.sync += n.eq(n + 1)
                    m.next = "FETCH"
                    with m.If(is_last):
                        m.next = "IDLE"
            with m.State("ABORT"):
                m.d.comb += [command.valid.eq(1), word.data.eq(header(Opcode.ABORT)), word.first.eq(1),
                             word.last.eq(1)]
                with m.If(command.ready):
                    m.d.sync += is_abort.eq(0)
                    m.next = "IDLE"
        return opcode
