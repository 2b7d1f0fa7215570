# SPDX-License-Identifier: Apache-2.0
"""The engine of the raw commands: FORWARD, BACKWARD and UPDATE of codes and levels as they come."""
from amaranth.hdl import Module, Mux, Signal
from amaranth.lib.wiring import Component, In, Out

from golden.config import TileConfig
from golden.protocol import Opcode, Status
from rtl.analog_port import Mode
from rtl.drive import ENGINE_LATENCY, Drive
from rtl.engine import Engine
from rtl.formats import delay
from rtl.result_queue import ResultQueue

_MODES = {Opcode.FORWARD: Mode.FORWARD, Opcode.BACKWARD: Mode.BACKWARD, Opcode.UPDATE: Mode.UPDATE}
_COUNTERS = {Opcode.FORWARD: "forwards", Opcode.BACKWARD: "backwards", Opcode.UPDATE: "updates"}


class RawCommands(Component):
    """Payload words straight into the pulse generators, one sequence, outputs straight out, one a cycle.

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

        m.submodules.queue = queue = ResultQueue(drive.output.shape(), ENGINE_LATENCY + 5,
                                                  registered=not self.config.rolled)
        line, last, is_giving, is_asked = Signal(range(self.config.n_converters)), Signal(16), Signal(), Signal()
        m.d.comb += [
            is_asked.eq(is_giving & queue.room), queue.asked.eq(is_asked), drive.output_index.eq(line),
            queue.push.eq(delay(m, is_asked, ENGINE_LATENCY, reset=True)), queue.value.eq(drive.output),
            result.payload.eq(queue.o.payload), result.valid.eq(queue.o.valid), queue.o.ready.eq(result.ready),
        ]
        m.d.sync += last.eq(Mux(control.opcode == Opcode.FORWARD, self.config.cols, self.config.rows) - 1)
        with m.If(drive.done):
            m.d.sync += [line.eq(0), is_giving.eq((drive.status == Status.OK) & ~is_update)]
        with m.Elif(is_asked):
            m.d.sync += [line.eq(line + 1), is_giving.eq(line != last)]
        return m
