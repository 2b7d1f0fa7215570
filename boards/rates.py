# SPDX-License-Identifier: Apache-2.0
"""How fast a tile computes at a clock, by the most cycles that its operations take."""
from dataclasses import dataclass

from golden.config import TileConfig
from golden.protocol import Opcode
from golden.registers import register_map
from rtl.phases import TIMES
from rtl.tile import Tile


@dataclass(frozen=True, kw_only=True)
class Rates:
    """`mac_per_s`: products of a forward pass of dense codes; `updates_per_s`: cross-points of an update of BL 31 with
    one coincidence each, by lines that are on in sqrt(31) slots, or 0 where the tile has no updates.
    """

    mac_per_s: float
    updates_per_s: float

    @classmethod
    def of(cls, config: TileConfig, tile: Tile, mhz: float) -> "Rates":
        """Of a tile at a clock."""
        times = {name: register.reset for name, register in register_map(config).items() if name in TIMES}

        def rate(opcode: Opcode, visits: int, **options) -> float:
            cycles = tile.cycle_bound(opcode, visits, times, **options)
            return config.rows * config.cols / cycles * mhz * 1e6

        slots_on = round(31 ** 0.5 * config.rows)
        return cls(mac_per_s=rate(Opcode.FORWARD, config.rows * config.chunks),
                   updates_per_s=rate(Opcode.UPDATE, slots_on * config.chunks, bl=31)
                   if "update" in config.engines else 0.0)
