# SPDX-License-Identifier: Apache-2.0
"""Input codes in an array that has its own pulse drivers, and the walk over the cross-points that they reach."""
from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from golden.config import TileConfig
from golden.formats import Format
from rtl.formats import delay, shape_of
from rtl.memory import ANY_ON_COLLISION
from rtl.planes import LaneMemory


class _Run(data.StructLayout):
    """The number of a run's last step, and, a cycle later, whether that is its first one."""

    def __init__(self, most: int):
        super().__init__({"last": range(max(most, 2)), "is_single": 1})


class CodeWalk(Component):
    """Keeps a vector of codes, and lists its lines that are not zero, so that the others cost nothing.

    A vector begins with line 0 and comes in order, a line a cycle or slower. From `start` on, which comes `settling`
    cycles or more behind the last of them and behind a change of `forward`, a visit a cycle, each `latency` cycles
    behind, and its factors `factor_latency` cycles behind that: forward, for each column chunk all listed rows;
    backward, for each row all chunks that have a listed column. With none listed, one visit of factor 0 makes the
    zeros. Every run of forward gives P charges, and so may the last two of backward: these are at least `least` cycles
    apart. In a rolled tile a cycle without a visit follows every run.

        list of (place of chunk 0, code) --+
                                           +--> place, factors
        list of chunks --> codes of chunk -+

    Members: `write`, `line`, `code`; `start`, `forward`, `serial` (bit number `bit` of the codes alone) in; `running`
    while visits are to come; `visit` with `place`, `chunk`, `factors` and `last` (of an inner run) out.
    """

    settling = 8

    def __init__(self, config: TileConfig, least: int = 1, factor_latency: int = 0):
        self.config, self.least, self.factor_latency = config, least, factor_latency
        self.more = config.way_registers
        self.word = Format(config.code_bits, signed=False)
        # places are listed without the zeros that all of them end in, where memory is short
        self.unit = config.chunks & -config.chunks if config.rolled else 1
        super().__init__({
            "write": In(1), "line": In(range(config.n_converters)), "code": In(shape_of(config.code)),
            "start": In(1), "forward": In(1), "serial": In(1), "bit": In(3), "running": Out(1),
            "visit": Out(1), "place": Out(range(config.rows * config.chunks)), "chunk": Out(range(config.chunks)),
            "last": Out(1), "factors": Out(signed(config.code_bits)).array(config.lanes),
        })

    @property
    def latency(self) -> int:
        """Cycles from the walk's step to its visit."""
        return 3 + 3 * self.more

    def elaborate(self, platform):
        m = Module()
        config = self.config
        n, chunks = config.n_converters, config.converter_chunks
        entry = data.StructLayout({"base": range(config.rows * config.chunks // self.unit), "word": self.word.bits})
        m.submodules.lines = lines = Memory(shape=entry, depth=n, init=[], attrs=ANY_ON_COLLISION)
        m.submodules.chunks = listed = Memory(shape=range(max(chunks, 2)), depth=chunks, init=[],
                                              attrs=ANY_ON_COLLISION)
        m.submodules.codes = codes = LaneMemory(self.word, chunks, config.lanes, joined=config.rolled)
        n_lines, n_chunks = Signal(range(n + 1)), Signal(range(chunks + 1))
        self._list(m, lines.write_port(), listed.write_port(), codes, n_lines, n_chunks)

        # where the walk is, and how far its end; what runs are like stands before the start
        most = max(config.rows, config.chunks)
        outer, inner = Signal(range(max(most, 2))), Signal(range(max(n + 1, self.least, 2)))
        outer_left, inner_left = Signal.like(outer), Signal.like(inner)
        last_outer, last_inner, is_none = Signal.like(outer), Signal.like(inner), Signal()
        row_base = Signal(range(config.rows * config.chunks))
        is_last, is_end, is_over, is_visit = Signal(), Signal(), Signal(), Signal()
        n_listed = Mux(self.forward, n_lines, n_chunks)
        m.d.sync += [
            is_none.eq(n_listed == 0), last_inner.eq(Mux(n_listed == 0, 0, n_listed - 1)),
            last_outer.eq(Mux(self.forward, config.chunks - 1, config.rows - 1)),
        ]
        runs = {is_long: self._last_step(m, last_inner + config.rolled, least) for is_long, least in
                ((False, -(-self.least // config.lanes)), (True, self.least))}
        # in backward only the last but one is long, as charges are handed over behind P rows
        is_next_long = self.forward | (outer_left == 2)
        is_first_long, is_only = (delay(m, value, 1) for value in (self.forward | (last_outer == 1), last_outer == 0))

        def begin(is_long):
            return [inner.eq(0), inner_left.eq(Mux(is_long, runs[True].last, runs[False].last)),
                    is_end.eq(Mux(is_long, runs[True].is_single, runs[False].is_single))]

        with m.If(self.start):
            m.d.sync += [self.running.eq(1), outer.eq(0), row_base.eq(0), outer_left.eq(last_outer),
                         is_over.eq(is_only), *begin(is_first_long)]
        with m.Elif(self.running):
            m.d.sync += [inner.eq(inner + 1), inner_left.eq(inner_left - 1), is_end.eq(inner_left == 1)]
            with m.If(is_end):
                m.d.sync += [outer.eq(outer + 1), row_base.eq(row_base + config.chunks),
                             outer_left.eq(outer_left - 1), is_over.eq(outer_left == 1), self.running.eq(~is_over),
                             *begin(is_next_long)]
        m.d.comb += [is_last.eq(inner == last_inner), is_visit.eq(self.running & (inner <= last_inner))]

        # list entries; place, and the codes of a chunk; the bits of a lane's code; its width; its factor
        line, chunk = lines.read_port(), listed.read_port()
        entry, at_chunk = delay(m, line.data, self.more), delay(m, chunk.data, self.more)
        early_outer, early_base = delay(m, outer, 1 + self.more), delay(m, row_base, 1 + self.more)
        late = self.factor_latency
        m.d.comb += [line.addr.eq(inner), chunk.addr.eq(inner), codes.address.eq(delay(m, at_chunk, late))]
        base = entry.base if self.unit == 1 else entry.base * self.unit
        place = Mux(self.forward, base + early_outer, early_base + at_chunk)[:len(self.place)]
        at, word = Mux(self.forward, early_outer, at_chunk)[:len(self.chunk)], delay(m, entry.word, 1 + late)
        rest = self.latency - 1 - self.more
        m.d.comb += [
            self.visit.eq(delay(m, is_visit, self.latency, reset=True)), self.place.eq(delay(m, place, rest)),
            self.chunk.eq(delay(m, at, rest)), self.last.eq(delay(m, is_last, self.latency)),
        ]
        bits = self.word.bits - 1
        # what goes to all lanes stands from long before the start
        forward, serial, bit = (delay(m, value, self.more) for value in (self.forward, self.serial, self.bit))
        mask = delay(m, Mux(is_none, 0, Mux(serial, 1 << bit, (1 << bits) - 1))[:bits], 1)
        for lane, factor in enumerate(self.factors):
            code = Mux(forward, word, codes.values[lane])
            chosen, sign = delay(m, code[:-1] & mask, self.more), delay(m, code[-1], 2 * self.more)
            width = delay(m, Mux(serial, chosen.any(), chosen), self.more)
            m.d.comb += factor.eq(delay(m, Mux(sign, -width, width)[:len(factor)].as_signed(), 1))
        return m

    def _last_step(self, m: Module, last, least: int) -> "_Run":
        """Of a run of steps up to `last`, and of at least so many."""
        run = Signal(_Run(max(self.config.n_converters + 1, self.least)))
        m.d.sync += [run.last.eq(Mux(last < least - 1, least - 1, last)), run.is_single.eq(run.last == 0)]
        return run

    def _list(self, m: Module, lines, listed, codes: LaneMemory, n_lines: Signal, n_chunks: Signal):
        """Codes, sign on top of the magnitude, to where the walk finds them."""
        config = self.config
        write = delay(m, self.write, 1, reset=True)
        is_new, is_on = delay(m, self.line == 0, 1), delay(m, self.code != 0, 1)
        base, chunk, lane = Signal.like(lines.data.base), Signal.like(listed.data), Signal(range(config.lanes))
        next_base, next_chunk, next_lane, is_listed = (*map(Signal.like, (base, chunk, lane)), Signal())
        at, chunk_at, has_chunk = Signal.like(n_lines), Signal.like(n_chunks), Signal()
        magnitude = Mux(self.code < 0, -self.code, self.code)[:self.word.bits - 1]
        word = delay(m, Cat(magnitude, self.code < 0), 1)
        m.d.comb += [
            base.eq(Mux(is_new, 0, next_base)), chunk.eq(Mux(is_new, 0, next_chunk)),
            lane.eq(Mux(is_new, 0, next_lane)), at.eq(Mux(is_new, 0, n_lines)),
            chunk_at.eq(Mux(is_new, 0, n_chunks)), has_chunk.eq(is_listed & ~is_new),
        ]
        # two cycles later into the lists, and three into the lanes, which are everywhere on the chip
        new_base, new_chunk, new_word = (delay(m, value, 2 * self.more) for value in (base, chunk, word))
        word_of_lane = delay(m, new_word, self.more)
        new_write, new_lane = delay(m, write, self.more, reset=True), delay(m, lane, self.more)
        m.d.comb += [
            lines.addr.eq(delay(m, at, 2 * self.more)), lines.data.base.eq(new_base), lines.data.word.eq(new_word),
            lines.en.eq(delay(m, write & is_on, 2 * self.more, reset=True)),
            listed.addr.eq(delay(m, chunk_at, 2 * self.more)), listed.data.eq(new_chunk),
            listed.en.eq(delay(m, write & is_on & ~has_chunk, 2 * self.more, reset=True)),
            codes.write_address.eq(delay(m, new_chunk, self.more)),
            codes.write_mask.eq(delay(m, (new_write << new_lane)[:config.lanes], 2 * self.more, reset=True)),
            *(value.eq(word_of_lane) for value in codes.write_values),
        ]
        with m.If(write):
            m.d.sync += [next_base.eq(base + config.chunks // self.unit), next_lane.eq(lane + 1), next_chunk.eq(chunk),
                         n_lines.eq(at + is_on), n_chunks.eq(chunk_at + (is_on & ~has_chunk)),
                         is_listed.eq(has_chunk | is_on)]
            with m.If(lane == config.lanes - 1):
                m.d.sync += [next_lane.eq(0), next_chunk.eq(chunk + 1), is_listed.eq(0)]
