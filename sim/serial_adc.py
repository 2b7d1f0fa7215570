# SPDX-License-Identifier: Apache-2.0
"""Behavioral model of external serial converters for cocotb benches, written from data-sheet timing.

AD7980 class, 16 bits, three wires, without busy indicator (SDI high): CNV rises and samples the input; it stays high
for the whole conversion; when it falls SDO leaves high impedance with the most significant bit, and each fall of SCK
brings the next one. After the sixteenth fall SDO is high impedance again. Times in nanoseconds, at VIO above 2.3 V.
Source: Analog Devices, AD7980 data sheet, timing specifications and CS mode, 3-wire without busy indicator.
"""
from collections.abc import Callable

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge, Timer
from cocotb.utils import get_sim_time

FRAME = 16
T_CONV, T_ACQ, T_CYC = 710, 290, 1000
"""Longest conversion; least acquisition before one; least time from one to the next."""
T_SCK, T_SCKL, T_SCKH = 15, 4.5, 4.5
"""Least period, low and high time of SCK."""
T_EN, T_DSDO, T_HSDO = 15, 14, 3
"""Longest time from the fall of CNV, and of SCK, to valid data; for how long the bit before stays."""


class SerialAdcs:
    """Converters that share `cnv` and `sck`, a bit each of `sdo`.

    `sample(n)` is the 16-bit word that converter n makes of its input, asked for when CNV rises. While data are not
    valid, SDO is the opposite of what comes. `violations` collects what the data sheet does not allow; `changed` is
    called where an input is switched, which begins its acquisition anew.
    """

    def __init__(self, cnv, sck, sdo, n: int, sample: Callable[[int], int]):
        self._cnv, self._sck, self._sdo, self._n, self._sample = cnv, sck, sdo, n, sample
        self._words = [0] * n
        self._acquiring_since = self._last_cnv = self._last_rise = self._last_fall = -1e9
        self._bits = FRAME
        self.violations: list[str] = []
        self.conversions = 0
        for watch in (self._convert, self._high, self._shift):
            cocotb.start_soon(watch())

    def changed(self) -> None:
        """The inputs are switched to others."""
        self._acquiring_since = max(self._acquiring_since, get_sim_time("ns"))

    def _least(self, name: str, since: float, least: float) -> None:
        took = get_sim_time("ns") - since
        if took < least:
            self.violations.append(f"{name} must be at least {least} ns, not {took}")

    async def _convert(self) -> None:
        while True:
            await RisingEdge(self._cnv)
            self._least("t_ACQ", self._acquiring_since, T_ACQ)
            self._least("t_CYC", self._last_cnv, T_CYC)
            if self._bits != FRAME:
                self.violations.append(f"{FRAME} bits must be read of a conversion, not {self._bits}")
            if self._sck.value:
                self.violations.append("SCK must be low when CNV rises")
            self._last_cnv = get_sim_time("ns")
            self._words = [self._sample(n) for n in range(self._n)]
            self._bits = 0
            await FallingEdge(self._cnv)
            self._least("CNV high", self._last_cnv, T_CONV)
            self._acquiring_since = self._last_cnv + T_CONV
            self.conversions += 1
            self._drive(is_valid=False)
            await Timer(T_EN, "ns")
            self._drive()

    async def _high(self) -> None:
        while True:
            await RisingEdge(self._sck)
            self._least("t_SCK", self._last_rise, T_SCK)
            self._least("t_SCKL", self._last_fall, T_SCKL)
            if self._cnv.value:
                self.violations.append("SCK must rest during a conversion")
            if self._bits >= FRAME:
                self.violations.append("SCK must rest behind the last bit")
            self._last_rise = get_sim_time("ns")

    async def _shift(self) -> None:
        while True:
            await FallingEdge(self._sck)
            self._least("t_SCKH", self._last_rise, T_SCKH)
            self._last_fall = get_sim_time("ns")
            self._bits += 1
            await Timer(T_HSDO, "ns")
            self._drive(is_valid=False)
            await Timer(T_DSDO - T_HSDO, "ns")
            self._drive()

    def _drive(self, *, is_valid: bool = True) -> None:
        value = 0
        for n, word in enumerate(self._words):
            bit = word >> (FRAME - 1 - self._bits) & 1 if self._bits < FRAME else 0
            value |= (bit if is_valid else 1 - bit) << n
        self._sdo.value = value
