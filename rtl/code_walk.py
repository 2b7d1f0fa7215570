# SPDX-License-Identifier: Apache-2.0
"""Input codes in an array that has its own pulse drivers, and the walk over the cross-points that they reach."""
from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from golden.config import TileConfig
from golden.formats import Format
from rtl.formats import delay, shape_of
from rtl.planes import LaneMemory


class CodeWalk(Component):
    """Keeps a vector of codes, and lists its lines that are not zero, so that the others cost nothing.

    A vector begins with line 0 and comes in order, a line a cycle or slower. From `start` on, a visit a cycle, each
    `latency` cycles behind: forward, for each column chunk all listed rows; backward, for each row all chunks that have
    a listed column. With none listed, one visit of factor 0 makes the zeros. Every run of forward gives P charges, and
    so may the last two of backward: these are at least `least` cycles apart. In a rolled tile a cycle without a visit
    follows every run.

        list of (place of chunk 0, code) --+
                                           +--> place, factors
        list of chunks --> codes of chunk -+

    Members: `write`, `line`, `code`; `start`, `forward`, `serial` (bit number `bit` of the codes alone) in; `running`
    while visits are to come; `visit` with `place`, `chunk`, `factors` and `last` (of an inner run) out.
    """

    latency = 3

    def __init__(self, config: TileConfig, least: int = 1):
        self.config, self.least = config, least
        self.word = Format(config.code_bits, signed=False)
        super().__init__({
            "write": In(1), "line": In(range(config.n_converters)), "code": In(shape_of(config.code)),
            "start": In(1), "forward": In(1), "serial": In(1), "bit": In(3), "running": Out(1),
            "visit": Out(1), "place": Out(range(config.rows * config.chunks)), "chunk": Out(range(config.chunks)),
            "last": Out(1), "factors": Out(signed(config.code_bits)).array(config.lanes),
        })

    def elaborate(self, platform):
        m = Module()
        config = self.config
        n, chunks = config.n_converters, config.converter_chunks
        entry = data.StructLayout({"base": range(config.rows * config.chunks), "word": self.word.bits})
        m.submodules.lines = lines = Memory(shape=entry, depth=n, init=[])
        m.submodules.chunks = listed = Memory(shape=range(max(chunks, 2)), depth=chunks, init=[])
        m.submodules.codes = codes = LaneMemory(self.word, chunks, config.lanes, joined=config.rolled)
        n_lines, n_chunks = Signal(range(n + 1)), Signal(range(chunks + 1))
        self._list(m, lines.write_port(), listed.write_port(), codes, n_lines, n_chunks)

        # where the walk is
        most = max(config.rows, config.chunks)
        outer, inner = Signal(range(max(most, 2))), Signal(range(max(n + 1, self.least, 2)))
        last_outer, last_inner, is_none = Signal.like(outer), Signal.like(inner), Signal()
        row_base, is_last, is_end = Signal(range(config.rows * config.chunks)), Signal(), Signal()
        is_visit, shortest = Signal(), Signal.like(inner)
        m.d.comb += shortest.eq(self.least - 1)
        with m.If(~self.forward & (outer + 1 != last_outer)):  # charges are handed over behind P rows
            m.d.comb += shortest.eq(-(-self.least // config.lanes) - 1)
        m.d.comb += [is_last.eq(inner == last_inner), is_visit.eq(self.running & (inner <= last_inner)),
                     is_end.eq((inner >= last_inner + config.rolled) & (inner >= shortest))]
        n_listed = Mux(self.forward, n_lines, n_chunks)
        with m.If(self.start):
            m.d.sync += [
                self.running.eq(1), outer.eq(0), inner.eq(0), row_base.eq(0), is_none.eq(n_listed == 0),
                last_outer.eq(Mux(self.forward, config.chunks - 1, config.rows - 1)),
                last_inner.eq(Mux(n_listed == 0, 0, n_listed - 1)),
            ]
        with m.Elif(self.running):
            m.d.sync += inner.eq(inner + 1)
            with m.If(is_end):
                m.d.sync += [inner.eq(0), outer.eq(outer + 1), row_base.eq(row_base + config.chunks),
                             self.running.eq(outer != last_outer)]

        # 1: list entries; 2: place, and the codes of a chunk; 3: factors
        line, chunk = lines.read_port(), listed.read_port()
        early_outer, early_base = delay(m, outer, 1), delay(m, row_base, 1)
        m.d.comb += [line.addr.eq(inner), chunk.addr.eq(inner), codes.address.eq(chunk.data)]
        place, at = Signal.like(self.place, reset_less=True), Signal.like(self.chunk, reset_less=True)
        m.d.sync += [
            place.eq(Mux(self.forward, line.data.base + early_outer, early_base + chunk.data)),
            at.eq(Mux(self.forward, early_outer, chunk.data)),
        ]
        word = delay(m, line.data.word, 1)
        m.d.comb += [
            self.visit.eq(delay(m, is_visit, 3, reset=True)), self.place.eq(delay(m, place, 1)),
            self.chunk.eq(delay(m, at, 1)), self.last.eq(delay(m, is_last, 3)),
        ]
        for lane, factor in enumerate(self.factors):
            chosen, found = Signal(self.word.bits, name=f"chosen_{lane}"), Signal.like(factor, reset_less=True)
            width = Mux(self.serial, chosen[:-1].bit_select(self.bit, 1), chosen[:-1])
            m.d.comb += chosen.eq(Mux(is_none, 0, Mux(self.forward, word, codes.values[lane])))
            m.d.sync += found.eq(Mux(chosen[-1], -width, width))
            m.d.comb += factor.eq(found)
        return m

    def _list(self, m: Module, lines, listed, codes: LaneMemory, n_lines: Signal, n_chunks: Signal):
        """Codes, sign on top of the magnitude, to where the walk finds them."""
        config = self.config
        is_new, is_on = self.line == 0, self.code != 0
        base, chunk, lane = Signal.like(lines.data.base), Signal.like(listed.data), Signal(range(config.lanes))
        next_base, next_chunk, next_lane, is_listed = (*map(Signal.like, (base, chunk, lane)), Signal())
        at, chunk_at, has_chunk = Signal.like(n_lines), Signal.like(n_chunks), Signal()
        word = Signal(self.word.bits)
        m.d.comb += [
            word.eq(Mux(self.code < 0, -self.code, self.code)[:self.word.bits - 1] | (self.code < 0) << len(word) - 1),
            base.eq(Mux(is_new, 0, next_base)), chunk.eq(Mux(is_new, 0, next_chunk)),
            lane.eq(Mux(is_new, 0, next_lane)), at.eq(Mux(is_new, 0, n_lines)),
            chunk_at.eq(Mux(is_new, 0, n_chunks)), has_chunk.eq(is_listed & ~is_new & (lane != 0)),
            lines.addr.eq(at), lines.data.base.eq(base), lines.data.word.eq(word), lines.en.eq(self.write & is_on),
            listed.addr.eq(chunk_at), listed.data.eq(chunk), listed.en.eq(self.write & is_on & ~has_chunk),
            codes.write_address.eq(chunk), codes.write_mask.eq(self.write << lane),
            *(value.eq(word) for value in codes.write_values),
        ]
        with m.If(self.write):
            m.d.sync += [next_base.eq(base + config.chunks), next_lane.eq(lane + 1), next_chunk.eq(chunk),
                         n_lines.eq(at + is_on), n_chunks.eq(chunk_at + (is_on & ~has_chunk)),
                         is_listed.eq(has_chunk | is_on)]
            with m.If(lane == config.lanes - 1):
                m.d.sync += [next_lane.eq(0), next_chunk.eq(chunk + 1)]
