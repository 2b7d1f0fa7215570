# SPDX-License-Identifier: Apache-2.0
"""The interface between the digital half of a tile and its array: an emulator, or a chip's pins."""
from amaranth.lib import enum
from amaranth.lib.wiring import In, Out, Signature

from golden.config import TileConfig
from rtl.formats import shape_of


class Mode(enum.Enum, shape=2):
    """What the array is connected for."""

    IDLE = 0
    FORWARD = 1
    BACKWARD = 2
    UPDATE = 3


class AnalogPort(Signature):
    """All lines of the array, as seen from the controller.

    `mode` stands from when `integrate` rises until the conversions are done. While `integrate` is high the
    window is open: lines carry pulses, of polarity `*_negative`, and `slot` strobes once in every slot, when its
    lines are settled. After the window falls, `hold` strobes once to sample the charges; then each converter
    compares the sampled charge with `adc_trial` and answers on `adc_compare`, combinationally, until the mode
    changes: 1 where the charge is nearer to the trial code or above it than to the code below.
    `busy` is an emulator still computing what a real array has at once; a chip ties it low.

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
            "hold": Out(1),
            "adc_trial": Out(shape_of(config.adc.code)).array(n),
            "adc_compare": In(n),
            "busy": In(1),
        })
