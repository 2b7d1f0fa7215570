# SPDX-License-Identifier: Apache-2.0
"""The interface between the digital half of a tile and its array: an emulator, or a chip's pins."""
from amaranth.hdl import signed
from amaranth.lib import enum
from amaranth.lib.wiring import In, Out, Signature

from golden.config import TileConfig
from rtl.formats import shape_of


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
    lines are settled. After the window falls, `hold` strobes once to sample the charges; then each converter
    compares the sampled charge with `adc_trial` and answers on `adc_compare`, combinationally, until the mode
    changes: 1 where the charge is nearer to the trial code or above it than to the code below.
    `busy` is an emulator still computing what a real array has at once; a chip ties it low.

    A line's drive is its pulse with its polarity; polarities change only while the window is open and all lines are
    off. `weighted` says that slot b of the window counts 2**b times (bit-serial codes, the least bit first),
    `half_select` how unselected lines are biased. In REFERENCE no line is on, and `hold` samples a reference charge of
    `reference` (-1, 0, 1) times half of full scale in every converter.

    Converters are shared: number n serves column n in forward and row n in backward.
    """

    def __init__(self, config: TileConfig):
        n = config.n_converters
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
            "adc_trial": Out(shape_of(config.adc.code)).array(n),
            "adc_compare": In(n),
            "busy": In(1),
        })
