# SPDX-License-Identifier: Apache-2.0
"""AXI4-Lite in front of the register bank."""
from amaranth.hdl import Module
from amaranth.lib import data
from amaranth.lib.wiring import Component, In, Out, Signature

from rtl.registers import RegisterPort
from rtl.stream import StreamRegister

ADDRESS_BITS = 12
"""Of a byte address: one page of 4 KiB, of which the map takes the beginning."""
OKAY, SLVERR = 0, 2
"""Responses of AXI; this component gives no other."""
AXI_LITE = Signature({
    "awaddr": Out(ADDRESS_BITS), "awprot": Out(3), "awvalid": Out(1), "awready": In(1),
    "wdata": Out(32), "wstrb": Out(4), "wvalid": Out(1), "wready": In(1),
    "bresp": In(2), "bvalid": In(1), "bready": Out(1),
    "araddr": Out(ADDRESS_BITS), "arprot": Out(3), "arvalid": Out(1), "arready": In(1),
    "rdata": In(32), "rresp": In(2), "rvalid": In(1), "rready": Out(1),
})
"""The channels as a manager drives them, by the names of the AXI specification (Arm IHI 0022)."""

_WRITE = data.StructLayout({"data": 32, "strobe": 4})
_READ = data.StructLayout({"data": 32, "response": 2})


class AxiLite(Component):
    """An AXI4-Lite subordinate whose word n is register n: byte address 4 n.

    An address that is not a multiple of four or holds no register, a write of fewer than four bytes, to a read-only
    register or of a value out of its range: SLVERR, nothing written, data 0. Protection bits are not looked at.

    Every channel goes through registers in both directions. A read and a write can be taken in every cycle; a read's
    data come 2 cycles after its address. Reads are served at once, whatever the tile does. A write waits while
    `registers.waits`, and is in force before its response is there. Address and data may come in either order, and
    responses may be left waiting: neither channel stops the other.

    Members: `bus`; `registers` to the bank.
    """

    def __init__(self):
        super().__init__({"bus": In(AXI_LITE), "registers": Out(RegisterPort)})

    def elaborate(self, platform):
        m = Module()
        bus, registers = self.bus, self.registers
        m.submodules.write_address = write_address = StreamRegister(ADDRESS_BITS)
        m.submodules.write_data = write_data = StreamRegister(_WRITE)
        m.submodules.write_response = write_response = StreamRegister(2)
        m.submodules.read_address = read_address = StreamRegister(ADDRESS_BITS)
        m.submodules.read_data = read_data = StreamRegister(_READ)

        address, word = write_address.o.payload, write_data.o.payload
        is_whole, is_good = (address[:2] == 0) & word.strobe.all(), write_response.i.payload == OKAY
        m.d.comb += [
            write_address.i.payload.eq(bus.awaddr), write_address.i.valid.eq(bus.awvalid),
            bus.awready.eq(write_address.i.ready),
            write_data.i.payload.data.eq(bus.wdata), write_data.i.payload.strobe.eq(bus.wstrb),
            write_data.i.valid.eq(bus.wvalid), bus.wready.eq(write_data.i.ready),

            registers.write_index.eq(address[2:]), registers.value.eq(word.data),
            write_response.i.payload.eq(SLVERR),
            write_response.i.valid.eq(write_address.o.valid & write_data.o.valid & ~(is_good & registers.waits)),
            registers.write.eq(write_response.i.valid & write_response.i.ready & is_good),
            write_address.o.ready.eq(write_response.i.valid & write_response.i.ready),
            write_data.o.ready.eq(write_response.i.valid & write_response.i.ready),

            bus.bresp.eq(write_response.o.payload), bus.bvalid.eq(write_response.o.valid),
            write_response.o.ready.eq(bus.bready),
        ]
        with m.If(is_whole & registers.accepts):
            m.d.comb += write_response.i.payload.eq(OKAY)

        address = read_address.o.payload
        m.d.comb += [
            read_address.i.payload.eq(bus.araddr), read_address.i.valid.eq(bus.arvalid),
            bus.arready.eq(read_address.i.ready),

            registers.read_index.eq(address[2:]),
            read_data.i.payload.response.eq(SLVERR),
            read_data.i.valid.eq(read_address.o.valid), read_address.o.ready.eq(read_data.i.ready),

            bus.rdata.eq(read_data.o.payload.data), bus.rresp.eq(read_data.o.payload.response),
            bus.rvalid.eq(read_data.o.valid), read_data.o.ready.eq(bus.rready),
        ]
        with m.If((address[:2] == 0) & registers.readable):
            m.d.comb += [read_data.i.payload.data.eq(registers.read), read_data.i.payload.response.eq(OKAY)]
        return m
