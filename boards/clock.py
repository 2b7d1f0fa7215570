# SPDX-License-Identifier: Apache-2.0
"""The `sync` domain of a board: its PLL's clock, held in reset until that is stable."""
from math import ceil

from amaranth.hdl import ClockDomain, ClockSignal, Elaboratable, Instance, Module, ResetSignal, Signal
from amaranth.lib import io
from amaranth.lib.cdc import FFSynchronizer

from boards.pll import Pll, Setting

_SETTLING_US = 15
"""iCE40's block RAMs read as zero for 3 us behind configuration (icestorm issue 76); margin as Amaranth's platform."""


class BoardClock(Elaboratable):
    """Drives `sync`, which is its parent's, from the platform's default clock through a PLL. It is in reset while the
    PLL is not locked or the board's reset button, where it has one, is held.

    Parameters: `has_global_reset` where the chip resets registers by a net of its own, so that `sync` is `reset_less`.
    """

    def __init__(self, pll: Pll, setting: Setting, has_global_reset: bool):
        self.pll, self.setting = pll, setting
        self.start = by_global_reset if has_global_reset else by_count

    def elaborate(self, platform):
        m = Module()
        oscillator = platform.request(platform.default_clk, dir="-")
        if self.pll.at_pad:
            reference = oscillator.io
        else:
            m.submodules.oscillator = buffer = io.Buffer("i", oscillator)
            reference = buffer.i
        clock, locked, go = Signal(), Signal(), Signal()
        m.submodules.pll = self.pll.cell(self.setting.parameters, reference, clock, locked)
        m.d.comb += go.eq(locked)
        if platform.default_rst is not None:
            m.submodules.button = button = io.Buffer("i", platform.request(platform.default_rst, dir="-"))
            m.d.comb += go.eq(locked & ~button.i)
        m.submodules.start = self.start(clock, go, self.setting.mhz)
        return m


def by_global_reset(clock, go, mhz: float) -> Module:
    """The chip's own net takes every register to its initial value while "go", an asynchronous line, is low."""
    m = Module()
    m.d.comb += ClockSignal().eq(clock)
    waits = [go, Signal(), Signal()]
    for n in range(2):  # two registers that this net itself leaves alone
        m.submodules[f"go_{n}"] = Instance("FD1S3AX", p_GSR="DISABLED", i_CK=clock, i_D=waits[n], o_Q=waits[n + 1])
    m.submodules.net = Instance("SGSR", i_CLK=clock, i_GSR=waits[-1])
    return m


def by_count(clock, go, mhz: float) -> Module:
    """The domain's reset is released some cycles after "go" has become high."""
    m = Module()
    m.domains.start = ClockDomain(reset_less=True, local=True)
    m.d.comb += [ClockSignal("start").eq(clock), ClockSignal().eq(clock)]
    cycles = ceil(_SETTLING_US * mhz)
    is_stable, count, is_reset = Signal(), Signal(range(cycles + 1)), Signal(init=1)
    m.submodules.synchronizer = FFSynchronizer(go, is_stable, o_domain="start")
    with m.If(~is_stable):
        m.d.start += count.eq(0)
    with m.Elif(count != cycles):
        m.d.start += count.eq(count + 1)
    m.d.start += is_reset.eq(count != cycles)
    m.d.comb += ResetSignal().eq(is_reset)
    return m
