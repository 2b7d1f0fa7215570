# SPDX-License-Identifier: Apache-2.0
"""The check of a link's frames, a byte a cycle; mirrors golden."""
from amaranth.hdl import Cat, Module
from amaranth.lib.crc import Algorithm
from amaranth.lib.wiring import Component, In, Out

from golden.crc import CCITT, T10, Crc16


def _processor(crc: Crc16):
    return Algorithm(crc_width=16, polynomial=crc.polynomial, initial_crc=crc.initial, reflect_input=False,
                     reflect_output=False, xor_output=0)(8).create()


class Check(Component):
    """Two CRC-16 of the same bytes.

    Members: `data` is taken while `valid`; `start` forgets what came before, and may come with a byte; `check` is
    that of all bytes until the cycle before.
    """

    start: In(1)
    valid: In(1)
    data: In(8)
    check: Out(32)

    def elaborate(self, platform):
        m = Module()
        m.submodules.ccitt, m.submodules.t10 = processors = _processor(CCITT), _processor(T10)
        for each in processors:
            m.d.comb += [each.start.eq(self.start), each.valid.eq(self.valid), each.data.eq(self.data)]
        m.d.comb += self.check.eq(Cat(each.crc for each in processors))
        return m
