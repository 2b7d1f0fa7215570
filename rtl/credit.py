# SPDX-License-Identifier: Apache-2.0
"""Room for what has been asked for and is still to come."""
from amaranth.hdl import Module, Signal, Value


def room(m: Module, depth: int, asked: Value, taken: Value) -> Value:
    """Whether one more may be asked for where `depth` are kept: those `asked` for and not yet `taken` count."""
    left = Signal(range(depth + 1), init=depth)
    with m.If(asked & ~taken):
        m.d.sync += left.eq(left - 1)
    with m.Elif(taken & ~asked):
        m.d.sync += left.eq(left + 1)
    return left.any()
