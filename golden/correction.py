# SPDX-License-Identifier: Apache-2.0
"""Digital correction of what the converters give: per line an offset and a gain, which calibration measures.

    output = saturate(round((output * 256 - offset * weight) * gain, 8 + 14))

`weight` is how often the converter's offset is in an output: 1, or the sum of the weights of all bits where the codes
of bit-serial windows have been shifted and added.
"""
from golden.adc import HELD_FRAC
from golden.formats import Format, round_half_even, saturate

CORRECTION_GAIN = Format(16, frac=14, signed=False)
"""What an output is multiplied by, once its offset is off."""


def correct(outputs, offset, gain, weight: int, fmt: Format):
    """Corrected outputs (B, n) in their format, from planes `offset` and `gain` (n,)."""
    exact = ((outputs << HELD_FRAC) - offset * weight) * gain
    return saturate(round_half_even(exact, HELD_FRAC + CORRECTION_GAIN.frac), fmt)
