# SPDX-License-Identifier: Apache-2.0
"""PLLs: the clock that the dividers say is the one that the cell makes, within the limits of the data sheets."""
import pytest

pytest.importorskip("amaranth_boards", reason="amaranth-boards is not installed: pip install crosstwin[fpga]")

from boards.pll import EHXPLLL, RPLL_GW1NR_9C, RPLL_GW2A_18C, SB_PLL40_CORE, SB_PLL40_PAD, TOLERANCE

CLOCKS = (24, 27.5, 30, 48, 60, 100, 120, 133, 160, 200)


def ecp5(oscillator, p):
    """Phase detector, its limits, oscillator, its limits, output: by the data sheet's block diagram."""
    detector = oscillator / p["CLKI_DIV"]
    vco = detector * p["CLKFB_DIV"] * p["CLKOP_DIV"]
    return detector, (10, 400), vco, (400, 800), vco / p["CLKOS_DIV"]


def ice40(oscillator, p):
    detector = oscillator / (p["DIVR"] + 1)
    vco = detector * (p["DIVF"] + 1)
    return detector, (10, 133), vco, (533, 1066), vco / 2 ** p["DIVQ"]


def gowin(oscillator, p):
    detector, limits = oscillator / (p["IDIV_SEL"] + 1), {"GW1NR-9C": (400, 1200), "GW2A-18C": (500, 1250)}
    output = detector * (p["FBDIV_SEL"] + 1)
    assert p["FCLKIN"] == f"{oscillator:g}"
    return detector, (3, 400), output * p["ODIV_SEL"], limits[p["DEVICE"]], output


@pytest.mark.parametrize("mhz", CLOCKS)
@pytest.mark.parametrize(("pll", "oscillator", "model"), [
    pytest.param(EHXPLLL, 25, ecp5, id="ecp5-25"), pytest.param(EHXPLLL, 100, ecp5, id="ecp5-100"),
    pytest.param(SB_PLL40_CORE, 12, ice40, id="ice40"), pytest.param(SB_PLL40_PAD, 12, ice40, id="ice40-pad"),
    pytest.param(RPLL_GW1NR_9C, 27, gowin, id="gw1n"), pytest.param(RPLL_GW2A_18C, 27, gowin, id="gw2a"),
])
def test_the_cell_makes_the_clock_within_its_limits(pll, oscillator, model, mhz):
    setting = pll.setting(oscillator, mhz)
    detector, (low, high), vco, (vco_low, vco_high), output = model(oscillator, setting.parameters)
    assert low <= detector <= high
    assert vco_low <= vco <= vco_high
    assert output == pytest.approx(setting.mhz, rel=1e-9)
    assert abs(setting.mhz / mhz - 1) <= TOLERANCE


def test_the_nearest_clock_is_chosen():
    assert EHXPLLL.setting(25, 160).mhz == 160
    assert EHXPLLL.setting(25, 120).mhz == 120
    assert SB_PLL40_CORE.setting(12, 40).mhz == 39.75, "icepll: DIVF 52, DIVQ 4"
    assert SB_PLL40_CORE.setting(12, 48).parameters == {"DIVR": 0, "DIVF": 63, "DIVQ": 4, "FILTER_RANGE": 1}, "icepll"


@pytest.mark.parametrize(("pll", "oscillator", "mhz", "nearest"), [
    (EHXPLLL, 25, 500, "400"), (SB_PLL40_CORE, 12, 10, "16.125"), (RPLL_GW1NR_9C, 27, 1, "4.5")])
def test_a_clock_out_of_reach_is_refused_with_the_nearest(pll, oscillator, mhz, nearest):
    with pytest.raises(ValueError, match=rf"nearest of which is {nearest} MHz, not {mhz} MHz"):
        pll.setting(oscillator, mhz)
