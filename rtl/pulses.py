# SPDX-License-Identifier: Apache-2.0
"""Pulse generators of the digital half; mirrors golden."""
from functools import reduce
from operator import and_, or_

from amaranth.hdl import Cat, EnableInserter, Module, Mux, Signal
from amaranth.lib.wiring import Component, In, Out

from golden.config import LEVEL, MAX_BL, MAX_LEVEL, TileConfig
from golden.formats import Format
from golden.noise import Stream
from golden.pulses import LEVEL_FRAC, TRAIN_WORD, Train
from rtl.formats import delay, round_half_even, shape_of
from rtl.noise import UniformLanes
from rtl.planes import LaneMemory

_SUM = Format(MAX_LEVEL.bit_length(), signed=False)


class PulseWidth(Component):
    """Pulse width: line n is on for the first |code| slots, with the code's sign as its polarity.

    A slot is one comparison for equality a line: `restart` turns on the lines of non-zero codes, and every
    `advance` turns off those whose width has been played. Widths are kept bit by bit over all lines, which is
    the same logic and much less text than a counter a line.

    Members: `write`, `index`, `code` load one line; `restart`, `advance` in; `pulses`, `negative` out. `serial` is
    bit number `bit` of each line's magnitude, for bit-serial codes.
    """

    def __init__(self, config: TileConfig):
        self.config = config
        n = config.n_converters
        super().__init__({
            "write": In(1), "index": In(range(n)), "code": In(shape_of(config.code)),
            "restart": In(1), "advance": In(1), "pulses": Out(n), "negative": Out(n),
            "bit": In(3), "serial": Out(n),
        })

    def elaborate(self, platform):
        m = Module()
        n, bits = self.config.n_converters, self.config.code_bits - 1

        width, line = Signal(bits), Signal(n)
        planes = [Signal(n, name=f"plane_{bit}", reset_less=True) for bit in range(bits)]
        m.d.comb += [width.eq(Mux(self.code < 0, -self.code, self.code)), line.eq(1 << self.index)]
        with m.If(self.write):
            for plane, bit in zip((*planes, self.negative), (*width, self.code < 0), strict=True):
                m.d.sync += plane.eq(Mux(bit, plane | line, plane & ~line))

        played, is_over = Signal(bits), Signal(n)
        m.d.comb += is_over.eq(_all(~(plane ^ bit.replicate(n)) for plane, bit in zip(planes, played, strict=True)))
        with m.If(self.restart):
            m.d.sync += [played.eq(1), self.pulses.eq(_any(planes))]
        with m.Elif(self.advance):
            m.d.sync += [played.eq(played + 1), self.pulses.eq(self.pulses & ~is_over)]
        with m.Switch(self.bit):
            for number, plane in enumerate(planes):
                with m.Case(number):
                    m.d.comb += self.serial.eq(plane)
        return m


def _any(vectors):
    return reduce(or_, vectors)


def _all(vectors):
    return reduce(and_, vectors)


class _TrainPipeline(Component):
    """Makes the pulses of a chunk of P lines in a slot: one chunk a cycle, `latency` cycles later.

    Slots come in order, each with all its chunks: a train that is spread evenly keeps a sum a line.
    """

    def __init__(self, config: TileConfig, row_chunks: int):
        self.config, self.row_chunks = config, row_chunks
        self.chunks = row_chunks + config.chunks
        self.uniform = UniformLanes(config.lanes, max(row_chunks, config.chunks), config.rounds)
        super().__init__({
            "write": In(1), "write_chunk": In(range(self.chunks)), "lane": In(range(config.lanes)),
            "value": In(shape_of(TRAIN_WORD)), "kind": In(Train), "bl": In(range(MAX_BL + 1)),
            "seed": In(32), "event": In(32),
            "clear": In(1), "ask": In(1), "ask_chunk": In(range(self.chunks)), "slot": In(range(MAX_BL + 1)),
            "valid": Out(1), "chunk": Out(range(self.chunks)), "made_slot": Out(range(MAX_BL + 1)),
            "pulses": Out(config.lanes),
        })

    @property
    def latency(self) -> int:
        return self.uniform.latency + 1

    def elaborate(self, platform):
        m = Module()
        lanes, n_fetch = self.config.lanes, self.uniform.latency - 1
        m.submodules.uniform = uniform = self.uniform
        m.submodules.stored = stored = LaneMemory(TRAIN_WORD, self.chunks, lanes)
        m.submodules.sums = sums = LaneMemory(_SUM, self.chunks, lanes)

        is_row = self.ask_chunk < self.row_chunks
        m.d.comb += [
            uniform.seed.eq(self.seed), uniform.event.eq(self.event), uniform.slot.eq(self.slot),
            uniform.stream.eq(Mux(is_row, Stream.ROW_TRAIN, Stream.COLUMN_TRAIN)),
            uniform.chunk.eq(Mux(is_row, self.ask_chunk, self.ask_chunk - self.row_chunks)),
            stored.address.eq(delay(m, self.ask_chunk, n_fetch)), sums.address.eq(stored.address),
            sums.write_address.eq(delay(m, stored.address, 1)),
            self.chunk.eq(delay(m, stored.address, 2)),
        ]
        m.d.comb += self.made_slot.eq(delay(m, self.slot, uniform.latency + 1))
        flight = Signal(uniform.latency)
        m.d.sync += Cat(flight, self.valid).eq(Mux(self.clear, 0, Cat(self.ask, flight)))
        self._store(m, stored)

        # a pulse where the sum passes its modulus; half of it to begin with
        slot, is_asked = delay(m, self.slot, n_fetch + 1), delay(m, self.ask, n_fetch + 1, reset=True)
        late_row, modulus = delay(m, is_row, n_fetch + 1), Signal(range(MAX_LEVEL + 1))
        m.d.comb += [modulus.eq(Mux(self.kind == Train.MEAN_COUNT, self.bl, MAX_LEVEL)),
                     sums.write_mask.eq(is_asked.replicate(lanes))]
        for lane in range(lanes):
            value = stored.values[lane]
            before = Mux(slot == 0, modulus >> 1, sums.values[lane])
            total, is_passed = Signal(range(2 * MAX_LEVEL), name=f"total_{lane}"), Signal(name=f"is_passed_{lane}")
            m.d.comb += [total.eq(before + value[:_SUM.bits]), is_passed.eq(total >= modulus),
                         sums.write_values[lane].eq(Mux(is_passed, total - modulus, total))]
            with m.Switch(self.kind):
                with m.Case(Train.STOCHASTIC):
                    m.d.sync += self.pulses[lane].eq(uniform.draws[lane] < value[:_SUM.bits])
                with m.Case(Train.WORDS):
                    m.d.sync += self.pulses[lane].eq(value.bit_select(slot + 1, 1))
                with m.Default():
                    m.d.sync += self.pulses[lane].eq(Mux(late_row, slot < value[:_SUM.bits], is_passed))
        return m

    def _store(self, m: Module, stored: LaneMemory):
        """A line's value to its word: the magnitude of its level, the count of its pulses, or the train itself."""
        level, magnitude = Signal(shape_of(LEVEL)), Signal(range(MAX_LEVEL + 1))
        count = round_half_even(magnitude * self.bl, LEVEL_FRAC)
        is_counted = (self.kind == Train.MEAN_COUNT) | (
            (self.kind == Train.IMPLICIT) & (self.write_chunk < self.row_chunks))
        word = Mux(self.kind == Train.WORDS, self.value.as_unsigned(), Mux(is_counted, count, magnitude))
        m.d.comb += [level.eq(self.value), magnitude.eq(Mux(level < 0, -level, level)),
                     stored.write_address.eq(self.write_chunk), stored.write_mask.eq(self.write << self.lane),
                     *(value.eq(word) for value in stored.write_values)]


class PulseTrain(Component):
    """Trains on all rows and columns, of the kinds of `golden.pulses.Train`.

    One set of P lanes serves all lines, chunk by chunk, a slot ahead of the one being played: from
    `start`, `ready` says that the pulses of the next slot stand, and `advance` takes them. A slot takes
    `chunks` = ceil(R / P) + ceil(C / P) cycles; the first one `latency` more.

    Members: `write`, `chunk`, `lane`, `value` load one line (row chunks first, then column chunks), a level or a
    word, while `kind` and `bl` stand as in the operation; `start`, `advance`, `seed`, `event` in; `ready`,
    `row_pulses`, `col_pulses`, `row_negative`, `col_negative` out. The train begins with `first_slot`, taken at
    `start`; making the slots before it takes as long as ever. `stop` ends a train before its time.
    """

    def __init__(self, config: TileConfig):
        self.config = config
        self.row_chunks = -(-config.rows // config.lanes)
        self.chunks = self.row_chunks + config.chunks
        self.pipeline = _TrainPipeline(config, self.row_chunks)
        super().__init__({
            "write": In(1), "chunk": In(range(self.chunks)), "lane": In(range(config.lanes)),
            "value": In(shape_of(TRAIN_WORD)), "kind": In(Train),
            "start": In(1), "stop": In(1), "bl": In(range(MAX_BL + 1)), "advance": In(1),
            "seed": In(32), "event": In(32),
            "ready": Out(1), "row_pulses": Out(config.rows), "col_pulses": Out(config.cols),
            "row_negative": Out(config.rows), "col_negative": Out(config.cols),
            "first_slot": In(range(MAX_BL + 1)),
        })

    @property
    def latency(self) -> int:
        """Cycles from `start` to the first `ready`, beyond those of a slot."""
        return self.pipeline.latency + 1

    def elaborate(self, platform):
        m = Module()
        lanes, pipeline = self.config.lanes, self.pipeline

        # everything waits while a slot stands that has not been taken
        is_moving, is_made = Signal(), Signal()
        m.submodules.pipeline = EnableInserter(is_moving)(pipeline)
        m.d.comb += [is_moving.eq(~(pipeline.valid & self.ready & ~self.advance) | self.stop),
                     is_made.eq(pipeline.valid & is_moving & ~self.stop), pipeline.clear.eq(self.stop)]

        # ask for chunk after chunk, slot after slot
        with m.If(self.stop):
            m.d.sync += pipeline.ask.eq(0)
        with m.Elif(self.start):
            m.d.sync += [pipeline.ask.eq(1), pipeline.ask_chunk.eq(0), pipeline.slot.eq(0)]
        with m.Elif(pipeline.ask & is_moving):
            m.d.sync += pipeline.ask_chunk.eq(pipeline.ask_chunk + 1)
            with m.If(pipeline.ask_chunk == self.chunks - 1):
                m.d.sync += [pipeline.ask_chunk.eq(0), pipeline.slot.eq(pipeline.slot + 1),
                             pipeline.ask.eq(pipeline.slot + 1 != self.bl)]

        # gather the chunks of a slot
        with m.If(self.advance | self.stop):
            m.d.sync += self.ready.eq(0)
        first = Signal.like(self.first_slot)
        with m.If(self.start):
            m.d.sync += first.eq(self.first_slot)
        with m.If(is_made & (pipeline.chunk == self.chunks - 1) & (pipeline.made_slot >= first)):
            m.d.sync += self.ready.eq(1)
        pulses = [Signal(lanes, name=f"pulses_{chunk}", reset_less=True) for chunk in range(self.chunks)]
        for chunk, made in enumerate(pulses):
            with m.If(is_made & (pipeline.chunk == chunk)):
                m.d.sync += made.eq(pipeline.pulses)
        m.d.comb += [self.row_pulses.eq(Cat(pulses[:self.row_chunks])),
                     self.col_pulses.eq(Cat(pulses[self.row_chunks:]))]

        # load
        m.d.comb += [
            pipeline.write.eq(self.write), pipeline.write_chunk.eq(self.chunk), pipeline.lane.eq(self.lane),
            pipeline.value.eq(self.value), pipeline.kind.eq(self.kind), pipeline.bl.eq(self.bl),
            pipeline.seed.eq(self.seed), pipeline.event.eq(self.event),
        ]
        negatives = [Signal(lanes, name=f"negative_{chunk}", reset_less=True) for chunk in range(self.chunks)]
        line, is_negative = Signal(lanes), Mux(self.kind == Train.WORDS, self.value[0], self.value < 0)
        m.d.comb += [line.eq(1 << self.lane), self.row_negative.eq(Cat(negatives[:self.row_chunks])),
                     self.col_negative.eq(Cat(negatives[self.row_chunks:]))]
        for chunk, negative in enumerate(negatives):
            with m.If(self.write & (self.chunk == chunk)):
                m.d.sync += negative.eq(Mux(is_negative, negative | line, negative & ~line))
        return m
