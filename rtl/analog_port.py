# SPDX-License-Identifier: Apache-2.0
"""The interface between the digital half of a tile and its array: an emulator, or a chip's pins."""
from amaranth.hdl import signed
from amaranth.lib import enum
from amaranth.lib.wiring import In, Out, Signature

from golden.config import TileConfig
from rtl.adc_pins import adc_pins


class Mode(enum.Enum, shape=3):
    """What the array is connected for: nothing, products from the rows or from the columns, pulses from both sides by
    trains, or by counts on the columns of some rows, and a conversion of a reference charge.
    """

    IDLE = 0
    FORWARD = 1
    BACKWARD = 2
    UPDATE = 3
    PROGRAM = 4
    REFERENCE = 5


class Bias(enum.Enum, shape=2):
    """What unselected lines are biased to while others are programmed, so that their devices see no more than a half or
    a third of the programming voltage."""

    NONE = 0
    HALF = 1
    THIRD = 2


class AnalogPort(Signature):
    """All lines of the array, as seen from the controller.

    `mode` stands from when `integrate` rises until the conversions are done. While `integrate` is high the
    window is open: lines carry pulses, of polarity `*_negative`, and `slot` strobes once in every slot, when its
    lines are settled. After the window falls, `hold` strobes once to sample the charges of all lines; then they are
    converted, until the mode changes. `busy` is an emulator still computing what a real array has at once; a chip ties
    it low.

    A line's drive is its pulse with its polarity; polarities change only while the window is open and all lines are
    off. `weighted` says that slot b of the window counts 2**b times (bit-serial codes, the least bit first),
    `half_select` how unselected lines are biased. In REFERENCE no line is on, and `hold` samples a reference charge of
    `reference` (-1, 0, 1) times half of full scale in every converter.

    Lines are columns in forward and rows in backward. Converter m takes the lines m * columns_per_adc + `adc_select`
    by turns; `adc_step` strobes in the first cycle of every step of a conversion, `adc_start` in that of the first one.
    By kind, one line a converter unless it says shared:

    - sar: `adc_trial`, the trial code, and `adc_compare`: 1 where the charge is nearer to it or above it than to the
      code below.
    - ramp: `adc_count`, shared, the code whose level the ramp has, and `adc_compare` as above.
    - cco: `adc_cycle` changes with every cycle of the oscillator; `adc_negative` is the sign of its current.
    - spi: `adc_cnv` and `adc_sck`, shared, and `adc_sdo`.
    """

    def __init__(self, config: TileConfig):
        super().__init__({
            "mode": Out(Mode),
            "integrate": Out(1),
            "slot": Out(1),
            "row_pulse": Out(config.rows),
            "row_negative": Out(config.rows),
            "col_pulse": Out(config.cols),
            "col_negative": Out(config.cols),
            "weighted": Out(1),
            "half_select": Out(Bias),
            "reference": Out(signed(2)),
            "hold": Out(1),
            **adc_pins(config),
            "busy": In(1),
        })
