# SPDX-License-Identifier: Apache-2.0
"""Threefry-2x32, as a pipeline and one step a cycle; mirrors golden."""
from functools import cache

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal
from amaranth.lib.wiring import Component, In, Out

from golden.threefry import PARITY, ROTATIONS
from rtl.formats import delay
from rtl.states import States


def _additions(rounds: int) -> int:
    """Of rounds, and of the key before them and behind every four: each takes a cycle."""
    return rounds + rounds // 4 + 1


class Threefry2x32(Component):
    """Encrypts one counter a cycle: 64 random bits.

    One register after every addition of key or round, so latency is `rounds + rounds // 4 + 1` cycles. A round's x1 is
    kept as what its x0 has yet to be XORed to: then no gate is behind an adder, and ECP5's have it inside. The key
    stands from two cycles before the first counter until the last one has left: it changes between operations only.

    Parameters: `rounds` 13..32. Members: `counter0`, `counter1`, `key0`, `key1` in; `word0`, `word1` out.
    Source: Salmon et al., SC'11.
    """

    def __init__(self, rounds: int):
        self.rounds = rounds
        super().__init__({
            "counter0": In(32), "counter1": In(32), "key0": In(32), "key1": In(32),
            "word0": Out(32), "word1": Out(32),
        })

    @property
    def latency(self) -> int:
        return _additions(self.rounds)

    def elaborate(self, platform):
        m = Module()

        # from registers, as every addition of a key is a carry chain behind it
        keys = [delay(m, key, 1) for key in (self.key0, self.key1, self.key0 ^ self.key1 ^ PARITY)]
        x0, x1 = self._stage(m, "key_0", self.counter0 + keys[0], self.counter1 + keys[1])
        for r in range(self.rounds):
            x0, rotated = self._stage(m, f"round_{r}", x0 + x1, x1.rotate_left(ROTATIONS[r % 8]))
            x1 = rotated ^ x0
            if r % 4 == 3:
                n = r // 4 + 1
                x0, x1 = self._stage(m, f"key_{n}", x0 + keys[n % 3],
                                     x1 + delay(m, (keys[(n + 1) % 3] + n)[:32], 2))

        m.d.comb += Cat(self.word0, self.word1).eq(Cat(x0, x1))
        return m

    @staticmethod
    def _stage(m: Module, name: str, next0, next1) -> tuple[Signal, Signal]:
        x0 = Signal(32, name=f"{name}_x0", reset_less=True)
        x1 = Signal(32, name=f"{name}_x1", reset_less=True)
        m.d.sync += [x0.eq(next0), x1.eq(next1)]
        return x0, x1


class RolledThreefry2x32(Component):
    """Encrypts one counter at a time, with an adder a word and a choice of two rotations: for small chips.

    A round's rotation is made of those of `_TURNS`, one a cycle, and x0 is added in the first of them. A key takes
    three cycles, as there is one choice among keys: for x0, for x1, and for its number.

    Members: as of `Threefry2x32`; `start` takes the counter, while `is_idle`, and in no other cycle; the words stand
    while it is idle again, from `latency` cycles later on.
    """

    def __init__(self, rounds: int):
        self.rounds = rounds
        super().__init__({
            "counter0": In(32), "counter1": In(32), "key0": In(32), "key1": In(32),
            "start": In(1), "is_idle": Out(1), "word0": Out(32), "word1": Out(32),
        })

    @property
    def latency(self) -> int:
        n_turns = sum(sum(_turns(ROTATIONS[r % 8])) for r in range(self.rounds))
        return 1 + 3 * (self.rounds // 4 + 1) + n_turns + self.rounds

    def elaborate(self, platform):
        m = Module()
        x0, x1 = (Signal(32, name=f"x{n}", reset_less=True) for n in (0, 1))
        n_rounds, n_keys = Signal(range(self.rounds + 1)), Signal(range(self.rounds // 4 + 2))
        chosen, following = Signal(2), Signal(2)  # of the keys 0, 1 and 2; 3 is none
        left, is_first = [Signal(3, name=f"left_{turn}") for turn in _TURNS], Signal()
        counts = [Array(counts)[n_rounds[:3]] for counts in zip(*map(_turns, ROTATIONS), strict=True)]
        begin = [is_first.eq(1), *(n.eq(count) for n, count in zip(left, counts, strict=True))]
        is_last_turn = Cat(Cat(n == int(n is one) for n in left).all() for one in left).any()

        states = States(m, ("IDLE", "KEY", "SECOND", "NUMBER", "TURN", "MIX"))
        with states.state("IDLE"):
            m.d.sync += [n_rounds.eq(0), n_keys.eq(0), chosen.eq(0), following.eq(1)]
            with m.If(self.start):
                states.go("KEY")
        with states.state("KEY"):
            m.d.sync += chosen.eq(following)
            states.go("SECOND")
        with states.state("SECOND"):
            m.d.sync += chosen.eq(3)
            states.go("NUMBER")
        with states.state("NUMBER"):
            m.d.sync += [n_keys.eq(n_keys + 1), chosen.eq(following), *begin,
                         following.eq(Mux(following == 2, 0, following + 1))]
            states.go("TURN")
            with m.If(n_rounds == self.rounds):
                states.go("IDLE")
        with states.state("TURN"):
            m.d.sync += is_first.eq(0)
            with m.If(left[0].any()):
                m.d.sync += left[0].eq(left[0] - 1)
            with m.Else():
                m.d.sync += left[1].eq(left[1] - 1)
            with m.If(is_last_turn):
                m.d.sync += n_rounds.eq(n_rounds + 1)
                states.go("MIX")
        with states.state("MIX"):
            m.d.sync += begin
            states.go("TURN")
            with m.If(n_rounds[:2] == 0):
                states.go("KEY")
            with m.Elif(n_rounds == self.rounds):
                states.go("IDLE")
        states.close()

        at, key = states.at, Array((self.key0, self.key1, self.key0 ^ self.key1 ^ PARITY, Const(0, 32)))[chosen]
        number = Mux(at["NUMBER"], n_keys, 0)
        m.d.comb += [self.is_idle.eq(at["IDLE"]), self.word0.eq(x0), self.word1.eq(x1)]
        with m.If(at["IDLE"] & self.start):
            m.d.sync += [x0.eq(self.counter0), x1.eq(self.counter1)]
        with m.Elif(at["KEY"] | is_first & at["TURN"]):
            m.d.sync += x0.eq(x0 + Mux(at["KEY"], key, x1))
        with m.If(at["SECOND"] | at["NUMBER"]):
            m.d.sync += x1.eq(x1 + (key | number))
        with m.Elif(at["TURN"]):
            m.d.sync += x1.eq(Mux(left[0].any(), *(x1.rotate_left(turn) for turn in _TURNS)))
        with m.Elif(at["MIX"]):
            m.d.sync += x1.eq(x1 ^ x0)
        return m


_TURNS = (2, 13)
"""Rotations of which all others are made: no pair takes fewer of them for 13 rounds."""


@cache
def _turns(rotation: int) -> tuple[int, int]:
    """The fewest of both `_TURNS` that come to a rotation."""
    ways = [(n, k) for n in range(8) for k in range(8) if (n * _TURNS[0] + k * _TURNS[1] - rotation) % 32 == 0]
    return min(ways, key=sum)
