# SPDX-License-Identifier: Apache-2.0
"""Time that is counted down to a flag."""
from collections.abc import Callable

from amaranth.hdl import Module, Signal

from rtl.formats import delay


class Countdown:
    """Cycles of 8 bits; `is_over` is a register, so that nothing is compared in the cycle that asks.

    `step` are the statements of a counted cycle. `of` gives those that begin to count a time, which stands from the
    cycle before: `is_over` is then behind the last of its cycles, or, with `least` 1, in the last one. Of what is of no
    time at all nothing is counted: it is over at once.
    """

    def __init__(self):
        self.left, self.is_over = Signal(8), Signal()

    @property
    def step(self) -> list:
        return [self.left.eq(self.left - 1), self.is_over.eq(self.left == 1)]

    def of(self, m: Module, time, least: int = 0) -> Callable[[], list]:
        """Not inside an `m.If`, as `delay`."""
        first, is_none = delay(m, (time - least)[:8], 1), delay(m, time == least, 1)
        return lambda: [self.left.eq(first), self.is_over.eq(is_none)]
