# SPDX-License-Identifier: Apache-2.0
"""PLLs of the families: dividers that make a clock from a board's oscillator, and the cell that holds them.

Frequencies are in MHz. Limits: Lattice FPGA-DS-02012 (ECP5) and FPGA-DS-02029 (iCE40), Gowin DS117 and DS226.
"""
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

from amaranth.hdl import Const, Instance, Signal

TOLERANCE = 0.02
"""Most that a PLL's clock may be off the one that was asked for."""


class Setting(NamedTuple):
    """A clock that a PLL can make, and the parameters of its cell that make it."""

    mhz: float
    parameters: Mapping[str, int | str]


@dataclass(frozen=True, kw_only=True)
class Pll:
    """A kind of PLL.

    Parameters: `settings`, all that it can make of an oscillator, the one to prefer first; `cell`, the instance for
    parameters, the oscillator's line, and the signals of the clock and of the lock that it drives; `at_pad` where that
    line is the pad itself, not what an input buffer makes of it.
    """

    settings: Callable[[float], Iterator[Setting]]
    cell: Callable[..., Instance]
    at_pad: bool = False

    def setting(self, oscillator: float, mhz: float) -> Setting:
        """The nearest to `mhz`; ValueError where that is farther than `TOLERANCE`."""
        nearest = min(self.settings(oscillator), key=lambda setting: round(abs(setting.mhz - mhz), 6))
        if abs(nearest.mhz - mhz) > TOLERANCE * mhz:
            raise ValueError(f"Clock must be one that the PLL makes of {oscillator:g} MHz, the nearest of which is "
                             f"{nearest.mhz:g} MHz, not {mhz:g} MHz")
        return nearest


def _ecp5_settings(oscillator: float) -> Iterator[Setting]:
    """Phase detector 10..400, oscillator 400..800, output 3.125..400: CLKOS, while CLKOP closes the loop."""
    for divider in range(1, int(oscillator / 10) + 1):
        detector = oscillator / divider
        for product in range(ceil(400 / detector), int(800 / detector) + 1):
            loop = next(n for n in range(2, product + 1) if product % n == 0)
            for output in range(2, 129):
                yield Setting(detector * product / output, {
                    "CLKI_DIV": divider, "CLKFB_DIV": product // loop, "CLKOP_DIV": loop, "CLKOP_CPHASE": loop - 1,
                    "CLKOS_DIV": output, "CLKOS_CPHASE": output - 1})


def _ecp5_cell(parameters, reference, clock, locked) -> Instance:
    low = ("RST", "STDBY", "PLLWAKESYNC", "PHASESEL0", "PHASESEL1", "PHASEDIR", "PHASESTEP", "PHASELOADREG", "ENCLKOP",
           "ENCLKOS")
    loop = Signal()
    return Instance(
        "EHXPLLL", **{f"p_{name}": value for name, value in parameters.items()}, **{f"i_{name}": 0 for name in low},
        p_FEEDBK_PATH="CLKOP", p_CLKOS_ENABLE="ENABLED", a_ICP_CURRENT="12", a_LPF_RESISTOR="8",
        i_CLKI=reference, i_CLKFB=loop, o_CLKOP=loop, o_CLKOS=clock, o_LOCK=locked)


def _ice40_settings(oscillator: float) -> Iterator[Setting]:
    """Phase detector 10..133, oscillator 533..1066, output 16..275."""
    for divider in range(min(16, int(oscillator / 10))):
        detector = oscillator / (divider + 1)
        filter_range = next(n for n, below in enumerate((17, 26, 44, 66, 101, 1e9), 1) if detector < below)
        for feedback in range(128):
            for output in range(1, 7):
                vco = detector * (feedback + 1)
                if detector <= 133 and 533 <= vco <= 1066 and 16 <= vco / 2 ** output <= 275:
                    yield Setting(vco / 2 ** output, {"DIVR": divider, "DIVF": feedback, "DIVQ": output,
                                                      "FILTER_RANGE": filter_range})


def _ice40_cell(name: str, input_: str):
    def cell(parameters, reference, clock, locked) -> Instance:
        return Instance(
            name, **{f"p_{parameter}": value for parameter, value in parameters.items()}, **{input_: reference},
            p_FEEDBACK_PATH="SIMPLE", p_PLLOUT_SELECT="GENCLK",
            i_RESETB=1, i_BYPASS=0, o_PLLOUTGLOBAL=clock, o_LOCK=locked)
    return cell


def _gowin_settings(device: str, vco_low: float, vco_high: float):
    """Phase detector from 3, output from 4, both within what the tile would ever need."""
    def settings(oscillator: float) -> Iterator[Setting]:
        for divider in range(min(64, int(oscillator / 3))):
            for feedback in range(64):
                mhz = oscillator / (divider + 1) * (feedback + 1)
                for output in (2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128):
                    if 4 <= mhz <= 400 and vco_low < mhz * output < vco_high:
                        yield Setting(mhz, {"DEVICE": device, "FCLKIN": f"{oscillator:g}", "IDIV_SEL": divider,
                                            "FBDIV_SEL": feedback, "ODIV_SEL": output})
    return settings


def _gowin_cell(parameters, reference, clock, locked) -> Instance:
    low = {"RESET": 1, "RESET_P": 1, "CLKFB": 1, "FBDSEL": 6, "IDSEL": 6, "ODSEL": 6, "PSDA": 4, "DUTYDA": 4, "FDLY": 4}
    return Instance(
        "rPLL", **{f"p_{name}": value for name, value in parameters.items()},
        **{f"i_{name}": Const(0, width) for name, width in low.items()},
        i_CLKIN=reference, o_CLKOUT=clock, o_LOCK=locked)


EHXPLLL = Pll(settings=_ecp5_settings, cell=_ecp5_cell)
SB_PLL40_CORE = Pll(settings=_ice40_settings, cell=_ice40_cell("SB_PLL40_CORE", "i_REFERENCECLK"))
SB_PLL40_PAD = Pll(settings=_ice40_settings, cell=_ice40_cell("SB_PLL40_PAD", "io_PACKAGEPIN"), at_pad=True)
"""Where the oscillator's pin is the PLL's own, through which no other PLL can be reached."""
RPLL_GW1NR_9C = Pll(settings=_gowin_settings("GW1NR-9C", 400, 1200), cell=_gowin_cell)
RPLL_GW2A_18C = Pll(settings=_gowin_settings("GW2A-18C", 500, 1250), cell=_gowin_cell)
