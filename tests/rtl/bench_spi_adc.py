# SPDX-License-Identifier: Apache-2.0
"""cocotb bench of the serial converters' digital side: the data sheet's model at its pins. Run by test_spi_adc."""
import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, ValueChange

from golden.adc import AdcConfig, AdcKind
from golden.config import TileConfig
from golden.formats import saturate
from sim.serial_adc import SerialAdcs
from tests.support import assert_bits

CONFIG = TileConfig(rows=2, cols=5, lanes=2, adc=AdcConfig(kind=AdcKind.SPI, bits=14, columns_per_adc=2))
PERIOD = 10
FASTEST = 5
"""The least `t_convert` that the data sheet allows at this period."""


class Bench:
    """The interface, the converters outside, and the words that they make of each line."""

    def __init__(self, dut):
        self.dut, self.words = dut, [0] * CONFIG.n_converters
        self.adcs = SerialAdcs(dut.adc_cnv, dut.adc_sck, dut.adc_sdo, CONFIG.n_adcs, self._sample)

    def _sample(self, n: int) -> int:
        """The converter's multiplexer leads to a line; the last converter may have none."""
        line = n * CONFIG.adc.columns_per_adc + int(self.dut.adc_select.value)
        return self.words[line] if line < len(self.words) else 0x5A5A

    async def begin(self, t_convert: int) -> None:
        dut = self.dut
        for port, value in ((dut.start, 0), (dut.stop, 0), (dut.busy, 0), (dut.adc_sdo, 0), (dut.rst, 1),
                            (dut.t_convert, t_convert)):
            port.value = value
        Clock(dut.clk, PERIOD, unit="ns").start()
        await ClockCycles(dut.clk, 3)
        dut.rst.value = 0
        cocotb.start_soon(self._switch())
        await ClockCycles(dut.clk, 100)

    async def _switch(self) -> None:
        while True:
            await ValueChange(self.dut.adc_select)
            self.adcs.changed()

    async def convert(self, words) -> list[int]:
        self.words = [int(word) for word in words]
        await FallingEdge(self.dut.clk)
        self.dut.start.value = 1
        self.adcs.changed()
        await FallingEdge(self.dut.clk)
        self.dut.start.value = 0
        for _ in range(CONFIG.adc.cycles(int(self.dut.t_convert.value)) + 10):
            await FallingEdge(self.dut.clk)
            if self.dut.done.value:
                break
        assert self.dut.done.value, "a conversion must end"
        return [getattr(self.dut, f"codes__{n}").value.to_signed() for n in range(CONFIG.n_converters)]


@cocotb.test()
@cocotb.parametrize(t_convert=[FASTEST, FASTEST + 4])
async def codes_of_any_words(dut, t_convert):
    """Two's complement in the upper bits; what is below them is cut off, and the lowest code is the lower rail."""
    bench, rng = Bench(dut), np.random.default_rng(t_convert)
    await bench.begin(t_convert)
    n = CONFIG.n_converters
    batches = [[0x8000, 0x7FFF, 0, 0xFFFF, 0x8004], [0x5555, 0xAAAA, 0x0003, 0xFFFC, 4],
               *rng.integers(0, 1 << 16, (6, n))]
    for words in batches:
        signed = np.asarray(words, dtype=np.int64).astype(np.uint16).view(np.int16).astype(np.int64)
        wanted = saturate(signed >> (16 - CONFIG.adc.bits), CONFIG.adc.code)
        assert_bits("SpiLogic, codes", wanted, await bench.convert(words))
    assert bench.adcs.violations == []
    assert bench.adcs.conversions == CONFIG.adc.columns_per_adc * len(batches)


@cocotb.test()
async def what_is_too_fast_is_noticed(dut):
    """So that the absence of violations says something."""
    bench = Bench(dut)
    await bench.begin(FASTEST - 1)
    await bench.convert([1, 2, 3, 4, 5])
    assert any(text.startswith("CNV high must be at least 710 ns, not 640") for text in bench.adcs.violations)
    dut.t_convert.value = 1
    await ClockCycles(dut.clk, 200)
    await bench.convert([1, 2, 3, 4, 5])
    assert any(text.startswith("t_ACQ") for text in bench.adcs.violations)
    assert any(text.startswith("t_CYC") for text in bench.adcs.violations)
