# SPDX-License-Identifier: Apache-2.0
"""The analog port taken to pins, for a real array in place of the emulator."""
from functools import reduce

from amaranth.hdl import Module, Signal, Value
from amaranth.lib.wiring import Component, Flow, In, Out, Signature

from golden.config import PINS_LATENCY, TileConfig
from rtl.analog_port import AnalogPort, Mode

_SYNCHRONIZER = PINS_LATENCY - 1


def pins_signature(config: TileConfig) -> Signature:
    """The lines of an `AnalogPort` that a chip has: all but `busy`, as a real array computes in no time."""
    return Signature({name: member for name, member in AnalogPort(config).members.items() if name != "busy"})


class CrossbarPins(Component):
    """The far side of an `AnalogPort`: what goes out is registered, what comes back is synchronized, `busy` is low.

    Every output comes from a flip-flop of its own, all in step with each other and off at reset, so that no line
    glitches. Every input passes two flip-flops, as an array knows no clock. So an answer is seen `latency` cycles
    after what it answers to, plus the cycles that the array itself takes to give it; `t_convert` must be one more
    at least, which is its minimum in the register map of a tile with pins.

    Members: `port`, the digital half's side; `pins`; `coincidences` of the slot before, from the lines themselves, as
    no array reports them.
    """

    latency = PINS_LATENCY

    def __init__(self, config: TileConfig):
        self.config = config
        super().__init__({
            "port": In(AnalogPort(config)), "pins": Out(pins_signature(config)),
            "coincidences": Out(range(config.rows * config.cols + 1)),
        })

    def elaborate(self, platform):
        m = Module()
        for name, member in pins_signature(self.config).members.items():
            near, far = _elements(getattr(self.port, name)), _elements(getattr(self.pins, name))
            for n, (inside, outside) in enumerate(zip(near, far, strict=True)):
                if member.flow == Flow.Out:
                    m.d.sync += outside.eq(inside)
                    continue
                for stage in range(_SYNCHRONIZER):
                    flop = Signal.like(inside, name=f"{name}_{n}_sync_{stage}", reset_less=True,
                                       attrs={"ASYNC_REG": "TRUE"})
                    m.d.sync += flop.eq(outside)
                    outside = flop
                m.d.comb += inside.eq(outside)
        m.d.comb += self.port.busy.eq(0)

        rows, cols = (Signal(range(n + 1), name=f"{name}_on", reset_less=True)
                      for name, n in (("rows", self.config.rows), ("cols", self.config.cols)))
        is_slot = Signal()
        m.d.sync += [
            rows.eq(_count(self.port.row_pulse)), cols.eq(_count(self.port.col_pulse)),
            is_slot.eq(self.port.slot & (self.port.mode == Mode.UPDATE)),
        ]
        with m.If(is_slot):
            m.d.comb += self.coincidences.eq(rows * cols)
        return m


def _elements(port) -> list[Value]:
    return [Value.cast(element) for element in port] if isinstance(port, list | tuple) else [Value.cast(port)]


def _count(lines: Value) -> Value:
    """How many lines are on, as a tree of adders."""
    counts = [lines[n] for n in range(len(lines))]
    while len(counts) > 1:
        counts = [reduce(lambda a, b: a + b, counts[n:n + 2]) for n in range(0, len(counts), 2)]
    return counts[0]
