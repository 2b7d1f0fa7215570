# SPDX-License-Identifier: Apache-2.0
"""The rules of a stream as properties: for proofs, and to ride along in simulations."""
from amaranth.hdl import Assert, Assume, Module, Signal, Value
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In

from rtl.stream import StreamWord


class StreamChecker(Component):
    """Watches a stream: `valid` and payload hold until the transfer, and packets run from `first` to `last`.

    It drives nothing. Amaranth's simulator raises AssertionError where a rule is broken, whether it is asserted
    or assumed.

    Parameters: `name`, the stream's name in the messages; `assumed`: the rules are assumed of an input instead of
    asserted of an output; `framed`: whether packets must be in order, with a payload of `StreamWord`; `domain` is
    comb in proofs, and sync in simulations, where signals settle one after the other between clock edges.

    Members: `payload`, `valid`, `ready` in.
    """

    def __init__(self, name: str, shape=StreamWord, *, assumed: bool = False, framed: bool = True,
                 domain: str = "comb"):
        self.name, self.framed, self.domain = name, framed, domain
        self.property = Assume if assumed else Assert
        super().__init__({"payload": In(shape), "valid": In(1), "ready": In(1)})

    @classmethod
    def on(cls, m: Module, watched: stream.Interface, name: str, **options) -> "StreamChecker":
        """A checker of one stream, added to a module."""
        checker = cls(name, watched.signature.members["payload"].shape, **options)
        m.submodules[f"{name}_checker"] = checker
        m.d.comb += [checker.payload.eq(watched.payload), checker.valid.eq(watched.valid),
                     checker.ready.eq(watched.ready)]
        return checker

    def elaborate(self, platform):
        m = Module()
        payload = Value.cast(self.payload)
        payload_q, waits = Signal.like(payload), Signal()
        m.d.sync += [payload_q.eq(payload), waits.eq(self.valid & ~self.ready)]
        with m.If(waits):
            m.d[self.domain] += [
                self.property(self.valid, f"{self.name}: valid holds until the transfer"),
                self.property(payload == payload_q, f"{self.name}: payload holds until the transfer"),
            ]

        if self.framed:
            is_inside = Signal()
            with m.If(self.valid & self.ready):
                m.d.sync += is_inside.eq(~self.payload.last)
            with m.If(self.valid):
                m.d[self.domain] += self.property(self.payload.first == ~is_inside,
                                          f"{self.name}: packets begin with first and end with last")
        return m
