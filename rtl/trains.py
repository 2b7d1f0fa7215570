# SPDX-License-Identifier: Apache-2.0
"""Pulse trains of updates, made P lines at a time; mirrors `golden.pulses.train`."""
from amaranth.hdl import Cat, Const, Module, Mux, ResetInserter, Signal, signed
from amaranth.lib.wiring import Component, In, Out

from golden.config import LEVEL, MAX_BL, MAX_LEVEL, TileConfig
from golden.formats import Format
from golden.noise import Stream
from golden.pulses import LEVEL_FRAC, TRAIN_WORD, Train
from rtl.beat_queue import BeatQueue
from rtl.formats import delay, round_half_even, shape_of
from rtl.noise import UniformLanes
from rtl.planes import LaneMemory

_SUM = Format(MAX_LEVEL.bit_length(), signed=False)


class _TrainPipeline(Component):
    """Makes the pulses of a chunk of P lines in a slot: one chunk a cycle that `takes` it, `latency` cycles later.

    Slots come in order, each with all its chunks: a train that is spread evenly keeps a sum a line. Adding takes a
    step more where a chunk comes again three cycles later at the earliest; the clock of a rolled tile can do without.

    Members: `wanted` of a chunk whose slot is `first_slot` or later.
    """

    def __init__(self, config: TileConfig, lanes: int, row_chunks: int, col_chunks: int):
        self.lanes, self.row_chunks = lanes, row_chunks
        self.chunks = row_chunks + col_chunks
        self.more = config.way_registers * (self.chunks > 2)
        self.has_kinds = "train" not in config.fixed  # or else they are all stochastic
        self.uniform = UniformLanes(lanes, max(row_chunks, col_chunks), config.rounds, rolled=config.rolled,
                                    shares=True)
        super().__init__({
            "write": In(1), "write_chunk": In(range(self.chunks)), "lane": In(range(lanes)),
            "value": In(shape_of(TRAIN_WORD)), "kind": In(Train), "bl": In(range(MAX_BL + 1)),
            "seed": In(32), "event": In(32),
            "clear": In(1), "ask": In(1), "takes": Out(1), "ask_chunk": In(range(self.chunks)),
            "slot": In(range(MAX_BL + 1)),
            "first_slot": In(range(MAX_BL + 1)),
            "valid": Out(1), "chunk": Out(range(self.chunks)), "wanted": Out(1),
            "pulses": Out(lanes), "negatives": Out(lanes), **({"restart": In(1)} if config.rolled else {}),
        })

    @property
    def latency(self) -> int:
        return self.uniform.latency + 1 + self.more

    def elaborate(self, platform):
        m = Module()
        lanes, n_fetch, more = self.lanes, self.uniform.latency - 1, self.more
        m.submodules.uniform = uniform = self.uniform
        m.submodules.stored = stored = LaneMemory(TRAIN_WORD, self.chunks, lanes, any_on_collision=True)
        if self.has_kinds:
            m.submodules.sums = sums = LaneMemory(_SUM, self.chunks, lanes)

        is_row = self.ask_chunk < self.row_chunks
        m.d.comb += [
            uniform.seed.eq(self.seed), uniform.event.eq(self.event), uniform.slot.eq(self.slot),
            uniform.stream.eq(Mux(is_row, Stream.ROW_TRAIN, Stream.COLUMN_TRAIN)),
            uniform.chunk.eq(Mux(is_row, self.ask_chunk, self.ask_chunk - self.row_chunks)),
            stored.address.eq(delay(m, self.ask_chunk, n_fetch - 1)),
            *((sums.address.eq(delay(m, self.ask_chunk, n_fetch)),
               sums.write_address.eq(delay(m, self.ask_chunk, n_fetch + 1 + more))) if self.has_kinds else ()),
            self.chunk.eq(delay(m, self.ask_chunk, n_fetch + 2 + more)), self.takes.eq(uniform.takes),
        ]
        flight, is_asked = Signal(self.latency - 1), Signal()
        m.d.comb += is_asked.eq(self.ask & self.takes)
        m.d.sync += Cat(flight, self.valid).eq(Mux(self.clear, 0, Cat(is_asked, flight)))
        if uniform.rolled:
            m.d.comb += [uniform.asks.eq(self.ask), uniform.restart.eq(self.restart)]
        self._store(m, stored)
        if not self.has_kinds:
            self._draw(m, stored, n_fetch + 1)
            return m

        # a pulse where the sum passes its modulus; half of it to begin with
        slot, is_first, late_row = (delay(m, value, n_fetch + 1)
                                    for value in (self.slot, self.slot == 0, is_row))
        modulus = Signal(range(MAX_LEVEL + 1), reset_less=True)
        m.d.sync += [modulus.eq(Mux(self.kind == Train.MEAN_COUNT, self.bl, MAX_LEVEL)),
                     self.wanted.eq(delay(m, slot, more) >= self.first_slot)]
        m.d.comb += sums.write_mask.eq(delay(m, is_asked, n_fetch + 1 + more, reset=True).replicate(lanes))
        is_counted = delay(m, late_row, more)
        for lane in range(lanes):
            value, amount = self._value(m, stored, lane), stored.values[lane][:_SUM.bits]
            short = Signal(signed(_SUM.bits + 1), name=f"short_{lane}", reset_less=True)
            m.d["comb" if uniform.rolled else "sync"] += short.eq(amount - modulus)
            before = Mux(is_first, modulus >> 1, sums.values[lane])
            total, rest = delay(m, before + value[:_SUM.bits], more), delay(m, before + short, more)
            is_passed = rest >= 0
            is_random, is_given, is_early = (delay(m, each, more) for each in (
                uniform.draws[lane] < value[:_SUM.bits], value[1:].bit_select(slot, 1), slot < value[:_SUM.bits]))
            is_negative = delay(m, Mux(self.kind == Train.WORDS, value[0], value[-1]), more)
            m.d.comb += sums.write_values[lane].eq(Mux(is_passed, rest, total))
            m.d.sync += self.negatives[lane].eq(is_negative)
            with m.Switch(self.kind):
                with m.Case(Train.STOCHASTIC):
                    m.d.sync += self.pulses[lane].eq(is_random)
                with m.Case(Train.WORDS):
                    m.d.sync += self.pulses[lane].eq(is_given)
                with m.Default():
                    m.d.sync += self.pulses[lane].eq(Mux(is_counted, is_early, is_passed))
        return m

    def _draw(self, m: Module, stored: LaneMemory, time: int):
        """Stochastic pulses, `time` cycles behind a chunk that is asked for."""
        m.d.sync += self.wanted.eq(delay(m, self.slot, time + self.more) >= self.first_slot)
        for lane in range(self.lanes):
            value = self._value(m, stored, lane)
            is_on = self.uniform.draws[lane] < value[:_SUM.bits]
            m.d.sync += [self.pulses[lane].eq(delay(m, is_on, self.more)),
                         self.negatives[lane].eq(delay(m, value[-1], self.more))]

    def _value(self, m: Module, stored: LaneMemory, lane: int):
        """The stored value of a lane; in a rolled tile its address stands before it is taken."""
        return stored.values[lane] if self.uniform.rolled else delay(m, stored.values[lane], 1)

    def _store(self, m: Module, stored: LaneMemory):
        """A line's value to its word, one to five cycles later: the magnitude of its level or the count of its pulses,
        with the sign on top, or the train itself.
        """
        level, magnitude = Signal(shape_of(LEVEL)), Signal(range(MAX_LEVEL + 1), reset_less=True)
        mask = (self.write << self.lane)[:len(stored.write_mask)]
        if not self.has_kinds:
            word = Cat(magnitude, Const(0, TRAIN_WORD.bits - 1 - len(magnitude)), delay(m, level < 0, 1))
            m.d.comb += [level.eq(self.value), stored.write_address.eq(delay(m, self.write_chunk, 1)),
                         stored.write_mask.eq(delay(m, mask, 1, reset=True)),
                         *(value.eq(word) for value in stored.write_values)]
            m.d.sync += magnitude.eq(Mux(level < 0, -level, level))
            return
        product = Signal(len(magnitude) + len(self.bl), reset_less=True)
        is_counted = (self.kind == Train.MEAN_COUNT) | (
            (self.kind == Train.IMPLICIT) & (self.write_chunk < self.row_chunks))
        m.d.comb += level.eq(self.value)
        slots = delay(m, self.bl, 1)  # stands for long: a register for the multiplier's other side
        m.d.sync += [magnitude.eq(Mux(level < 0, -level, level)), product.eq(magnitude * slots)]
        more = int(not self.uniform.rolled)
        given, late_magnitude = delay(m, self.value, 2 + more), delay(m, magnitude, 1)
        amount = delay(m, Mux(delay(m, is_counted, 2), round_half_even(product, LEVEL_FRAC), late_magnitude), more)
        word = Mux(self.kind == Train.WORDS, given.as_unsigned(),
                   Cat(amount, Const(0, TRAIN_WORD.bits - 1 - len(amount)), given < 0))
        m.d.comb += [stored.write_address.eq(delay(m, self.write_chunk, 3 + 2 * more)),
                     stored.write_mask.eq(delay(m, mask, 3 + 2 * more, reset=True))]
        values = delay(m, word, 1 + more)  # all lanes read it
        m.d.comb += [value.eq(values) for value in stored.write_values]


def train_members(config: TileConfig) -> dict:
    """Ports of trains, whichever way their pulses leave."""
    chunks = -(-config.rows // config.lanes) + config.chunks
    return {
        "write": In(1), "chunk": In(range(chunks)), "lane": In(range(config.lanes)), "value": In(shape_of(TRAIN_WORD)),
        "kind": In(Train), "start": In(1), "stop": In(1), "bl": In(range(MAX_BL + 1)), "advance": In(1),
        "seed": In(32), "event": In(32), "first_slot": In(range(MAX_BL + 1)), "ready": Out(1),
    }


class TrainSource(Component):
    """Trains on all rows and columns, of the kinds of `golden.pulses.Train`, in beats of L lines, which divide P.

    One set of L lanes serves all lines, beat by beat, a slot ahead of the one being played: from `start`, `ready`
    says that the beats of the next slot have been sent, and `advance` takes that slot. A slot takes `chunks` beats,
    P / L of them for each of ceil(R / P) + ceil(C / P) chunks, a cycle each or as many as draws take (`slot_cycles`);
    the first one `latency` more.

    Members: `write`, `chunk`, `lane`, `value` load one line (row chunks first, then column chunks), a level or a
    word, while `kind` and `bl` stand as in the operation; `start`, `advance`, `seed`, `event` in; `ready`; `beat`,
    number `beat_chunk`, with `pulses` and `negatives` of its lines out. The train begins with `first_slot`, taken at
    `start`; making the slots before it takes as long as ever. `stop` ends a train before its time.
    """

    def __init__(self, config: TileConfig, lanes: int | None = None):
        self.config, self.lanes = config, lanes or config.lanes
        self.parts = config.lanes // self.lanes
        self.row_chunks, col_chunks = (-(-n // config.lanes) * self.parts for n in (config.rows, config.cols))
        self.pipeline = _TrainPipeline(config, self.lanes, self.row_chunks, col_chunks)
        self.chunks = self.pipeline.chunks
        # as many as are on their way, and some that wait, or in a rolled tile the one that does
        self.queue = BeatQueue(self.lanes, self.chunks, 2 if config.rolled else self.pipeline.latency + 4)
        super().__init__({
            **train_members(config),
            "beat": Out(1), "beat_chunk": Out(range(self.chunks)), "pulses": Out(self.lanes),
            "negatives": Out(self.lanes),
        })

    @property
    def latency(self) -> int:
        """Cycles from `start` to the first `ready`, beyond those of a slot: also of a call that is still under way."""
        return self.pipeline.latency + self.pipeline.uniform.period + (4 if self.config.rolled else 2)

    @property
    def slot_cycles(self) -> int:
        """Cycles that the beats of a slot take, at most, behind those of the slot before."""
        return self.pipeline.uniform.cycles(self.chunks) + 1

    def elaborate(self, platform):
        m = Module()
        pipeline = self.pipeline

        # what is asked for comes by itself, and waits for its slot in a queue: no register of the way there need stop
        m.submodules.pipeline = pipeline
        m.submodules.queue = queue = ResetInserter(pipeline.clear)(self.queue)
        m.d.comb += [
            pipeline.clear.eq(delay(m, self.stop, 1, reset=True)),
            queue.push.eq(pipeline.valid), *(getattr(queue.i, name).eq(getattr(pipeline, name)) for name in
                                             ("chunk", "wanted", "pulses", "negatives")),
        ]

        if pipeline.uniform.rolled:
            m.d.comb += pipeline.restart.eq(self.start)

        # ask for chunk after chunk, slot after slot
        asks = Signal()
        m.d.comb += [pipeline.ask.eq(asks & queue.room), queue.asked.eq(pipeline.ask & pipeline.takes)]
        with m.If(self.stop):
            m.d.sync += asks.eq(0)
        with m.Elif(self.start):
            m.d.sync += [asks.eq(1), pipeline.ask_chunk.eq(0), pipeline.slot.eq(0)]
        with m.Elif(queue.asked):
            m.d.sync += pipeline.ask_chunk.eq(pipeline.ask_chunk + 1)
            with m.If(pipeline.ask_chunk == self.chunks - 1):
                m.d.sync += [pipeline.ask_chunk.eq(0), pipeline.slot.eq(pipeline.slot + 1),
                             asks.eq(pipeline.slot + 1 != self.bl)]

        # the beats of a slot; those of slots before the first one go by
        with m.If(self.start):
            m.d.sync += pipeline.first_slot.eq(self.first_slot)
        is_sent, beat = Signal(), queue.o
        m.d.comb += [
            queue.pop.eq(~self.ready | ~beat.wanted),
            self.beat.eq(queue.valid & beat.wanted & ~self.ready & ~self.stop & ~pipeline.clear),
            self.beat_chunk.eq(beat.chunk), self.pulses.eq(beat.pulses), self.negatives.eq(beat.negatives),
            is_sent.eq(self.beat & (beat.chunk == self.chunks - 1)),
        ]
        m.d.sync += self.ready.eq((self.ready & ~(self.advance | self.stop)) | is_sent)

        bits = len(pipeline.lane) if self.parts > 1 else len(self.lane)
        m.d.comb += [
            pipeline.write.eq(self.write), pipeline.write_chunk.eq(Cat(self.lane[bits:], self.chunk)),
            pipeline.lane.eq(self.lane[:bits]),
            pipeline.value.eq(self.value), pipeline.kind.eq(self.kind), pipeline.bl.eq(self.bl),
            pipeline.seed.eq(self.seed), pipeline.event.eq(self.event),
        ]
        return m
