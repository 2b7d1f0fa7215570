# SPDX-License-Identifier: Apache-2.0
"""Time that is counted down to a flag."""
from amaranth.hdl import Const, Module, Signal

from rtl.formats import delay


class Countdown:
    """Cycles of 8 bits, of a time that stands or is a constant; `is_over` is a register, so that nothing is compared in
    the cycle that asks.

    It is over behind the last of its cycles, or, with `least` 1, in the last one, and stays so; of no time at all it is
    over at once. It begins anew with every cycle that does not `run`: so whoever counts has no time to choose.

    Statements: `run` counts a cycle; `restart` begins anew in the midst of running; `end` makes it be over. Not inside
    an `m.If`, as `delay`.
    """

    def __init__(self, m: Module, time, least: int = 0):
        left, self.is_over = Signal(8), Signal()
        first, is_none = (time - least)[:8], time == least
        if not isinstance(time, Const):
            first, is_none = delay(m, first, 1), delay(m, is_none, 1)
        self.run = [left.eq(left - 1), self.is_over.eq(self.is_over | (left == 1))]
        self.restart = [left.eq(first), self.is_over.eq(is_none)]
        self.end = self.is_over.eq(1)
        m.d.sync += self.restart
