# SPDX-License-Identifier: Apache-2.0
"""What a board is: its platform, its clock, its link, and the tile that it holds by default."""
from collections.abc import Callable
from dataclasses import dataclass

from amaranth.vendor import LatticeECP5Platform

from boards.family import ECP5, Family
from golden.config import TileConfig


@dataclass(frozen=True, kw_only=True)
class Board:
    """A board by its `name`, the file that declares it.

    Parameters: `title` for people; `platform` makes the platform of `amaranth-boards`; `clock_mhz`, at which the tile
    runs: the oscillator's frequency; `baud` of the link, at the pins of the platform's first UART; `uart`: those pins
    in words; `config`: the tile by default; `leaves_out`: what of the design is not on the board and why; `family` of
    its chip.
    """

    name: str
    title: str
    platform: Callable[[], LatticeECP5Platform]
    clock_mhz: float
    baud: int
    uart: str
    config: TileConfig
    leaves_out: str
    family: Family = ECP5

    def __post_init__(self):
        if not 2 <= self.divisor < 1 << 16:
            raise ValueError(f"Baud rate of {self.name} must be at most half the clock's {self.clock_mhz} MHz, "
                             f"not {self.baud}")

    @property
    def divisor(self) -> int:
        """Clock cycles of a bit on the link."""
        return round(self.clock_mhz * 1e6 / self.baud)
