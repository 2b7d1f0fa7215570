# SPDX-License-Identifier: Apache-2.0
"""What a board is: its platform, its clock, its link, and the tile that it holds by default."""
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from amaranth.build import TemplatedPlatform

from boards.family import Family
from boards.pll import Pll, Setting
from golden.config import TileConfig


@dataclass(frozen=True, kw_only=True)
class Board:
    """A board by its `name`, the file that declares it.

    Parameters: `title` for people; `platform` makes the platform of `amaranth-boards`; `family` of its chip; `pll`
    where it is another than the family's; `clock_mhz`, at which the tile is asked to run: the oscillator's frequency,
    or one that the PLL makes of it; `baud` of the link, at the pins of the platform's first UART; `uart`: those pins
    in words; `programmer`: its name for openFPGALoader; `config`: the tile by default; `leaves_out`: what of the
    design is not on the board and why; `seed` of nextpnr's placement, where its own is unlucky; `minutes` that one of
    the tools may take, as some placements come to no end in routing. ValueError of a clock that the PLL cannot make, a
    rate too fast for it, or of no time at all.
    """

    name: str
    title: str
    platform: Callable[[], TemplatedPlatform]
    family: Family
    clock_mhz: float
    baud: int
    uart: str
    programmer: str
    config: TileConfig
    leaves_out: str
    pll: Pll | None = None
    seed: int | None = None
    minutes: float = 180

    def __post_init__(self):
        if not self.minutes > 0:
            raise ValueError(f"Minutes of a tool must be above 0, not {self.minutes:g}")
        if not 2 <= self.divisor < 1 << 16:
            raise ValueError(f"Baud rate of {self.name} must be at most half the clock's {self.mhz:g} MHz, "
                             f"not {self.baud}")

    @cached_property
    def oscillator_mhz(self) -> float:
        """Frequency of the platform's default clock."""
        return self.platform().default_clk_frequency / 1e6

    @cached_property
    def setting(self) -> Setting | None:
        """Of the PLL; None where the oscillator itself is the clock."""
        if self.clock_mhz == self.oscillator_mhz:
            return None
        return (self.pll or self.family.pll).setting(self.oscillator_mhz, self.clock_mhz)

    @property
    def mhz(self) -> float:
        """The clock at which the tile runs."""
        return self.setting.mhz if self.setting else self.oscillator_mhz

    @property
    def divisor(self) -> int:
        """Clock cycles of a bit on the link."""
        return round(self.mhz * 1e6 / self.baud)
