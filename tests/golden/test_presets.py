# SPDX-License-Identifier: Apache-2.0
import pytest

from golden.config import TileConfig
from golden.device import ConstantStep, LinearStep
from golden.presets import DEVICES, TILES
from tests.support import loaded_tile, random_codes, random_updates

# aihwkit presets/devices.py: dw_min, its dtod and std, up_down, its dtod, w_max, w_min, their dtod, write_noise_std
AIHWKIT = {
    "ConstantStep": (0.001, 0.3, 0.3, 0, 0.01, 0.6, -0.6, 0.3, 0.3, 0),
    "LinearStep": (0.001, 0.3, 0.3, 0, 0.01, 0.6, -0.6, 0.3, 0.3, 0),
    "SoftBounds": (0.001, 0.3, 0.3, 0, 0.01, 0.6, -0.6, 0.3, 0.3, 0),
    "GokmenVlasov": (0.0016, 0.3, 0.3, 0, 0.01, 1, -1, 0.3, 0.3, 0),
    "Idealized": (0.0002, 0.3, 0.3, 0, 0, 1, -1, 0.3, 0.3, 0),
    "EcRam": (0.002, 0.1, 0.3, 0, 0.01, 1.1724, -0.8276, 0.05, 0.05, 0),
    "ReRamSB": (0.002, 0.3, 3.75, 0, 0.01, 1.25, -0.75, 0.24, 0.4, 56),
}


@pytest.mark.parametrize("name", DEVICES)
def test_device_has_the_figures_of_aihwkit(name):
    d = DEVICES[name]
    assert AIHWKIT[name] == (d.dw_min, d.dw_min_dtod, d.dw_min_std, d.up_down, d.up_down_dtod,
                             d.w_max, d.w_min, d.w_max_dtod, d.w_min_dtod, d.write_noise_std)


def test_ecram_is_linear_with_its_gammas():
    d = DEVICES["EcRam"]
    assert isinstance(d, LinearStep)
    assert (d.gamma_up, d.gamma_down, d.gamma_up_dtod, d.gamma_down_dtod) == (0.1153, 0.5085, 0.05, 0.05)
    assert isinstance(DEVICES["GokmenVlasov"], ConstantStep)


@pytest.mark.parametrize("name", TILES)
def test_tile_works(name):
    config = TILES[name]
    assert isinstance(config, TileConfig)
    tile = loaded_tile(config, 1)
    tile.forward(random_codes(config, 2, config.rows, 1))
    tile.backward(random_codes(config, 2, config.cols, 1))
    if "update" in config.engines:
        tile.update(*random_updates(config, 1, 1))
    assert tile.get("event") == 4 + ("update" in config.engines)


@pytest.mark.parametrize("name", TILES)
def test_mean_step_is_many_step_codes(name):
    """Presets lose next to nothing to rounding: a mean step is at least 8 weight LSBs, or where all steps are alike as
    near to a whole number of them as any of 8 is.
    """
    config = TILES[name]
    if "update" not in config.engines:
        return
    step = config.device.dw_min / config.weight.lsb
    is_alike = not config.device.spreads and not config.engine.sigma
    assert step >= 8 or (is_alike and abs(round(step) / step - 1) <= 0.5 / 8)
