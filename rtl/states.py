# SPDX-License-Identifier: Apache-2.0
"""A state machine with a register a state, so that what is decided in a state does not depend on all others."""
from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from operator import or_

from amaranth.hdl import Const, Module, Signal


class States:
    """Like `m.FSM()`, but one-hot, which Amaranth and Yosys do not make: `at[name]` is high in that state.

        states = States(m, ("IDLE", "RUN"))  # the first is where it begins
        with states.state("IDLE"):
            with m.If(start):
                states.go("RUN")  # the last one that holds in a cycle is meant
        ...
        states.close()  # behind the last state
    """

    def __init__(self, m: Module, names: tuple[str, ...]):
        self._m, self._here, self._ways = m, None, {}
        self.at = {name: Signal(name=f"at_{name.lower().replace('-', '_')}", init=name == names[0]) for name in names}

    @contextmanager
    def state(self, name: str) -> Iterator[None]:
        """What happens in the state of that name."""
        self._here = name
        with self._m.If(self.at[name]):
            yield

    def go(self, name: str) -> None:
        """Be in the state of that name in the next cycle. KeyError where there is none."""
        way, there = (self._here, name), self.at[name]
        if way not in self._ways:
            self._ways[way] = Signal(name=f"{self.at[self._here].name}_{there.name}")
        self._m.d.comb += [goes.eq(each == way) for each, goes in self._ways.items() if each[0] == self._here]

    def close(self) -> None:
        """The registers, when all ways between states are known."""
        for name, at in self.at.items():
            leaves, comes = (reduce(or_, (goes for way, goes in self._ways.items() if way[end] == name), Const(0))
                             for end in (0, 1))
            self._m.d.sync += at.eq(comes | at & ~leaves)
