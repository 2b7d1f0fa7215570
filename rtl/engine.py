# SPDX-License-Identifier: Apache-2.0
"""What the controller and an engine say to each other: a command in, a status and result words out."""
from amaranth.hdl import signed
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out, Signature

from golden.config import TileConfig
from golden.protocol import Status

OPERATIONS = ("forwards", "backwards", "updates", "programs", "retries")
"""Counters that engines raise; pulses, slots, conversions and times are counted at the array itself."""

PAYLOAD_REST = 4
"""Cycles in which an engine can count on being left alone between the payload and the start."""


class Engine(Signature):
    """A group of commands that run on the array, as the controller sees the component that carries them out.

    To add an engine: write a component with a member `control` of `In(Engine(config))` and a member `drive` of
    `Out(Drive(config))` and class attributes `opcodes`, `settings` and `resumes` (whether RESUME can go on with its
    commands); name its opcodes in `golden.protocol.SERVED` and say in `Decoder._command` what their packets look like;
    append an instance to `Controller.engines`. The registers `settings` are ports of its own, which
    `Controller._settings` connects to the bank by name.

    Members, as the controller sees them:

    - `opcode`, `argument`, `index`: the header. They stand while payload words come, from `start` to the last result.
    - `write`, `n`, `chunk`, `lane`, `value`: payload word n as it comes, checked by itself (`is_good`) but before the
      packet is known to be good: keep it where it means nothing before `start`.
    - `start`: the packet is good, and its last word came PAYLOAD_REST cycles ago or more. `resume` with it: go on with
      the operation that was aborted, whose payload has not been sent again.
    - `done`, `status`: strobe when the operation is over. With OK, as many words as `Decoder.n_data` says are then
      taken from `result`, in order.
    - OPERATIONS: strobes that count one each.
    """

    def __init__(self, config: TileConfig):
        words = range(config.rows + config.cols + 256)
        super().__init__({
            "opcode": Out(8), "argument": Out(8), "index": Out(16),
            "write": Out(1), "n": Out(words), "chunk": Out(words), "lane": Out(range(config.lanes)),
            "value": Out(signed(32)),
            "start": Out(1), "resume": Out(1), "done": In(1), "status": In(Status),
            "result": In(stream.Signature(signed(32))),
            **{name: In(1) for name in OPERATIONS},
        })
