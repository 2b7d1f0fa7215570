# SPDX-License-Identifier: Apache-2.0
"""The tile controller: command packets in, response packets out; mirrors golden."""
from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal
from amaranth.lib import stream
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from golden.config import TileConfig
from golden.protocol import Opcode, Status
from golden.registers import Interrupt
from rtl.analog_port import Mode
from rtl.decoder import Decoder
from rtl.formats import shape_of
from rtl.planes import WORD, SideBand
from rtl.position import Position
from rtl.registers import RegisterBank
from rtl.sequencer import Sequencer
from rtl.stream import StreamWord


class Controller(Component):
    """Answers command packets, one at a time and in order, as `golden.protocol` says.

    A packet is checked whole before anything is applied: codes and levels go straight into the pulse generators,
    where they mean nothing before an operation starts, and a plane's row into a buffer. One word a cycle comes in,
    one goes out. Between a packet's last word and its response pass 3 cycles (2 where it is refused), before the
    first data word 2 more; storing a row takes 2 cycles a word more, and reading one 3 cycles a word.

    Members: `i`, `o` streams of words; `side` to the emulator, `coincidences` from it. The sequencer's `port` is
    the tile's analog port.
    """

    def __init__(self, config: TileConfig):
        self.config = config
        self.sequencer, self.bank = Sequencer(config), RegisterBank(config)
        self.decoder, self.position = Decoder(config), Position(config)
        coincident = config.rows * config.cols if config.pins else config.lanes  # in a cycle, at most
        super().__init__({
            "i": In(stream.Signature(StreamWord)), "o": Out(stream.Signature(StreamWord)),
            "side": Out(SideBand(config)), "coincidences": In(range(coincident + 1)),
        })

    def elaborate(self, platform):
        m = Module()
        decoder, position, bank, sequencer = self.decoder, self.position, self.bank, self.sequencer
        m.submodules.decoder, m.submodules.position = decoder, position
        m.submodules.bank, m.submodules.sequencer = bank, sequencer

        opcode, argument, index = Signal(8), Signal(8), Signal(16)
        fault, is_last, has_bad_value, is_stored = Signal(Status), Signal(), Signal(), Signal()
        is_running, is_acting, is_operation, word = Signal(), Signal(), Signal(), self.i.payload
        m.d.comb += [
            decoder.opcode.eq(opcode), decoder.argument.eq(argument), decoder.index.eq(index),
            decoder.value.eq(word.data), decoder.accepts.eq(bank.accepts), decoder.writable.eq(bank.writable),
            decoder.train.eq(bank.train),
            is_operation.eq((opcode >= Opcode.FORWARD) & (opcode <= Opcode.UPDATE)),
            is_stored.eq(self.i.valid & self.i.ready & (fault == Status.OK) & (position.n < decoder.n_payload)),
            bank.is_running.eq(is_acting | is_running),
        ]
        with m.FSM():
            with m.State("HEADER"):  # wait for a packet
                m.d.comb += [self.i.ready.eq(1), position.restart.eq(1)]
                m.d.sync += [Cat(index, argument, opcode).eq(Mux(word.first, word.data, 0)), has_bad_value.eq(0),
                             fault.eq(Mux(word.first, Status.OK, Status.FRAMING)), is_last.eq(word.last)]
                with m.If(self.i.valid):
                    m.next = "DECODE"
            with m.State("DECODE"):  # a command that is wrong already is read to its end
                with m.If(fault == Status.OK):
                    m.d.sync += fault.eq(decoder.fault)
                m.next = "PAYLOAD"
                with m.If(is_last):
                    m.next = "CHECK"
            with m.State("PAYLOAD"):  # a word that begins a packet is left for the next one
                m.d.comb += [self.i.ready.eq(~word.first), position.step.eq(self.i.valid & self.i.ready)]
                with m.If(is_stored & ~decoder.is_good):
                    m.d.sync += has_bad_value.eq(1)
                with m.If(self.i.valid & word.first):
                    m.d.sync += fault.eq(Status.FRAMING)
                    m.next = "RESPOND"
                with m.Elif(self.i.valid & word.last):
                    m.next = "CHECK"
            with m.State("CHECK"):  # the packet is whole: act on it, or refuse it
                m.d.comb += position.restart.eq(1)
                m.next = "RESPOND"
                with m.If(fault == Status.OK):
                    with m.If(position.n != decoder.n_payload):
                        m.d.sync += fault.eq(Status.BAD_LENGTH)
                    with m.Elif(has_bad_value):
                        m.d.sync += fault.eq(Status.BAD_VALUE)
                    with m.Else():
                        m.next = "ACT"
            with m.State("ACT"):
                m.d.comb += is_acting.eq(1)
                m.next = "RESPOND"
                with m.Switch(opcode):
                    with m.Case(Opcode.SET):
                        m.d.comb += bank.write.eq(1)
                    with m.Case(Opcode.RESET):
                        m.d.comb += bank.clear.eq(1)
                    with m.Case(Opcode.WRITE):
                        m.next = "STORE-FETCH"
                    with m.Case(Opcode.FORWARD, Opcode.BACKWARD, Opcode.UPDATE):
                        m.d.comb += sequencer.start.eq(1)
                        m.next = "RUN"
            with m.State("STORE-FETCH"):  # a word from the buffer
                m.next = "STORE"
            with m.State("STORE"):  # into its plane
                m.d.comb += [self.side.write.eq(1), position.step.eq(1)]
                m.next = "STORE-FETCH"
                with m.If(position.n == decoder.n_payload - 1):
                    m.next = "RESPOND"
            with m.State("RUN"):  # an operation on the array
                m.d.comb += is_running.eq(1)
                with m.If(sequencer.done):
                    m.d.comb += bank.next_event.eq(1)
                    m.next = "RESPOND"
            with m.State("RESPOND"):  # header
                is_refused = fault != Status.OK
                m.d.comb += [
                    position.restart.eq(1), self.o.valid.eq(1), self.o.payload.first.eq(1),
                    self.o.payload.last.eq(is_refused | (decoder.n_data == 0)),
                    self.o.payload.data.eq(Cat(Mux(is_refused, Const(0, 16), decoder.n_data),
                                               fault, Const(0, 8 - len(fault)), opcode)),
                ]
                with m.If(self.o.ready):
                    m.d.comb += bank.interrupts.eq(Mux(is_refused, Interrupt.ERROR,
                                                       Mux(is_operation, Interrupt.DONE, 0)))
                    m.next = "DATA-ADDRESS"
                    with m.If(self.o.payload.last):
                        m.next = "HEADER"
            with m.State("DATA-ADDRESS"):  # a plane's word takes two cycles to come
                m.next = "DATA-FETCH"
            with m.State("DATA-FETCH"):
                m.next = "DATA"
            with m.State("DATA"):
                m.d.comb += [self.o.valid.eq(1), position.step.eq(self.o.ready),
                             self.o.payload.last.eq(position.n == decoder.n_data - 1)]
                self._data(m, opcode)
                with m.If(self.o.ready):
                    with m.If(self.o.payload.last):
                        m.next = "HEADER"
                    with m.Elif(opcode == Opcode.READ):
                        m.next = "DATA-ADDRESS"

        self._route(m, opcode, argument, index, is_stored)
        self._count(m, opcode, is_running)
        return m

    def _data(self, m: Module, opcode: Signal):
        """The word of a response at `position`."""
        n = self.config.n_converters
        code = Array(self.sequencer.codes)[self.position.n[:(n - 1).bit_length()]]
        data = self.o.payload.data
        with m.Switch(opcode):
            with m.Case(Opcode.GET):
                m.d.comb += data.eq(self.bank.read)
            with m.Case(Opcode.READ):
                m.d.comb += data.eq(self.side.read)
            with m.Default():
                m.d.comb += data.eq(code)
                is_rail = (code == self.config.adc.code.max) | (code == self.config.adc.code.min)
                m.d.comb += self.bank.saturations.eq(self.o.ready & is_rail)
                with m.If(self.bank.saturations.any()):
                    m.d.comb += self.bank.interrupts.eq(Interrupt.SATURATION)

    def _route(self, m: Module, opcode: Signal, argument: Signal, index: Signal, is_stored: Signal):
        """Payload words to where they wait until the packet is whole."""
        bank, sequencer, side, position = self.bank, self.sequencer, self.side, self.position
        width, train, word = sequencer.width, sequencer.train, self.i.payload.data
        depth = max((shape.cols for shape in self.config.loadable.values()), default=1)
        m.submodules.buffer = buffer = Memory(shape=shape_of(WORD), init=[], depth=depth)
        write, read, value = buffer.write_port(), buffer.read_port(), Signal(32)
        with m.If(is_stored):
            m.d.sync += value.eq(word)
        m.d.comb += [
            position.split.eq(opcode == Opcode.UPDATE),
            write.en.eq(is_stored & (opcode == Opcode.WRITE)), write.addr.eq(position.n), write.data.eq(word),
            read.addr.eq(position.n),
            width.write.eq(is_stored & ((opcode == Opcode.FORWARD) | (opcode == Opcode.BACKWARD))),
            width.index.eq(position.n), width.code.eq(word),
            train.write.eq(is_stored & (opcode == Opcode.UPDATE)),
            train.chunk.eq(position.chunk), train.lane.eq(position.lane), train.value.eq(word),
            bank.index.eq(index + Mux(opcode == Opcode.GET, position.n, 0)),
            bank.value.eq(Mux(bank.write, value, word)),
            side.plane.eq(argument), side.row.eq(index), side.chunk.eq(position.chunk), side.lane.eq(position.lane),
            side.value.eq(read.data), side.seed.eq(bank.seed), side.event.eq(bank.event),
            sequencer.bl.eq(argument), train.kind.eq(bank.train),
        ]
        m.d.comb += [getattr(sequencer, name).eq(getattr(bank, name))
                     for name in ("t_slot", "t_settle", "t_hold", "t_convert", "seed", "event")]
        with m.Switch(opcode):
            for each in (Mode.FORWARD, Mode.BACKWARD, Mode.UPDATE):
                with m.Case(Opcode[each.name]):
                    m.d.comb += sequencer.mode.eq(each)

    def _count(self, m: Module, opcode: Signal, is_running: Signal):
        """The ledger's increments; pulses of codes are summed up while they load."""
        bank, sequencer, config = self.bank, self.sequencer, self.config
        code = self.sequencer.width.code
        n_slots = Signal(range(config.n_converters * config.code.max + 1))
        with m.If(sequencer.width.write):
            m.d.sync += n_slots.eq(Mux(self.position.n == 0, 0, n_slots) + Mux(code < 0, -code, code))
        m.d.comb += [
            bank.emulation_cycles.eq(is_running), bank.chip_cycles.eq(sequencer.chip_cycle),
            bank.coincidences.eq(self.coincidences), bank.begin.eq(sequencer.start), bank.slots.eq(sequencer.port.slot),
            bank.row_pulses.eq(sequencer.row_count), bank.col_pulses.eq(sequencer.col_count),
            bank.update_row_pulses.eq(sequencer.row_count), bank.update_col_pulses.eq(sequencer.col_count),
        ]
        with m.If(sequencer.start):
            with m.Switch(opcode):
                with m.Case(Opcode.FORWARD):
                    m.d.comb += [bank.forwards.eq(1), bank.row_pulses.eq(n_slots), bank.conversions.eq(config.cols)]
                with m.Case(Opcode.BACKWARD):
                    m.d.comb += [bank.backwards.eq(1), bank.col_pulses.eq(n_slots), bank.conversions.eq(config.rows)]
                with m.Case(Opcode.UPDATE):
                    m.d.comb += bank.updates.eq(1)
