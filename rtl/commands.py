# SPDX-License-Identifier: Apache-2.0
"""The engine of the raw commands: FORWARD, BACKWARD and UPDATE of codes and levels as they come."""
from amaranth.hdl import Module, Signal
from amaranth.lib.wiring import Component, In, Out

from golden.config import TileConfig
from golden.protocol import Opcode, Status
from rtl.analog_port import Mode
from rtl.drive import Drive
from rtl.engine import Engine

_MODES = {Opcode.FORWARD: Mode.FORWARD, Opcode.BACKWARD: Mode.BACKWARD, Opcode.UPDATE: Mode.UPDATE}
_COUNTERS = {Opcode.FORWARD: "forwards", Opcode.BACKWARD: "backwards", Opcode.UPDATE: "updates"}


class RawCommands(Component):
    """Payload words straight into the pulse generators, one sequence, outputs straight out.

    Members: `control` from the controller, `drive` to the sequencer.
    """

    resumes = True
    opcodes = tuple(_MODES)
    settings = ()

    def __init__(self, config: TileConfig):
        self.config = config
        super().__init__({"control": In(Engine(config)), "drive": Out(Drive(config))})

    def elaborate(self, platform):
        m = Module()
        control, drive, result = self.control, self.drive, self.control.result
        is_update = control.opcode == Opcode.UPDATE
        m.d.comb += [
            drive.width_write.eq(control.write & ~is_update), drive.width_index.eq(control.n),
            drive.width_code.eq(control.value),
            drive.train_write.eq(control.write & is_update), drive.train_chunk.eq(control.chunk),
            drive.train_lane.eq(control.lane), drive.train_value.eq(control.value),
            drive.start.eq(control.start), drive.resume.eq(control.resume), drive.bl.eq(control.argument),
            control.done.eq(drive.done), control.status.eq(drive.status),
        ]
        for opcode in self.opcodes:
            with m.If(control.opcode == opcode):
                m.d.comb += [drive.mode.eq(_MODES[opcode])]
                with m.If(drive.done & (drive.status == Status.OK)):
                    m.d.comb += [drive.next_event.eq(1), getattr(control, _COUNTERS[opcode]).eq(1)]

        line = Signal(range(self.config.n_converters))
        m.d.comb += [drive.output_index.eq(line), result.payload.eq(drive.output), result.valid.eq(1)]
        with m.If(control.start):
            m.d.sync += line.eq(0)
        with m.Elif(result.ready):
            m.d.sync += line.eq(line + 1)
        return m
