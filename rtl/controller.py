# SPDX-License-Identifier: Apache-2.0
"""The tile controller: command packets in, response packets out; mirrors golden."""
from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream
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
from rtl.folded_sequencer import FoldedSequencer
from rtl.formats import delay, shape_of
from rtl.manager import Manager
from rtl.memory import ANY_ON_COLLISION
from rtl.meter import Meter
from rtl.phases import TIMES
from rtl.planes import SIDE_LATENCY, WORD, SideBand
from rtl.position import Position
from rtl.programmer import Programmer
from rtl.registers import RegisterBank
from rtl.sequencer import Sequencer
from rtl.states import States
from rtl.stream import StreamWord

_STATES = ("HEADER", "DECODE", "PAYLOAD", "CHECK", "ACT", "RECALL", "RESUME", "STORE-FETCH", "STORE-WAIT", "STORE",
           "RUN", "SETTLE", "RESPOND", "RESULTS", "DATA-WAIT", "DATA")


class Controller(Component):
    """Answers command packets, one at a time and in order, as `golden.protocol` says.

    A packet is checked whole before anything is applied: what an engine needs goes straight into it, where it means
    nothing before it is started, and a plane's row into a buffer. One word a cycle comes in behind the header, which
    takes `Decoder.latency` + 2 cycles, and results go out one a cycle. Between a packet's last word and its response
    pass 6 cycles (5 where it is refused); storing a row takes 3 cycles a word more, and one behind an operation
    `settle_cycles`, in which the counters come to rest. A word of a plane takes 14 cycles, one of registers 8, or 7 in
    a rolled tile. Nothing is decided in the cycle in which it comes: so the clock does not depend on how much there is
    to decide.

    `engines` carry out the operations, each those of its `opcodes`; `rtl.engine.Engine` says how one is added. While
    an operation runs, an ABORT that stands at the input is taken out of turn, and answered behind the operation.

    Members: `i`, `o` streams of words; `abort`, a strobe from beside the stream; `irq`; `side` to the emulator,
    `coincidences` from it. The sequencer's `port` is the tile's analog port.
    """

    def __init__(self, config: TileConfig):
        self.config = config
        self.sequencer = FoldedSequencer(config) if config.folded else Sequencer(config)
        self.meter = self.sequencer.meter if config.folded else Meter(config)
        self.bank = RegisterBank(config)
        self.decoder, self.position = Decoder(config), Position(config)
        self.engines = [engine(config) for engine, name in ((RawCommands, None), (Manager, "managed"),
                                                            (Programmer, "programming"))
                        if name is None or name in config.engines]
        self.corrector = Corrector(config) if "correction" in config.engines else None
        self._read = Signal(signed(32), reset_less=True)
        coincident = config.rows * config.cols if config.pins else config.lanes  # in a cycle, at most
        super().__init__({
            "i": In(stream.Signature(StreamWord)), "o": Out(stream.Signature(StreamWord)),
            "abort": In(1), "irq": Out(1),
            "side": Out(SideBand(config)), "coincidences": In(range(coincident + 1)),
        })

    @property
    def settle_cycles(self) -> int:
        """From the end of an operation until all counters show it."""
        return self.meter.latency + self.bank.count_latency

    def elaborate(self, platform):
        m = Module()
        decoder, position, bank, sequencer = self.decoder, self.position, self.bank, self.sequencer
        m.submodules.decoder, m.submodules.position = decoder, position
        m.submodules.bank, m.submodules.sequencer = bank, sequencer

        opcode, argument, index = Signal(8), Signal(8), Signal(16)
        fault, is_last, has_bad_value, has_data, takes = Signal(Status), Signal(), Signal(), Signal(), Signal()
        word, header = self.i.payload, Cat(index, argument, opcode)
        start, is_resuming, is_acting, is_running, is_over = (Signal() for _ in range(5))
        is_aborting, owes_abort, is_resumable, aborted = Signal(), Signal(), Signal(), Signal.like(header)
        status, result_valid, result, result_ready = Signal(Status), Signal(), Signal(32), Signal()
        # how long it has waited, in cycles, with a bit for each time that is waited for
        times = {"decoded": decoder.latency, "judged": decoder.value_latency + 1, "settled": self.settle_cycles,
                 "plane": SIDE_LATENCY + 1, "register": bank.read_latency + 1}
        waited, is_complete = Signal(range(max(times.values()) + 1)), Signal()
        has = {name: Signal(name=f"has_{name}") for name in times}
        rewind = [waited.eq(0), *(is_over.eq(0) for is_over in has.values())]
        n_left, is_final, is_single, is_next = Signal.like(decoder.n_data), Signal(), Signal(), Signal()
        n_expected, is_last_expected = Signal.like(decoder.n_payload), Signal()
        stands_abort, is_header, data = Signal(), Signal(), Signal(32)
        count_down = [n_left.eq(n_left - 1), is_final.eq(n_left == 2)]
        kinds = {"engine": [each for engine in self.engines for each in engine.opcodes],
                 "resumed": [each for engine in self.engines if engine.resumes for each in engine.opcodes],
                 **{each.name: [each] for each in (Opcode.GET, Opcode.SET, Opcode.READ, Opcode.WRITE, Opcode.RESET,
                                                   Opcode.RESUME, Opcode.UPDATE)}}
        self.is_kind = {name: Signal(name=f"is_{name}") for name in kinds}
        is_kind, last_word = self.is_kind, Signal.like(position.n)
        m.d.sync += [
            *(is_it.eq(Value.cast(opcode).matches(*kinds[name])) for name, is_it in is_kind.items()),
            waited.eq(waited + 1), *(is_over.eq(waited == times[name] - 1) for name, is_over in has.items()),
            is_complete.eq(position.n == decoder.n_payload),
            last_word.eq(decoder.n_payload - 1), has_data.eq(decoder.n_data.any()), is_single.eq(decoder.n_data == 1),
            bank.write.eq(0), bank.clear.eq(0),
            stands_abort.eq(self.i.valid & word.first & word.last & (word.data[24:] == Opcode.ABORT)),
        ]
        m.d.comb += [
            decoder.opcode.eq(opcode), decoder.argument.eq(argument), decoder.index.eq(index),
            decoder.accepts.eq(bank.accepts), decoder.writable.eq(bank.writable),
            *([decoder.train.eq(bank.train)] if "train" in bank.map else []),
            decoder.resumable.eq(is_resumable), sequencer.abort.eq(is_aborting),
            bank.is_running.eq(is_acting | is_running), bank.aborted_slots.eq(Mux(is_resumable, sequencer.played, 0)),
        ]
        load, is_bad = self._load(m, fault, takes)
        with m.If(bank.changes):  # beside the packets: a setting of what was aborted
            m.d.sync += is_resumable.eq(0)
        states = States(m, _STATES)
        at, state, go = states.at, states.state, states.go
        is_abort = stands_abort & ~owes_abort
        m.d.comb += [
            self.i.ready.eq(at["HEADER"] & ~owes_abort | at["PAYLOAD"] & ~word.first | at["RUN"] & is_abort),
            takes.eq(at["PAYLOAD"] & self.i.valid & ~word.first), is_running.eq(at["RUN"]),
            self.side.write.eq(at["STORE"]), position.restart.eq(at["HEADER"] | at["ACT"] | at["RESPOND"]),
            position.step.eq(takes | at["STORE"] | is_next),
        ]
        with state("HEADER"):  # wait for a packet
            m.d.sync += [header.eq(Mux(word.first, word.data, 0)), owes_abort.eq(0), *rewind, is_header.eq(1),
                         fault.eq(Mux(word.first, Status.OK, Status.FRAMING)), is_last.eq(word.last)]
            with m.If(owes_abort):
                m.d.sync += [header.eq(header_of(Opcode.ABORT)), fault.eq(Status.OK), is_last.eq(1)]
                go("DECODE")
            with m.Elif(self.i.valid):
                go("DECODE")
        with state("DECODE"):  # a command that is wrong already is read to its end
            m.d.comb += is_acting.eq(1)
            m.d.sync += [has_bad_value.eq(0), load.is_expected.eq(decoder.n_payload.any()),
                         n_expected.eq(decoder.n_payload), is_last_expected.eq(decoder.n_payload == 1)]
            with m.If(has["decoded"]):
                with m.If(fault == Status.OK):
                    m.d.sync += fault.eq(decoder.fault)
                    with m.If((decoder.fault == Status.OK) & decoder.gives_up):
                        m.d.sync += is_resumable.eq(0)
                m.d.sync += rewind
                go("PAYLOAD")
                with m.If(is_last):
                    go("CHECK")
        with state("PAYLOAD"):  # a word that begins a packet is left for the next one
            m.d.sync += rewind
            with m.If(takes):
                m.d.sync += [n_expected.eq(n_expected - 1), is_last_expected.eq(n_expected == 2)]
                with m.If(is_last_expected):
                    m.d.sync += load.is_expected.eq(0)
            with m.If(self.i.valid & word.first):
                m.d.sync += fault.eq(Status.FRAMING)
                go("RESPOND")
            with m.Elif(self.i.valid & word.last):
                go("CHECK")
        with state("CHECK"):  # the packet is whole: judged to its last word, act on it, or refuse it
            m.d.comb += is_acting.eq(1)
            with m.If(has["judged"]):
                go("RESPOND")
                with m.If(fault == Status.OK):
                    with m.If(~is_complete):
                        m.d.sync += fault.eq(Status.BAD_LENGTH)
                    with m.Elif(has_bad_value):
                        m.d.sync += fault.eq(Status.BAD_VALUE)
                    with m.Else():
                        go("ACT")
        with state("ACT"):
            m.d.comb += [is_acting.eq(1), start.eq(is_kind["engine"])]
            m.d.sync += [bank.write.eq(is_kind["SET"]), bank.clear.eq(is_kind["RESET"])]
            go("RESPOND")
            with m.If(is_kind["WRITE"]):
                go("STORE-FETCH")
            with m.If(is_kind["engine"]):
                go("RUN")
            with m.If(is_kind["RESUME"]):
                m.d.sync += header.eq(aborted)
                go("RECALL")
        with state("RECALL"):  # whose engine the aborted operation is
            m.d.comb += is_acting.eq(1)
            go("RESUME")
        with state("RESUME"):  # its payload is still in place
            m.d.comb += [start.eq(1), is_resuming.eq(1), is_acting.eq(1)]
            go("RUN")
        with state("STORE-FETCH"):  # a word from the buffer
            go("STORE-WAIT")
        with state("STORE-WAIT"):
            go("STORE")
        with state("STORE"):  # into its plane
            go("STORE-FETCH")
            with m.If(position.n == last_word):
                go("RESPOND")
        with state("RUN"):  # an operation on the array
            m.d.sync += rewind
            with m.If(is_abort):
                m.d.sync += owes_abort.eq(1)
            with m.If(is_abort | self.abort | bank.abort):
                m.d.sync += is_aborting.eq(1)
            with m.If(is_over):
                m.d.sync += [fault.eq(status), is_aborting.eq(0), aborted.eq(header),
                             is_resumable.eq((status == Status.ABORTED) & is_kind["resumed"])]
                m.d.comb += bank.interrupts.eq(Mux(status == Status.OK, Interrupt.DONE, 0))
                go("SETTLE")
        with state("SETTLE"):  # the counters come to rest
            with m.If(has["settled"]):
                go("RESPOND")
        with state("RESPOND"):  # header
            is_refused = fault != Status.OK
            m.d.comb += [
                self.o.valid.eq(1), self.o.payload.first.eq(1),
                self.o.payload.last.eq(is_refused | ~has_data),
            ]
            m.d.sync += rewind
            with m.If(self.o.ready):
                m.d.sync += is_header.eq(0)
                m.d.comb += bank.interrupts.eq(Mux(is_refused, Interrupt.ERROR, 0))
                go("DATA-WAIT")
                with m.If(is_kind["engine"]):
                    go("RESULTS")
                with m.If(self.o.payload.last):
                    go("HEADER")
            m.d.sync += [n_left.eq(decoder.n_data), is_final.eq(is_single)]
        with state("RESULTS"):  # of an engine, as they come
            m.d.comb += [result_ready.eq(self.o.ready), self.o.valid.eq(result_valid),
                         self.o.payload.last.eq(is_final)]
            with m.If(result_valid & self.o.ready):
                m.d.sync += count_down
                with m.If(is_final):
                    go("HEADER")
        with state("DATA-WAIT"):  # words of planes and registers take their time to come
            m.d.sync += is_next.eq(0)
            with m.If(Mux(is_kind["READ"], has["plane"], has["register"])):
                go("DATA")
        with state("DATA"):
            m.d.comb += [self.o.valid.eq(1), self.o.payload.last.eq(is_final)]
            m.d.sync += rewind
            with m.If(self.o.ready):
                m.d.sync += [*count_down, is_next.eq(~is_final)]
                go("DATA-WAIT")
                with m.If(is_final):
                    go("HEADER")
        states.close()
        with m.If(is_bad):
            m.d.sync += has_bad_value.eq(1)
        # the response's word, chosen ahead of the state that gives it
        m.d.comb += [
            data.eq(Mux(is_kind["engine"], result, Mux(is_kind["GET"], bank.read, self._read))),
            self.o.payload.data.eq(Mux(is_header, Cat(Mux(fault == Status.OK, decoder.n_data, Const(0, 16)),
                                                      fault, Const(0, 8 - len(fault)), opcode), data)),
        ]

        own = {"opcode": opcode, "argument": argument, "index": index, "value": load.word, "n": load.n,
               "chunk": load.chunk, "lane": load.lane, "resume": is_resuming}
        self._engines(m, own, load.is_stored, start, is_over, status, (result, result_valid, result_ready))
        self._route(m, load, argument, index)
        self._correct(m, argument)
        self._settings(m)
        self._count(m, start, is_running)
        return m

    def _load(self, m: Module, fault: Signal, takes: Signal):
        """Payload words and their places, a cycle late; and whether one has turned out to be bad."""
        decoder, bank, position = self.decoder, self.bank, self.position
        load = Signal(data.StructLayout({
            "word": signed(32), "n": position.n.shape(), "chunk": position.chunk.shape(), "lane": position.lane.shape(),
            "is_first": 1, "is_expected": 1, "is_stored": 1}))
        m.d.sync += load.is_stored.eq(takes & load.is_expected & (fault == Status.OK))
        with m.If(takes):
            m.d.sync += [load.word.eq(self.i.payload.data), load.n.eq(position.n), load.chunk.eq(position.chunk),
                         load.lane.eq(position.lane), load.is_first.eq(position.n == 0)]
        m.d.comb += [decoder.value.eq(load.word), bank.value.eq(load.word), decoder.first.eq(load.is_first)]
        return load, delay(m, load.is_stored, decoder.value_latency, reset=True) & ~decoder.is_good

    def _engines(self, m: Module, own: dict, is_stored, start, is_over, status, result):
        """The engine whose opcode it is has the sequencer, and the controller's ear."""
        m.submodules.mux = mux = DriveMux(self.config, len(self.engines))
        payload, valid, ready = result
        if self.corrector is None:
            connect(m, mux.o, self.sequencer.drive)
        else:
            m.submodules.corrector = self.corrector
            connect(m, mux.o, self.corrector.i)
            connect(m, self.corrector.o, self.sequencer.drive)
        m.d.comb += self.bank.next_event.eq(mux.o.next_event)
        for number, engine in enumerate(self.engines):
            m.submodules[f"engine_{number}"] = engine
            control, is_chosen = engine.control, Signal(name=f"is_engine_{number}")
            connect(m, engine.drive, mux.engines[number])
            m.d.sync += is_chosen.eq(own["opcode"].matches(*engine.opcodes))
            m.d.comb += [
                *(getattr(control, name).eq(value) for name, value in own.items()),
                mux.select[number].eq(is_chosen),
                control.write.eq(is_stored & is_chosen), control.start.eq(start & is_chosen),
                control.result.ready.eq(ready & is_chosen),
            ]
            with m.If(is_chosen):
                m.d.comb += [is_over.eq(control.done), status.eq(control.status),
                             payload.eq(control.result.payload), valid.eq(control.result.valid),
                             *(getattr(self.bank, name).eq(getattr(control, name)) for name in OPERATIONS
                               if name in self.config.counters)]

    def _route(self, m: Module, load, argument: Signal, index: Signal):
        """Words of registers and planes to where they wait until the packet is whole."""
        bank, sequencer, side, position = self.bank, self.sequencer, self.side, self.position
        depth = max((shape.cols for shape in self.config.loadable.values()), default=1)
        more = self.config.way_registers
        m.submodules.buffer = buffer = Memory(shape=shape_of(WORD), init=[], depth=depth,
                                              attrs=ANY_ON_COLLISION)
        write, read = buffer.write_port(), buffer.read_port()
        m.d.sync += bank.read_index.eq(index + Mux(self.is_kind["GET"], position.n, 0))
        m.d.comb += [
            position.split.eq(self.is_kind["UPDATE"]), bank.index.eq(index),
            # a cycle late, as block RAM is where there is room; a row is stored long after its last word
            write.en.eq(delay(m, load.is_stored & self.is_kind["WRITE"], more, reset=True)),
            write.addr.eq(delay(m, load.n, more)), write.data.eq(delay(m, load.word, more)),
            read.addr.eq(position.n),
            side.plane.eq(argument), side.row.eq(index), side.chunk.eq(position.chunk), side.lane.eq(position.lane),
            side.value.eq(delay(m, read.data, 1)), side.seed.eq(bank.seed), side.event.eq(bank.event),
            side.noise_row.eq(sequencer.noise_row), side.first_slot.eq(sequencer.first_slot),
        ]

    def _correct(self, m: Module, plane: Signal):
        """Planes of the digital correction are here, all others at the far end of the side band."""
        corrector, side = self.corrector, self.side
        if corrector is None:
            m.d.comb += self._read.eq(side.read)
            return
        m.d.sync += self._read.eq(side.read)
        m.d.comb += [corrector.line.eq(self.position.n), corrector.value.eq(side.value),
                     corrector.correct.eq(self.bank.correct),
                     corrector.shifts.eq(self.bank.encoding == Encoding.SERIAL)]
        for each, write, value in ((Plane.CORRECTION_OFFSET, corrector.write_offset, corrector.read_offset),
                                   (Plane.CORRECTION_GAIN, corrector.write_gain, corrector.read_gain)):
            with m.If(plane == each):
                m.d.comb += write.eq(side.write)
                m.d.sync += self._read.eq(value)

    def _settings(self, m: Module):
        """Registers to those that they are for."""
        bank, sequencer = self.bank, self.sequencer
        m.d.comb += [getattr(sequencer, name).eq(getattr(bank, name)) for name in
                     (*TIMES, "watchdog", "encoding", "train", "half_select", "seed", "event") if name in bank.map]
        m.d.comb += [getattr(engine, name).eq(getattr(bank, name)) for engine in self.engines
                     for name in engine.settings if name in bank.map]

    def _count(self, m: Module, start: Signal, is_running: Signal):
        """The ledger's increments; an operation's own counts begin with it."""
        bank, sequencer, meter = self.bank, self.sequencer, self.meter
        if not self.config.folded:  # where the sequencer has it
            m.submodules.meter = meter
            for name in ("mode", "slot", "row_pulse", "col_pulse", "half_select"):
                m.d.comb += getattr(meter.port, name).eq(getattr(sequencer.port, name))
        counts = {
            **{name: delay(m, counted, self.meter.latency, reset=True) for name, counted in (
                ("emulation_cycles", is_running), ("chip_cycles", sequencer.chip_cycle))},  # as late as all others
            "coincidences": Mux(sequencer.port.mode == Mode.UPDATE, self.coincidences, 0),
            "conversions": Mux(sequencer.converted, sequencer.n_converted, 0),
            "saturations": Mux(sequencer.converted, sequencer.n_saturated, 0),
            **{name: getattr(meter, name) for name in meter.counts},
        }
        m.d.comb += [bank.begin.eq(start), self.irq.eq(bank.irq),
                     *(getattr(bank, name).eq(count) for name, count in counts.items() if name in self.config.counters)]
        with m.If(delay(m, sequencer.converted & sequencer.n_saturated.any(), 1, reset=True)):
            m.d.comb += bank.interrupts.eq(Interrupt.SATURATION)
