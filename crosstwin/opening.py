# SPDX-License-Identifier: Apache-2.0
"""Opening a twin by the name of what computes it."""
from crosstwin.driver import LinkedTile
from crosstwin.links import VerilatedLink
from crosstwin.serial_link import SerialLink
from crosstwin.twin import Twin
from golden.config import TileConfig
from golden.management import Management
from golden.presets import TILES
from golden.tile import Tile

BACKENDS = {
    "golden": Tile,
    "verilator": lambda config: LinkedTile(config, VerilatedLink(config)),
}


def is_port(backend: str) -> bool:
    """Whether a backend is the name of a serial port: a path, or COM and a number."""
    return "/" in backend or backend.upper().startswith("COM")


def make_tile(backend: str, config: TileConfig):
    """A bare tile on a backend or at a serial port; ValueError if there is no backend of that name."""
    if is_port(backend):
        link = SerialLink(backend)
        try:
            return LinkedTile(config, link)
        except BaseException:
            link.close()
            raise
    if backend not in BACKENDS:
        raise ValueError(f"Backend must be one of {', '.join(BACKENDS)} or a serial port, not {backend!r}")
    return BACKENDS[backend](config)


def open(backend: str = "golden", config: TileConfig | str = "default", seed: int = 0,
         management: Management | None = None) -> Twin:
    """A new twin of a tile, all weights zero, devices and converters drawn from (config, seed).

    `backend`: "golden" (numpy), "verilator" (the RTL), or the serial port of a board or of `crosstwin serve`
    (as "/dev/ttyUSB1"); all give the same bits. `config`: a TileConfig, or the name of a preset in
    `golden.presets.TILES`. ValueError where either is unknown, LinkError where a port or board is not right.
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
