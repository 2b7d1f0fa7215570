# SPDX-License-Identifier: Apache-2.0
"""The check of a link's frames: two CRC-16 with coprime polynomials, side by side in one 32-bit word.

Together they are a CRC of degree 32: a frame damaged at random passes with a probability of 2**-32, where one
CRC-16 would let one in 65,536 pass, and a burst of up to 32 bits never passes. Names and check values are those of
Greg Cook's catalogue of parametrised CRC algorithms.
"""
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Crc16:
    """A CRC-16, most significant bit first, without reflection or final inversion."""

    polynomial: int
    initial: int

    @cached_property
    def table(self) -> tuple[int, ...]:
        """What each value of the upper byte adds to the register, 8 bits on."""
        entries = []
        for byte in range(256):
            register = byte << 8
            for _ in range(8):
                register = (register << 1) ^ (self.polynomial if register & 0x8000 else 0)
            entries.append(register & 0xFFFF)
        return tuple(entries)

    def compute(self, data: bytes) -> int:
        """CRC of a whole message."""
        register, table = self.initial, self.table
        for byte in data:
            register = (register << 8 & 0xFF00) ^ table[register >> 8 ^ byte]
        return register


CCITT = Crc16(0x1021, 0xFFFF)
"""CRC-16/IBM-3740, widely called CCITT; has x + 1 as a factor, so that it sees every odd number of wrong bits."""
T10 = Crc16(0x8BB7, 0x0000)
"""CRC-16/T10-DIF."""


def check(data: bytes) -> int:
    """Check word of a message: CCITT in bits 15..0, T10 in bits 31..16."""
    return CCITT.compute(data) | T10.compute(data) << 16
