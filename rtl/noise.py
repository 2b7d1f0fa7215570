# SPDX-License-Identifier: Apache-2.0
"""Addressed randomness for P lanes at a time; mirrors golden."""
from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import data
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from golden.formats import Format
from golden.noise import DRAW_BITS, DRAWS_PER_CALL, GAUSSIAN_FRAC, gaussian_table
from rtl.dsp import soft_latency, soft_product
from rtl.formats import add_or_subtract, delay, round_half_even
from rtl.threefry import RolledThreefry2x32, Threefry2x32

XI = Format(GAUSSIAN_FRAC + 4, frac=GAUSSIAN_FRAC)
_TABLE = gaussian_table()
_START_BITS = max(start for start, _ in _TABLE).bit_length()
_DROP_BITS = max(drop for _, drop in _TABLE).bit_length()
_FRACTION_BITS = 6
_ASKING = {"asks": In(1), "restart": In(1)}
_SHARED = 3
"""Most cycles of a chunk whose draws are there: to ask, to take, and one for who asks."""


class UniformLanes(Component):
    """16-bit draws for the P columns of a chunk, one chunk a cycle.

    Column `chunk * lanes + l` is lane l. Four neighboring columns share a Threefry call, so that P lanes need
    about P / 4 pipelines (one more where chunks do not begin at multiples of four). `latency` is Threefry's and that of
    two registers for the address, which comes from a choice and goes far; a rolled tile's clock can do without.

    A `rolled` one has calls that take one address at a time: while `asks` it makes the draws of the address that
    stands, and gives them in the cycle in which it `takes` it, the next one following in the cycle behind. Where it
    `shares`, chunks come in order, and those of a call need no other one. `restart` before an address that follows
    none.

    Parameters: `lanes`; `chunks`, how many the lines have; Threefry `rounds`. Members: the address (`seed`, `stream`,
    `event`, `row`, `chunk`, `slot`) in, `draws` out; `asks`, `restart` in, `takes` out.
    """

    def __init__(self, lanes: int, chunks: int, rounds: int, *, rolled: bool = False, shares: bool = False):
        self.lanes, self.chunks, self.rolled, self.way = lanes, chunks, rolled, 0 if rolled else 2
        offsets = [chunk * lanes % DRAWS_PER_CALL for chunk in range(chunks)]
        self.aligned = not any(offsets)
        n_calls = max((offset + lanes - 1) // DRAWS_PER_CALL + 1 for offset in offsets)
        self.calls = [(RolledThreefry2x32 if rolled else Threefry2x32)(rounds) for _ in range(n_calls)]
        super().__init__({
            "seed": In(32), "event": In(32), "stream": In(8), "row": In(16), "chunk": In(range(chunks)),
            "slot": In(8), "takes": Out(1), "draws": Out(DRAW_BITS).array(lanes),
            **(_ASKING if rolled else {}),
        })
        self.shared = DRAWS_PER_CALL // lanes if shares and lanes in (1, 2, 4) else 1

    @property
    def latency(self) -> int:
        """Cycles from an address that is taken to its draws."""
        return 0 if self.rolled else self.calls[0].latency + self.way

    @property
    def period(self) -> int:
        """Cycles from one address that is taken to the next, at most."""
        return self.calls[0].latency + 1 if self.rolled else 1

    def cycles(self, chunks: int) -> int:
        """Cycles of so many chunks in order, at most."""
        return -(-chunks // self.shared) * (self.period - _SHARED) + chunks * _SHARED if self.rolled else chunks

    def _ask(self, m: Module):
        """A call for what is asked, or what the last one gave for chunks that follow."""
        is_asked, is_kept, idle = Signal(), Signal(), self.calls[0].is_idle
        is_same = is_kept & (self.chunk & self.shared - 1).any()
        begins = self.asks & ~is_asked & idle
        m.d.comb += [self.takes.eq(is_asked & idle), *(call.start.eq(begins & ~is_same) for call in self.calls)]
        with m.If(self.restart):
            m.d.sync += [is_asked.eq(0), is_kept.eq(0)]
        with m.Elif(self.takes & self.asks):
            m.d.sync += [is_asked.eq(0), is_kept.eq(1)]
        with m.Elif(begins):
            m.d.sync += is_asked.eq(1)

    def elaborate(self, platform):
        m = Module()

        column = Signal(16)
        stream, row, slot, at = (delay(m, value, self.way) for value in (self.stream, self.row, self.slot, column))
        if self.rolled:
            self._ask(m)
            m.d.comb += column.eq(self.chunk * self.lanes)
        else:
            m.d.comb += [column.eq(self.chunk * self.lanes), self.takes.eq(1)]
        halves = []
        for n, call in enumerate(self.calls):
            m.submodules[f"call_{n}"] = call
            group = Signal(16, name=f"group_{n}")
            m.d.comb += [
                group.eq(at[2:] + n),
                call.key0.eq(self.seed),
                call.key1.eq(self.event),
                call.counter0.eq(Cat(slot, Const(0, 16), stream)),
                call.counter1.eq(Cat(group, row)),
            ]
            halves += [word[half:half + DRAW_BITS] for word in (call.word0, call.word1) for half in (0, 16)]

        if self.aligned:
            m.d.comb += [draw.eq(half) for draw, half in zip(self.draws, halves, strict=False)]
        else:
            offset = delay(m, column[:2], self.latency)
            for lane in range(self.lanes):
                choices = Array(halves[min(lane + n, len(halves) - 1)] for n in range(DRAWS_PER_CALL))
                m.d.comb += self.draws[lane].eq(choices[offset])
        return m


class Gaussian(Component):
    """A standard normal of one 16-bit draw, by an interpolated table of the inverse distribution.

    One draw a cycle. Members: `draw` in, `xi` out in 2**-10 sigma, `latency` cycles later: four of normalization, three
    of the table, the product, three of rounding, difference and sign.
    """

    draw: In(DRAW_BITS)
    xi: Out(signed(XI.bits))
    latency = 7 + soft_latency(_FRACTION_BITS) + 3

    def __init__(self, *, in_logic: bool = False):
        """`in_logic`: the table takes no block RAM, of which many lanes have none to spare for so few words."""
        self.attributes = {"rom_style": "logic"} if in_logic else {}
        super().__init__()

    def elaborate(self, platform):
        m = Module()

        # count the octave, normalize the odd numerator 2m + 1 of the tail probability
        bits, octave = Cat(Const(1, 1), self.draw[:15]), Const(0, 0)
        for step in (8, 4, 2, 1):
            is_small = Signal(name=f"below_{step}")
            m.d.comb += is_small.eq(~bits[16 - step:].any())
            bits, octave = delay(m, Mux(is_small, bits << step, bits)[:16], 1), delay(m, Cat(is_small, octave), 1)

        # look the segment up
        m.submodules.table = table = Memory(
            shape=data.StructLayout({"start": _START_BITS, "drop": _DROP_BITS}), depth=len(_TABLE),
            init=[{"start": start, "drop": drop} for start, drop in _TABLE], attrs=self.attributes)
        port = table.read_port()
        m.d.comb += port.addr.eq(Cat(bits[12:15], octave))
        start, drop = delay(m, port.data.start, 2), delay(m, port.data.drop, 2)

        # interpolate, give the sign
        product = soft_product(m, "product", drop, delay(m, bits[12 - _FRACTION_BITS:12], 3))
        rounded = delay(m, round_half_even(product, _FRACTION_BITS), 1)
        magnitude = delay(m, delay(m, start, soft_latency(_FRACTION_BITS) + 1) - rounded, 1)
        negative = delay(m, self.draw[15], self.latency - 1)
        xi = Signal.like(self.xi, reset_less=True)
        m.d.sync += xi.eq(add_or_subtract(Const(0, signed(1)), magnitude, negative))
        m.d.comb += self.xi.eq(xi)
        return m


class GaussianLanes(Component):
    """Standard normals for the P columns of a chunk: `UniformLanes` with a `Gaussian` behind each lane.

    Parameters: as of `UniformLanes`, and `in_logic` of `Gaussian`.
    """

    def __init__(self, lanes: int, chunks: int, rounds: int, *, rolled: bool = False, in_logic: bool = False):
        self.uniform = UniformLanes(lanes, chunks, rounds, rolled=rolled, shares=True)
        self.gaussians = [Gaussian(in_logic=in_logic) for _ in range(lanes)]
        super().__init__({
            "seed": In(32), "event": In(32), "stream": In(8), "row": In(16), "chunk": In(range(chunks)),
            "slot": In(8), "takes": Out(1), "xi": Out(signed(XI.bits)).array(lanes), **(_ASKING if rolled else {}),
        })

    @property
    def latency(self) -> int:
        return self.uniform.latency + Gaussian.latency

    def elaborate(self, platform):
        m = Module()

        m.submodules.uniform = uniform = self.uniform
        for name in ("seed", "event", "stream", "row", "chunk", "slot", *(_ASKING if uniform.rolled else ())):
            m.d.comb += getattr(uniform, name).eq(getattr(self, name))
        m.d.comb += self.takes.eq(uniform.takes)
        for lane, gaussian in enumerate(self.gaussians):
            m.submodules[f"gaussian_{lane}"] = gaussian
            m.d.comb += [gaussian.draw.eq(uniform.draws[lane]), self.xi[lane].eq(gaussian.xi)]
        return m
