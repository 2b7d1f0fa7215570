# SPDX-License-Identifier: Apache-2.0
"""Threefry-2x32 as a pipeline; mirrors golden."""
from amaranth.hdl import Cat, Module, Signal
from amaranth.lib.wiring import Component, In, Out

from golden.threefry import PARITY, ROTATIONS


class Threefry2x32(Component):
    """Encrypts one counter a cycle: 64 random bits.

    One register after every addition of key or round, so latency is `rounds + rounds // 4 + 1` cycles. The key
    must stay while counters are in flight: it changes between operations only.

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
        return self.rounds + self.rounds // 4 + 1

    def elaborate(self, platform):
        m = Module()

        keys = (self.key0, self.key1, self.key0 ^ self.key1 ^ PARITY)
        x0, x1 = self._stage(m, "key_0", self.counter0 + keys[0], self.counter1 + keys[1])
        for r in range(self.rounds):
            total = (x0 + x1)[:32]
            x0, x1 = self._stage(m, f"round_{r}", total, x1.rotate_left(ROTATIONS[r % 8]) ^ total)
            if r % 4 == 3:
                n = r // 4 + 1
                x0, x1 = self._stage(m, f"key_{n}", x0 + keys[n % 3], x1 + (keys[(n + 1) % 3] + n)[:32])

        m.d.comb += Cat(self.word0, self.word1).eq(Cat(x0, x1))
        return m

    @staticmethod
    def _stage(m: Module, name: str, next0, next1) -> tuple[Signal, Signal]:
        x0 = Signal(32, name=f"{name}_x0", reset_less=True)
        x1 = Signal(32, name=f"{name}_x1", reset_less=True)
        m.d.sync += [x0.eq(next0), x1.eq(next1)]
        return x0, x1
