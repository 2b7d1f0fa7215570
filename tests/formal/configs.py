# SPDX-License-Identifier: Apache-2.0
"""Tiles small enough to prove things about."""
from golden.adc import AdcConfig
from golden.config import TileConfig
from golden.device import ConstantStep

SMALL = TileConfig(rows=2, cols=3, lanes=2, code_bits=3, weight_bits=8, adc=AdcConfig(bits=4, noise=0.0),
                   device=ConstantStep(dw_min=0.05, dw_min_std=0.0))
"""Two rows, three columns, two lanes: columns that do not fill their last chunk."""
