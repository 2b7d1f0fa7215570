# SPDX-License-Identifier: Apache-2.0
"""Time that is counted down to a flag."""
from dataclasses import dataclass

from amaranth.hdl import Module, Signal, Value

from rtl.formats import delay


class Countdown:
    """Cycles of 8 bits; `is_over` is a register, so that nothing is compared in the cycle that asks.

    `step` are the statements of a counted cycle; `of` gives a time to count.
    """

    def __init__(self):
        self.left, self.is_over = Signal(8), Signal()

    @property
    def step(self) -> list:
        return [self.left.eq(self.left - 1), self.is_over.eq(self.left == 1)]

    def of(self, m: Module, time, least: int = 0) -> "Time":
        """A time that stands from the cycle before it is begun. Not inside an `m.If`, as `delay`."""
        return Time(self, delay(m, (time - least)[:8], 1), delay(m, time == least, 1))


@dataclass(frozen=True)
class Time:
    """Of a countdown: it is over behind the last of its cycles, or, with `least` 1, in the last one. Of what is of no
    time at all nothing is counted: it is over at once.

    Statements: `load` says which it will be, and may come in any cycle in which the former is over; `begin` begins it,
    and must be with the last `load`; `both` are these two.
    """

    timer: Countdown
    first: Value
    is_none: Value

    @property
    def load(self):
        return self.timer.left.eq(self.first)

    @property
    def begin(self):
        return self.timer.is_over.eq(self.is_none)

    @property
    def both(self) -> list:
        return [self.load, self.begin]
