# SPDX-License-Identifier: Apache-2.0
"""External converters with a serial port: CNV and SCK shared, a data line each."""
from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib.wiring import Component

from golden.adc import HELD_FRAC, SPI_CONVERT, SPI_FRAME, SPI_TRACK
from golden.config import TileConfig
from rtl.adc_pins import cell_members, chosen, kind_pins, logic_members
from rtl.formats import round_half_even, saturate, shape_of


class SpiLogic(Component):
    """Reads 16-bit converters of the AD7980 class, three wires, without busy indicator.

    Of the 56 steps of a conversion the first 8 leave the converter to track its line; CNV then rises, which starts
    the conversion, and stays high for 16 steps; with its fall the most significant bit comes out, and with each fall
    of SCK, which is low for a step and high for one, the next. A bit is read at the end of SCK's high step. So a
    converter fits if, in cycles of the clock, t_ACQ <= 8, t_CONV <= 16, and t_EN, t_DSDO and both halves of SCK's
    period are each <= 1 times `t_convert`. At 100 MHz an AD7980 (t_ACQ 290 ns, t_CONV 710 ns, t_DSDO 14 ns) does so
    from `t_convert` 5 on.

    The code is the upper `bits` of the frame, two's complement; its lowest value is taken as the lower rail.

    Members: `begin`, `end`, `first`, `index` in, `results` out, as in `logic_members`; `adc_cnv`, `adc_sck` out,
    `adc_sdo` in.
    """

    def __init__(self, config: TileConfig):
        self.config, self.pins = config, kind_pins(config)
        super().__init__(logic_members(config))

    def elaborate(self, platform):
        m = Module()
        bits, code = self.config.adc.bits, self.config.adc.code
        frame = SPI_TRACK + SPI_CONVERT
        half = Signal(range(2 * SPI_FRAME))
        is_frame = self.index >= frame
        m.d.comb += [
            half.eq(self.index - frame),
            self.adc_cnv.eq((self.index >= SPI_TRACK) & ~is_frame),
            self.adc_sck.eq(is_frame & half[0]),
        ]
        for n, result in enumerate(self.results):
            shift = Signal(bits, name=f"shift_{n}", reset_less=True)
            is_lowest = shift == 1 << (bits - 1)
            m.d.comb += result.eq(Mux(is_lowest, code.min, shift.as_signed()))
            with m.If(self.end & self.adc_sck & (half < 2 * bits)):
                m.d.sync += shift.eq(Cat(self.adc_sdo[n], shift[:-1]))
        return m


class SpiCells(Component):
    """Emulated converters: a code is loaded while CNV is high, and shifted out by the falls of SCK.

    Members: `values` (a line) in; `adc_select`, `adc_cnv`, `adc_sck` in, `adc_sdo` out.
    """

    def __init__(self, config: TileConfig):
        self.config = config
        self.shape = shape_of(config.adc.code)
        super().__init__(cell_members(config, self.shape))

    def settle(self, charge: Value, phase: Value) -> Value:
        """What is stored of a line's charge, in 1/256 LSB."""
        del phase
        return saturate(round_half_even(charge, HELD_FRAC), self.config.adc.code)

    def elaborate(self, platform):
        m = Module()
        bits, sck = self.config.adc.bits, Signal()
        m.d.sync += sck.eq(self.adc_sck)
        for n, value in enumerate(chosen(m, self.config, self.values, self.adc_select)):
            frame = Signal(SPI_FRAME, name=f"frame_{n}", reset_less=True)
            m.d.comb += self.adc_sdo[n].eq(frame[-1])
            with m.If(self.adc_cnv):
                m.d.sync += frame.eq(Cat(Const(0, SPI_FRAME - bits), value))
            with m.Elif(sck & ~self.adc_sck):
                m.d.sync += frame.eq(frame << 1)
        return m
