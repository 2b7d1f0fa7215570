# SPDX-License-Identifier: Apache-2.0
"""Named devices and tiles. Device figures: aihwkit `presets/devices.py` (MIT), by the same names."""
from dataclasses import replace

from golden.adc import AdcConfig
from golden.config import TileConfig
from golden.device import ConstantStep, Device, LinearStep, SoftBounds

DEVICES: dict[str, Device] = {
    # Gokmen and Vlasov 2016, the RPU baseline with bounds at 1
    "GokmenVlasov": ConstantStep(dw_min=0.0016, w_max=1.0, w_min=-1.0),
    "Idealized": ConstantStep(dw_min=0.0002, up_down_dtod=0.0, w_max=1.0, w_min=-1.0),
    # Tang et al., IEDM 2018
    "EcRam": LinearStep(dw_min=0.002, dw_min_dtod=0.1, w_max=1.1724, w_min=-0.8276, w_max_dtod=0.05,
                        w_min_dtod=0.05, gamma_up=0.1153, gamma_down=0.5085),
    # aihwkit's ReRamSB with multiplicative instead of additive step noise
    "ReRamSB": SoftBounds(dw_min=0.002, dw_min_std=3.75, w_max=1.25, w_min=-0.75, w_max_dtod=0.24, w_min_dtod=0.4,
                          write_noise_std=56.0),
    "ConstantStep": ConstantStep(),
    "LinearStep": LinearStep(),
    "SoftBounds": SoftBounds(),
}

_GV = DEVICES["GokmenVlasov"]
_TRAINING_ADC = AdcConfig(bound=20.0)  # PresetIOParameters: all of aihwkit's training presets

TILES: dict[str, TileConfig] = {
    "default": TileConfig(device=_GV, adc=_TRAINING_ADC),
    "tiny": TileConfig(rows=5, cols=6, lanes=4, device=_GV, adc=replace(_TRAINING_ADC, bound=2.0)),
    "ecram": TileConfig(device=DEVICES["EcRam"], adc=_TRAINING_ADC),
    "softbounds": TileConfig(device=DEVICES["SoftBounds"], adc=_TRAINING_ADC),
    "inference": TileConfig(device=_GV, adc=AdcConfig(bound=10.0, bits=8, noise=0.508), code_bits=8),
}
FEW = ("chip_cycles", "emulation_cycles")
"""Counters of tiles that leave the others out: what an operation takes."""
TILES["folded"] = replace(TILES["default"], folded=True, engines=("managed", "correction", "update"))
# updates for their clock: parameters of devices in words that fill block RAM, and no more beside them than needed
TILES["training"] = replace(TILES["folded"], lanes=8, engines=("update",), parameter_bits=9, counters=FEW,
                            operation_counters=False)
# what small chips have room for: inference, and updates of devices that are all alike
TILES["small"] = replace(TILES["folded"], rows=64, cols=64, lanes=4, weight_bits=12, rolled=True, engines=(),
                         counters=(), operation_counters=False, adc=replace(_TRAINING_ADC, noise=0.0))
TILES["small training"] = replace(TILES["small"], engines=("update",), parameter_bits=0,
                                  device=replace(_GV.alike(), dw_min=0.002, dw_min_std=0.0))
