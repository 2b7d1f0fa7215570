# SPDX-License-Identifier: Apache-2.0
"""Opening a twin by the name of what computes it."""
from crosstwin.driver import LinkedTile
from crosstwin.links import VerilatedLink
from crosstwin.twin import Twin
from golden.config import TileConfig
from golden.management import Management
from golden.presets import TILES
from golden.tile import Tile

BACKENDS = {
    "golden": Tile,
    "verilator": lambda config: LinkedTile(config, VerilatedLink(config)),
}


def make_tile(backend: str, config: TileConfig):
    """A bare tile on a backend; ValueError if there is none of that name."""
    if backend not in BACKENDS:
        raise ValueError(f"Backend must be one of {', '.join(BACKENDS)}, not {backend!r}")
    return BACKENDS[backend](config)


def open(backend: str = "golden", config: TileConfig | str = "default", seed: int = 0,
         management: Management | None = None) -> Twin:
    """A new twin of a tile, all weights zero, devices and converters drawn from (config, seed).

    `backend`: "golden" (numpy) or "verilator" (the RTL); both give the same bits. `config`: a TileConfig, or
    the name of a preset in `golden.presets.TILES`. ValueError where either is unknown.
    """
    if isinstance(config, str):
        if config not in TILES:
            raise ValueError(f"Tile preset must be one of {', '.join(TILES)}, not {config!r}")
        config = TILES[config]
    if not isinstance(config, TileConfig):
        raise TypeError(f"Configuration must be a TileConfig or the name of a preset, not {config!r}")
    tile = make_tile(backend, config)
    try:
        return Twin(tile, seed, management)
    except BaseException:
        getattr(tile, "close", lambda: None)()
        raise
