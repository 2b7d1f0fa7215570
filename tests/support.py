# SPDX-License-Identifier: Apache-2.0
"""Configurations, loaded tiles and stimulus that the tests of `golden/`, `rtl/` and `sim/` share."""
from dataclasses import replace

import numpy as np

from golden.adc import AdcConfig
from golden.config import MAX_LEVEL, VECTOR, Plane, TileConfig
from golden.device import ConstantStep, LinearStep, PiecewiseStep, SoftBounds
from golden.presets import DEVICES, TILES
from golden.tile import Tile

HUMP = PiecewiseStep(dw_min=0.01, up=tuple(1.5 - 0.08 * abs(n - 6) for n in range(17)),
                     down=tuple(0.2 + 0.1 * n for n in range(17)))
"""A state table with a different curve each way."""

CONFIGS: dict[str, TileConfig] = {
    "tiny": TILES["tiny"],
    "quiet": replace(TILES["tiny"], device=ConstantStep(dw_min=0.01, dw_min_std=0.0),
                     adc=AdcConfig(bound=2.0, noise=0.0)),
    "linear": TileConfig(rows=9, cols=5, lanes=2, device=DEVICES["EcRam"], rounds=20,
                         adc=AdcConfig(bound=4.0)),
    "softbounds": TileConfig(rows=4, cols=11, lanes=3, device=SoftBounds(dw_min=0.02, up_down=0.1),
                             weight_bits=16, adc=AdcConfig(bound=3.0, gain_spread=0.05, offset_spread=4.0)),
    "table": TileConfig(rows=7, cols=7, lanes=7, device=HUMP, code_bits=9, adc=AdcConfig(bits=12, bound=3.0)),
    "writenoise": TileConfig(rows=5, cols=7, lanes=3, device=DEVICES["ReRamSB"], weight_bits=17,
                             adc=AdcConfig(bound=3.0)),
    "writenoise alone": TileConfig(rows=4, cols=4, lanes=4, adc=AdcConfig(bound=2.0, noise=0.0),
                                   device=ConstantStep(dw_min=0.02, dw_min_std=0.0, write_noise_std=20.0)),
    "narrow": TileConfig(rows=2, cols=3, lanes=1, device=ConstantStep(dw_min=0.1), code_bits=2, weight_bits=8,
                         adc=AdcConfig(bits=4, bound=1.0)),
}
"""Small tiles that between them use every device model and the ends of every format."""
_FOLDED = {"folded": True, "engines": ("managed", "correction", "update")}
FOLDED: dict[str, TileConfig] = {
    "folded tiny": replace(CONFIGS["tiny"], **_FOLDED),
    "folded wide": TileConfig(rows=12, cols=16, lanes=16, code_bits=5, device=SoftBounds(dw_min=0.02, up_down=0.1),
                              adc=AdcConfig(bits=7, bound=3.0, gain_spread=0.05, offset_spread=3.0), **_FOLDED),
    "folded writenoise": replace(CONFIGS["writenoise"], **_FOLDED),
    "inference": replace(CONFIGS["writenoise"], folded=True, engines=("managed",), cols=19, lanes=16),
    "rolled": TileConfig(rows=9, cols=14, lanes=4, rolled=True, device=SoftBounds(dw_min=0.02, dw_min_std=0.0),
                         adc=AdcConfig(bits=7, bound=3.0, gain_spread=0.05, offset_spread=3.0), **_FOLDED),
    "rolled lane": TileConfig(rows=5, cols=3, lanes=1, rolled=True, rounds=16, adc=AdcConfig(bound=2.0, noise=0.0),
                              device=ConstantStep(dw_min=0.1, dw_min_std=0.0).alike(), code_bits=3,
                              parameter_bits=0, **_FOLDED),
}
"""Folded tiles, with lanes that divide nothing, with beats shorter than a chunk, without updates, and rolled."""
PARAMETERS: dict[str, TileConfig] = {
    "narrow": replace(CONFIGS["linear"], parameter_bits=9),
    "narrow, soft": replace(CONFIGS["softbounds"], device=SoftBounds(dw_min=0.004, up_down=0.1), parameter_bits=8),
    "narrow, writenoise": replace(CONFIGS["writenoise"], parameter_bits=12),
    "constants": replace(CONFIGS["softbounds"], device=CONFIGS["softbounds"].device.alike(), parameter_bits=0),
    "constants, table": replace(CONFIGS["table"], device=HUMP.alike(), parameter_bits=0),
    "folded, narrow": replace(FOLDED["folded writenoise"], parameter_bits=9),
    "folded, constants": replace(FOLDED["folded wide"], device=CONFIGS["softbounds"].device.alike(), parameter_bits=0),
}
"""Tiles whose devices have narrow parameters, or constant ones."""


def random_config(seed: int) -> TileConfig:
    """Any configuration of at most 12 x 12, drawn from `seed`."""
    rng = np.random.default_rng(seed)
    common = {"dw_min": float(rng.uniform(0.005, 0.05)), "dw_min_std": float(rng.choice([0.0, 0.3, 5.0])),
              "up_down": float(rng.uniform(-0.3, 0.3)), "w_max": float(rng.uniform(0.2, 1.5)),
              "w_min": float(rng.uniform(-1.5, -0.2)), "write_noise_std": float(rng.choice([0.0, 3.0, 9.0]))}
    match rng.integers(4):
        case 0:
            device = ConstantStep(**common)
        case 1:
            gamma_up, gamma_down = rng.uniform(0, 1.5, 2).tolist()
            device = LinearStep(**common, gamma_up=gamma_up, gamma_down=gamma_down)
        case 2:
            device = SoftBounds(**common)
        case _:
            up, down = rng.uniform(0, 3.9, (2, 17)).tolist()
            device = PiecewiseStep(**common, up=tuple(up), down=tuple(down))
    cols = int(rng.integers(2, 13))
    return TileConfig(rows=int(rng.integers(2, 13)), cols=cols, lanes=int(rng.integers(1, cols + 1)),
                      code_bits=int(rng.integers(2, 10)), weight_bits=int(rng.integers(8, 19)),
                      rounds=int(rng.integers(13, 33)), device=device,
                      adc=AdcConfig(bits=int(rng.integers(4, 15)), bound=float(rng.uniform(0.5, 5)),
                                    noise=float(rng.choice([0.0, 1.275])), gain_spread=0.05,
                                    offset_spread=3.0))


def device_planes(config: TileConfig, seed: int) -> dict[Plane, np.ndarray]:
    """Every plane of the tile: populated devices and converters, random weights within their own bounds."""
    planes = config.populate(seed)
    rng = np.random.default_rng(seed)
    for plane in (Plane.WEIGHT, Plane.HIDDEN):
        planes[plane] = rng.integers(*config.bounds(planes), endpoint=True)
    planes[Plane.CORRECTION_OFFSET] = rng.integers(-1000, 1000, (1, config.n_converters))
    planes[Plane.CORRECTION_GAIN] = rng.integers(15000, 18000, (1, config.n_converters))
    return {plane: planes[plane] for plane in config.planes}


def wild_planes(config: TileConfig, seed: int) -> dict[Plane, np.ndarray]:
    """Every plane filled with any words of its format, bounds in disorder included."""
    rng = np.random.default_rng(seed)
    return {plane: rng.integers(shape.format.min, shape.format.max, (shape.rows, shape.cols), endpoint=True)
            for plane, shape in config.planes.items()}


def load(tile: Tile, planes: dict[Plane, np.ndarray]) -> None:
    """Write whole planes, row by row."""
    for plane, values in planes.items():
        for row, line in enumerate(values):
            tile.write(plane, row, line)


def loaded_tile(config: TileConfig, seed: int) -> Tile:
    """A tile with `device_planes` loaded, and with `seed` in its register."""
    tile = Tile(config)
    load(tile, device_planes(config, seed))
    tile.set("seed", seed)
    return tile


def random_codes(config: TileConfig, batch: int, n: int, seed: int) -> np.ndarray:
    """Input or error codes (batch, n): the first two vectors at the rails, the third zero, then any."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(config.code.min, config.code.max, (batch, n), endpoint=True)
    for vector, value in zip(codes, (config.code.max, config.code.min, 0), strict=False):
        vector[:] = value
    return codes


def managed_vectors(batch: int, n: int, seed: int) -> np.ndarray:
    """VECTOR codes (batch, n) of every size: zeros, rails, single LSBs, one-hot first, then of any magnitude."""
    rng = np.random.default_rng(seed)
    largest = 2.0 ** rng.uniform(0, VECTOR.bits - 1, (batch, 1))
    vectors = np.rint(rng.uniform(-1, 1, (batch, n)) * largest).astype(np.int64)
    edges = [np.zeros(n), np.full(n, VECTOR.max), np.full(n, VECTOR.min), rng.choice([VECTOR.min, 0, VECTOR.max], n),
             rng.choice([-1, 0, 1], n), np.eye(n)[-1], np.eye(n)[0] * VECTOR.min, np.full(n, -1)]
    for vector, edge in zip(vectors, edges, strict=False):
        vector[:] = edge
    return vectors


def random_updates(config: TileConfig, batch: int, seed: int):
    """Levels (batch, R), (batch, C) and BL (batch,): the first update has all lines always on."""
    rng = np.random.default_rng(seed)
    rows, cols = (rng.integers(-MAX_LEVEL, MAX_LEVEL, (batch, n), endpoint=True)
                  for n in (config.rows, config.cols))
    rows[rng.random(rows.shape) < 0.2] = 0
    rows[0], cols[0] = MAX_LEVEL, -MAX_LEVEL
    return rows, cols, rng.integers(1, config.max_bl, batch, endpoint=True)


def state(tile: Tile) -> dict:
    """Everything that a tile remembers, for comparison; but for the interrupts, which errors raise."""
    return {"planes": {plane.name: values.tolist() for plane, values in tile.planes.items()},
            "registers": {name: tile.get(name) for name in tile.registers if name != "irq_status"}}


def assert_bits(block: str, expected, actual, first_cycle: int | None = None) -> None:
    """Exact comparison of integers; a mismatch names block, index, cycle, expected and actual in hex.

    `first_cycle`, where given, is the cycle of index 0, with one entry of the first axis in every cycle.
    """
    expected, actual = np.asarray(expected, dtype=np.int64), np.asarray(actual, dtype=np.int64)
    assert expected.shape == actual.shape, f"{block}: expected shape {expected.shape}, actual {actual.shape}"
    wrong = np.argwhere(expected != actual)
    if len(wrong):
        index = tuple(int(i) for i in wrong[0])
        cycle = "" if first_cycle is None else f", cycle {first_cycle + index[0]}"
        raise AssertionError(f"{block}, index {list(index)}{cycle}: expected {int(expected[index]):#x}, "
                             f"actual {int(actual[index]):#x} ({len(wrong)} of {expected.size} differ)")
