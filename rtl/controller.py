# SPDX-License-Identifier: Apache-2.0
"""The tile controller: command packets in, response packets out; mirrors golden."""
from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import stream
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out, connect

from golden.config import Plane, TileConfig
from golden.protocol import Opcode, Status
from golden.protocol import header as header_of
from golden.pulses import Encoding
from golden.registers import Interrupt
from rtl.analog_port import Mode
from rtl.commands import RawCommands
from rtl.correction import Corrector
from rtl.decoder import Decoder
from rtl.drive import DriveMux
from rtl.engine import OPERATIONS
from rtl.formats import shape_of
from rtl.manager import Manager
from rtl.meter import Meter
from rtl.planes import SIDE_LATENCY, WORD, SideBand
from rtl.position import Position
from rtl.programmer import Programmer
from rtl.registers import RegisterBank
from rtl.sequencer import TIMES, Sequencer
from rtl.stream import StreamWord


class Controller(Component):
    """Answers command packets, one at a time and in order, as `golden.protocol` says.

    A packet is checked whole before anything is applied: what an engine needs goes straight into it, where it means
    nothing before it is started, and a plane's row into a buffer. One word a cycle comes in, one goes out. Between a
    packet's last word and its response pass 3 cycles (2 where it is refused), before the first data word 2 more;
    storing a row takes 2 cycles a word more, and reading one 3 cycles a word.

    `engines` carry out the operations, each those of its `opcodes`; `rtl.engine.Engine` says how one is added. While
    an operation runs, an ABORT that stands at the input is taken out of turn, and answered behind the operation.

    Members: `i`, `o` streams of words; `abort`, a strobe from beside the stream; `irq`; `side` to the emulator,
    `coincidences` from it. The sequencer's `port` is the tile's analog port.
    """

    def __init__(self, config: TileConfig):
        self.config = config
        self.sequencer, self.meter, self.bank = Sequencer(config), Meter(config), RegisterBank(config)
        self.decoder, self.position = Decoder(config), Position(config)
        self.engines = [RawCommands(config), Manager(config), Programmer(config)]
        self.corrector = Corrector(config)
        coincident = config.rows * config.cols if config.pins else config.lanes  # in a cycle, at most
        super().__init__({
            "i": In(stream.Signature(StreamWord)), "o": Out(stream.Signature(StreamWord)),
            "abort": In(1), "irq": Out(1),
            "side": Out(SideBand(config)), "coincidences": In(range(coincident + 1)),
        })

    def elaborate(self, platform):
        m = Module()
        decoder, position, bank, sequencer = self.decoder, self.position, self.bank, self.sequencer
        m.submodules.decoder, m.submodules.position = decoder, position
        m.submodules.bank, m.submodules.sequencer = bank, sequencer

        opcode, argument, index = Signal(8), Signal(8), Signal(16)
        fault, is_last, has_bad_value, is_stored = Signal(Status), Signal(), Signal(), Signal()
        word, header = self.i.payload, Cat(index, argument, opcode)
        start, is_resuming, is_acting, is_running, is_over = (Signal() for _ in range(5))
        n_waited = Signal(range(SIDE_LATENCY))
        is_aborting, owes_abort, is_resumable, aborted = Signal(), Signal(), Signal(), Signal.like(header)
        resumes = Cat(opcode == each for engine in self.engines if engine.resumes for each in engine.opcodes).any()
        status, result_valid, result, result_ready = Signal(Status), Signal(), Signal(32), Signal()
        read = Signal(signed(32))
        m.d.comb += [
            decoder.opcode.eq(opcode), decoder.argument.eq(argument), decoder.index.eq(index),
            decoder.value.eq(word.data), decoder.accepts.eq(bank.accepts), decoder.writable.eq(bank.writable),
            decoder.first.eq(position.n == 0), decoder.train.eq(bank.train),
            decoder.resumable.eq(is_resumable), sequencer.abort.eq(is_aborting),
            bank.is_running.eq(is_acting | is_running), bank.aborted_slots.eq(Mux(is_resumable, sequencer.played, 0)),
        ]
        with m.If(bank.changes):  # beside the packets: a setting of what was aborted
            m.d.sync += is_resumable.eq(0)
        with m.FSM():
            with m.State("HEADER"):  # wait for a packet
                m.d.comb += [self.i.ready.eq(~owes_abort), position.restart.eq(1)]
                m.d.sync += [header.eq(Mux(word.first, word.data, 0)), has_bad_value.eq(0), owes_abort.eq(0),
                             fault.eq(Mux(word.first, Status.OK, Status.FRAMING)), is_last.eq(word.last)]
                with m.If(owes_abort):
                    m.d.sync += [header.eq(header_of(Opcode.ABORT)), fault.eq(Status.OK)]
                    m.next = "RESPOND"
                with m.Elif(self.i.valid):
                    m.next = "DECODE"
            with m.State("DECODE"):  # a command that is wrong already is read to its end
                m.d.comb += is_acting.eq(1)
                with m.If(fault == Status.OK):
                    m.d.sync += fault.eq(decoder.fault)
                    with m.If((decoder.fault == Status.OK) & decoder.gives_up):
                        m.d.sync += is_resumable.eq(0)
                m.next = "PAYLOAD"
                with m.If(is_last):
                    m.next = "CHECK"
            with m.State("PAYLOAD"):  # a word that begins a packet is left for the next one
                m.d.comb += [self.i.ready.eq(~word.first), position.step.eq(self.i.valid & self.i.ready),
                             is_stored.eq(position.step & (fault == Status.OK) & (position.n < decoder.n_payload))]
                with m.If(is_stored & ~decoder.is_good):
                    m.d.sync += has_bad_value.eq(1)
                with m.If(self.i.valid & word.first):
                    m.d.sync += fault.eq(Status.FRAMING)
                    m.next = "RESPOND"
                with m.Elif(self.i.valid & word.last):
                    m.next = "CHECK"
            with m.State("CHECK"):  # the packet is whole: act on it, or refuse it
                m.d.comb += [position.restart.eq(1), is_acting.eq(1)]
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
                    with m.Case(*(each for engine in self.engines for each in engine.opcodes)):
                        m.d.comb += start.eq(1)
                        m.next = "RUN"
                    with m.Case(Opcode.RESUME):
                        m.d.sync += header.eq(aborted)
                        m.next = "RESUME"
            with m.State("RESUME"):  # the aborted operation, whose payload is still in place
                m.d.comb += [start.eq(1), is_resuming.eq(1), is_acting.eq(1)]
                m.next = "RUN"
            with m.State("STORE-FETCH"):  # a word from the buffer
                m.next = "STORE"
            with m.State("STORE"):  # into its plane
                m.d.comb += [self.side.write.eq(1), position.step.eq(1)]
                m.next = "STORE-FETCH"
                with m.If(position.n == decoder.n_payload - 1):
                    m.next = "RESPOND"
            with m.State("RUN"):  # an operation on the array
                is_abort = self.i.valid & word.first & word.last & (word.data[24:] == Opcode.ABORT) & ~owes_abort
                m.d.comb += [is_running.eq(1), self.i.ready.eq(is_abort)]
                with m.If(is_abort):
                    m.d.sync += owes_abort.eq(1)
                with m.If(is_abort | self.abort | bank.abort):
                    m.d.sync += is_aborting.eq(1)
                with m.If(is_over):
                    m.d.sync += [fault.eq(status), is_aborting.eq(0), aborted.eq(header),
                                 is_resumable.eq((status == Status.ABORTED) & resumes)]
                    m.d.comb += bank.interrupts.eq(Mux(status == Status.OK, Interrupt.DONE, 0))
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
                    m.d.comb += bank.interrupts.eq(Mux(is_refused, Interrupt.ERROR, 0))
                    m.next = "DATA-ADDRESS"
                    with m.If(self.o.payload.last):
                        m.next = "HEADER"
            with m.State("DATA-ADDRESS"):  # a plane's word takes its time to come
                m.d.sync += n_waited.eq(1)
                m.next = "DATA-FETCH"
            with m.State("DATA-FETCH"):
                m.d.sync += n_waited.eq(n_waited + 1)
                with m.If(n_waited == SIDE_LATENCY - 1):
                    m.next = "DATA"
            with m.State("DATA"):
                m.d.comb += [position.step.eq(self.o.valid & self.o.ready),
                             self.o.payload.last.eq(position.n == decoder.n_data - 1)]
                with m.Switch(opcode):
                    with m.Case(Opcode.GET):
                        m.d.comb += [self.o.valid.eq(1), self.o.payload.data.eq(bank.read)]
                    with m.Case(Opcode.READ):
                        m.d.comb += [self.o.valid.eq(1), self.o.payload.data.eq(read)]
                    with m.Default():
                        m.d.comb += [self.o.valid.eq(result_valid), self.o.payload.data.eq(result),
                                     result_ready.eq(self.o.ready)]
                with m.If(self.o.valid & self.o.ready):
                    with m.If(self.o.payload.last):
                        m.next = "HEADER"
                    with m.Elif(opcode == Opcode.READ):
                        m.next = "DATA-ADDRESS"

        own = {"opcode": opcode, "argument": argument, "index": index, "value": word.data,
               "n": position.n, "chunk": position.chunk, "lane": position.lane,
               "resume": is_resuming}
        self._engines(m, own, is_stored, start, is_over, status, (result, result_valid, result_ready))
        self._route(m, opcode, argument, index, is_stored)
        self._correct(m, argument, read)
        self._settings(m)
        self._count(m, start, is_running)
        return m

    def _engines(self, m: Module, own: dict, is_stored, start, is_over, status, result):
        """The engine whose opcode it is has the sequencer, and the controller's ear."""
        m.submodules.mux = mux = DriveMux(self.config, len(self.engines))
        data, valid, ready = result
        m.submodules.corrector = self.corrector
        connect(m, mux.o, self.corrector.i)
        connect(m, self.corrector.o, self.sequencer.drive)
        m.d.comb += self.bank.next_event.eq(mux.o.next_event)
        for number, engine in enumerate(self.engines):
            m.submodules[f"engine_{number}"] = engine
            control, is_chosen = engine.control, Signal(name=f"is_engine_{number}")
            connect(m, engine.drive, mux.engines[number])
            m.d.comb += [
                *(getattr(control, name).eq(value) for name, value in own.items()),
                is_chosen.eq(Cat(own["opcode"] == each for each in engine.opcodes).any()),
                control.write.eq(is_stored & is_chosen), control.start.eq(start & is_chosen),
                control.result.ready.eq(ready & is_chosen),
            ]
            with m.If(is_chosen):
                m.d.comb += [mux.select.eq(number), is_over.eq(control.done), status.eq(control.status),
                             data.eq(control.result.payload), valid.eq(control.result.valid),
                             *(getattr(self.bank, name).eq(getattr(control, name)) for name in OPERATIONS)]

    def _route(self, m: Module, opcode: Signal, argument: Signal, index: Signal, is_stored: Signal):
        """Words of registers and planes to where they wait until the packet is whole."""
        bank, sequencer, side, position = self.bank, self.sequencer, self.side, self.position
        word = self.i.payload.data
        depth = max((shape.cols for shape in self.config.loadable.values()), default=1)
        m.submodules.buffer = buffer = Memory(shape=shape_of(WORD), init=[], depth=depth)
        write, read, value = buffer.write_port(), buffer.read_port(), Signal(32)
        with m.If(is_stored):
            m.d.sync += value.eq(word)
        m.d.comb += [
            position.split.eq(opcode == Opcode.UPDATE),
            write.en.eq(is_stored & (opcode == Opcode.WRITE)), write.addr.eq(position.n), write.data.eq(word),
            read.addr.eq(position.n),
            bank.index.eq(index + Mux(opcode == Opcode.GET, position.n, 0)),
            bank.value.eq(Mux(bank.write, value, word)),
            side.plane.eq(argument), side.row.eq(index), side.chunk.eq(position.chunk), side.lane.eq(position.lane),
            side.value.eq(read.data), side.seed.eq(bank.seed), side.event.eq(bank.event),
            side.noise_row.eq(sequencer.noise_row), side.first_slot.eq(sequencer.first_slot),
        ]

    def _correct(self, m: Module, plane: Signal, read: Signal):
        """Planes of the digital correction are here, all others at the far end of the side band."""
        corrector, side = self.corrector, self.side
        m.d.comb += [corrector.line.eq(self.position.n), corrector.value.eq(side.value), read.eq(side.read),
                     corrector.correct.eq(self.bank.correct),
                     corrector.shifts.eq(self.bank.encoding == Encoding.SERIAL)]
        for each, write, value in ((Plane.CORRECTION_OFFSET, corrector.write_offset, corrector.read_offset),
                                   (Plane.CORRECTION_GAIN, corrector.write_gain, corrector.read_gain)):
            with m.If(plane == each):
                m.d.comb += [write.eq(side.write), read.eq(value)]

    def _settings(self, m: Module):
        """Registers to those that they are for."""
        bank, sequencer = self.bank, self.sequencer
        m.d.comb += [getattr(sequencer, name).eq(getattr(bank, name)) for name in
                     (*TIMES, "watchdog", "encoding", "train", "half_select", "seed", "event")]
        m.d.comb += [getattr(engine, name).eq(getattr(bank, name)) for engine in self.engines
                     for name in engine.settings]

    def _count(self, m: Module, start: Signal, is_running: Signal):
        """The ledger's increments; an operation's own counts begin with it."""
        bank, sequencer, meter = self.bank, self.sequencer, self.meter
        m.submodules.meter = meter
        for name in ("mode", "slot", "row_pulse", "col_pulse", "half_select"):
            m.d.comb += getattr(meter.port, name).eq(getattr(sequencer.port, name))
        m.d.comb += [
            bank.begin.eq(start), bank.emulation_cycles.eq(is_running), bank.chip_cycles.eq(sequencer.chip_cycle),
            bank.coincidences.eq(Mux(sequencer.port.mode == Mode.UPDATE, self.coincidences, 0)),
            *(getattr(bank, name).eq(getattr(meter, name)) for name in
              ("slots", "row_pulses", "col_pulses", "update_row_pulses", "update_col_pulses", "program_pulses",
               "half_selects")),
        ]
        with m.If(sequencer.converted):
            m.d.comb += [bank.conversions.eq(sequencer.n_converted), bank.saturations.eq(sequencer.n_saturated)]
            with m.If(sequencer.n_saturated.any()):
                m.d.comb += bank.interrupts.eq(Interrupt.SATURATION)
        m.d.comb += self.irq.eq(bank.irq)
