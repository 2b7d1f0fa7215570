# SPDX-License-Identifier: Apache-2.0
"""The interface to an array that has pulse drivers and converters of its own: lines travel P at a time, in beats."""
from amaranth.lib.wiring import In, Out, Signature

from golden.config import TileConfig
from rtl.analog_port import Mode
from rtl.formats import shape_of

_BEAT = 8
"""Lines of a beat, where P is a larger power of two: what a beat takes is hidden behind the cross-points. A rolled tile
has one line a beat."""


class MacroPort(Signature):
    """A macro's digital pins, as seen from the controller: the phases of an `AnalogPort` without its wires a line.

    `mode`, `integrate`, `slot`, `weighted`, `hold` and `busy` are as there. What the lines carry comes before it is
    played, and what they give after it was held:

    - `code_write`, `code_line`, `code`: the input code of a line, for its pulse-width driver. A vector begins with line
      0 and comes in order. `serial` says that the window has one slot, with bit number `bit` of all codes.
    - `pulse_write`, `pulse_beat`, `pulses`, `negatives`: pulses and polarities of a beat of lines in the next slot of
      an update: `beats` for each chunk of P lines, row chunks first, then column chunks.
    - `result_valid`, `result_beat`, `results`: codes of a beat of converters, all in order, from `hold` on.
    """

    def __init__(self, config: TileConfig):
        lanes = config.lanes
        self.beat_lines = _BEAT if lanes % _BEAT == 0 and lanes & (lanes - 1) == 0 else lanes
        if config.rolled:
            self.beat_lines = 1
        self.beats = lanes // self.beat_lines
        super().__init__({
            "mode": Out(Mode), "integrate": Out(1), "slot": Out(1), "weighted": Out(1), "hold": Out(1), "busy": In(1),
            "code_write": Out(1), "code_line": Out(range(config.n_converters)), "code": Out(shape_of(config.code)),
            "serial": Out(1), "bit": Out(3),
            "pulse_write": Out(1),
            "pulse_beat": Out(range((-(-config.rows // lanes) + config.chunks) * self.beats)),
            "pulses": Out(self.beat_lines), "negatives": Out(self.beat_lines),
            "result_valid": In(1), "result_beat": In(range(config.converter_chunks * self.beats)),
            "results": In(shape_of(config.adc.code)).array(self.beat_lines),
        })
