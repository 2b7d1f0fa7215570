# SPDX-License-Identifier: Apache-2.0
"""Static linearity of a converter, from the histogram of its codes over an exhaustive ramp of charges."""
from typing import NamedTuple

import numpy as np

from golden.adc import Adc
from golden.conversion import LSB


class Linearity(NamedTuple):
    """Of the codes between the rails, in their order; in LSB."""

    codes: np.ndarray
    dnl: np.ndarray
    """Width of a code, less one."""
    inl: np.ndarray
    """Distance of a code's lower edge from its ideal place, counted from the lowest code's."""
    missing: np.ndarray
    """Codes that no charge gives."""


def linearity(adc: Adc, comparator: int = 0, dac=0) -> Linearity:
    """DNL, INL and missing codes of one converter without noise, over every held charge between its rails.

    `comparator` is its comparator's offset and `dac` (bits,) the deviations of its capacitors, in 1/256 LSB. Source:
    IEEE Std 1241, histogram test.
    """
    code, dac = adc.config.code, np.reshape(dac, (-1, 1))
    end = LSB * (code.max + 1) + abs(comparator) + int(np.abs(dac).sum())
    found = adc.convert(np.arange(-end, end + 1)[:, None], comparator, dac)
    widths = np.bincount(found[:, 0] - code.min, minlength=2 * code.max + 1)[1:-1]
    dnl = widths / LSB - 1
    codes = np.arange(code.min + 1, code.max)
    return Linearity(codes, dnl, np.cumsum(dnl) - dnl, codes[widths == 0])
