# SPDX-License-Identifier: Apache-2.0
"""Threefry-2x32, as a pipeline and one step a cycle; mirrors golden."""
from amaranth.hdl import Array, Cat, Module, Mux, Signal
from amaranth.lib.wiring import Component, In, Out

from golden.threefry import PARITY, ROTATIONS
from rtl.formats import delay


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
    """Encrypts a counter every `latency` cycles: a third of the pipeline's logic, for small chips.

    Members: as of `Threefry2x32`, and `takes` out: the counter is taken in this cycle, in which the words of the one
    before stand, and in no other.
    """

    def __init__(self, rounds: int):
        self.rounds = rounds
        super().__init__({
            "counter0": In(32), "counter1": In(32), "key0": In(32), "key1": In(32),
            "takes": Out(1), "word0": Out(32), "word1": Out(32),
        })

    @property
    def latency(self) -> int:
        return _additions(self.rounds)

    def elaborate(self, platform):
        m = Module()
        x0, x1 = (Signal(32, name=f"x{n}", reset_less=True) for n in (0, 1))
        step, round_number, key_number = Signal(range(self.latency)), Signal(3), Signal(range(self.rounds // 4 + 1))
        is_key, first_key = Signal(init=1), Signal(2)  # a key comes first, and behind every four rounds
        is_last = step == self.latency - 1
        m.d.comb += [self.takes.eq(step == 0), self.word0.eq(x0), self.word1.eq(x1)]
        m.d.sync += [step.eq(step + 1), is_key.eq(~is_key & (round_number[:2] == 3))]
        with m.If(is_key):
            m.d.sync += [key_number.eq(key_number + 1), first_key.eq(Mux(first_key == 2, 0, first_key + 1))]
        with m.Else():
            m.d.sync += round_number.eq(round_number + 1)
        with m.If(is_last):
            m.d.sync += [step.eq(0), is_key.eq(1), round_number.eq(0), key_number.eq(0), first_key.eq(0)]

        key0, key1 = self.key0, self.key1
        keys = Array((key0, key1, key0 ^ key1 ^ PARITY, key0))
        given0, given1 = Mux(self.takes, self.counter0, x0), Mux(self.takes, self.counter1, x1)
        total = Signal(32)
        rotated = Array(x1.rotate_left(rotation) for rotation in ROTATIONS)[round_number]
        m.d.comb += total.eq(given0 + Mux(is_key, keys[first_key], x1))
        second = given1 + (keys[first_key + 1] + key_number)[:32]
        m.d.sync += [x0.eq(total), x1.eq(Mux(is_key, second, rotated ^ total))]
        return m
