# SPDX-License-Identifier: Apache-2.0
"""The seam between engines and the sequencer: one signature, and the switch that gives the sequencer to one of them."""
from amaranth.hdl import Module, Value, signed
from amaranth.lib.wiring import Component, In, Out, Signature

from golden.config import MAX_BL, TileConfig
from golden.protocol import Status
from rtl.analog_port import Mode
from rtl.formats import shape_of

OUTPUT_LATENCY = 2
"""Cycles from `output_index` to `output` where the sequencer is."""
ENGINE_LATENCY = OUTPUT_LATENCY + 1
"""The same where the engines are."""


class Drive(Signature):
    """What an engine asks of the sequencer: load the generators, run one sequence on the array, read its outputs.

    Everything but the loads and `resume` stands from `start` until `done`, which strobes once with the `status`: OK,
    ABORTED or TIMEOUT. Members, as the engine sees them:

    - `width_write`, `width_index`, `width_code`: load line n of the width generator: input codes, and the pulses of
      each column in PROGRAM. A vector begins with line 0.
    - `train_write`, `train_chunk`, `train_lane`, `train_value`: load a line of the train generator (row chunks first,
      then column chunks): a level, or a word.
    - `start`, `mode`; `bl`, slots of an UPDATE or PROGRAM; `attempt`, the row of the converters' noise (pass of bound
      management); `resume`, with `start`: go on behind the slots that the aborted UPDATE has played.
    - `levels`: values of trains are levels, even where the register `train` says that they are words.
    - `raw`: ADC codes of a pulse-width window as they are: neither bit-serial, nor corrected.
    - `row_all`, or else `row_index`: rows that are on in PROGRAM. `reference`: -1, 0, 1 in REFERENCE.
    - `next_event`: strobe; the register event counts on.
    - `output_index` in, `output` later, one a cycle: results of the last FORWARD, BACKWARD or REFERENCE, by line:
      OUTPUT_LATENCY cycles behind at the sequencer's end, ENGINE_LATENCY at the engines'. `saturated`, while `done`: a
      converter was at a rail in this sequence.
    - `abort`: an abort has been asked for. A sequence sees to it by itself; an engine of several ends between them.
    """

    def __init__(self, config: TileConfig):
        n = config.n_converters
        chunks = -(-config.rows // config.lanes) + config.chunks
        super().__init__({
            "width_write": Out(1), "width_index": Out(range(n)), "width_code": Out(shape_of(config.code)),
            "train_write": Out(1), "train_chunk": Out(range(chunks)), "train_lane": Out(range(config.lanes)),
            "train_value": Out(signed(32)),
            "start": Out(1), "mode": Out(Mode), "bl": Out(range(MAX_BL + 1)), "attempt": Out(3), "resume": Out(1),
            "levels": Out(1), "raw": Out(1),
            "row_all": Out(1), "row_index": Out(range(config.rows)), "reference": Out(signed(2)),
            "next_event": Out(1), "output_index": Out(range(n)),
            "output": In(shape_of(config.output)), "saturated": In(1),
            "done": In(1), "status": In(Status), "abort": In(1),
        })


class DriveMux(Component):
    """Connects one of `n` engines to the sequencer; the others see no `done`.

    A register lies on either way (`latency`), but for `output`, which comes from one: engines and sequencer are far
    apart.

    Members: `engines[n]`, `select` (a bit each, one or none of them set) in; `o` towards the sequencer.
    """

    latency = 1

    def __init__(self, config: TileConfig, n: int):
        self.drive = Drive(config)
        super().__init__({"engines": In(self.drive).array(n), "select": In(n), "o": Out(self.drive)})

    def elaborate(self, platform):
        m = Module()
        chosen_of: dict[str, Value] = {}
        for number, engine in enumerate(self.engines):
            is_chosen = self.select[number]
            for name, member in self.drive.members.items():
                ours, theirs = getattr(self.o, name), getattr(engine, name)
                if name == "output":
                    m.d.comb += theirs.eq(ours)
                elif member.flow == In:
                    m.d.sync += theirs.eq(ours & is_chosen if name == "done" else ours)
                else:
                    value = Value.cast(theirs).as_unsigned()
                    chosen_of[name] = chosen_of.get(name, 0) | (value & is_chosen.replicate(len(value)))
        m.d.sync += [Value.cast(getattr(self.o, name)).eq(chosen) for name, chosen in chosen_of.items()]
        return m
