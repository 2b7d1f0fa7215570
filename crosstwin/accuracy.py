# SPDX-License-Identifier: Apache-2.0
"""How far a tile's forward pass is from the exact product, on the golden model."""
import numpy as np

from golden.config import Plane, TileConfig
from golden.tile import Tile

_BATCH = 64
_WEIGHT = 0.5


def rms_error(config: TileConfig, seed: int = 0) -> float:
    """Root mean square of y - x W over that of x W, of 64 vectors of random codes and weights uniform in +-0.5.

    Converters with their spread and noise make the error; lanes do not matter, as they change no bit.
    """
    rng, tile = np.random.default_rng(seed), Tile(config)
    for plane, values in config.populate(seed).items():
        if plane in tile.planes:
            tile.write_plane(plane, values)
    weights = config.weight.quantize(rng.uniform(-_WEIGHT, _WEIGHT, (config.rows, config.cols)))
    tile.write_plane(Plane.WEIGHT, weights)
    codes = rng.integers(-config.code.max, config.code.max + 1, (_BATCH, config.rows))
    exact = codes / config.code.max @ config.weight.real(weights)
    found = tile.forward(codes) * config.adc.lsb
    return float(np.sqrt(np.mean((found - exact) ** 2) / np.mean(exact ** 2)))
