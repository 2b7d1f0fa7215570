# SPDX-License-Identifier: Apache-2.0
"""Frames of the serial link: words with a header and a check, stuffed and delimited; mirrored by `rtl/frame.py`.

    0x00  COBS(header, payload words, check)  0x00       words of 32 bits, low byte first

    header    7..0 kind   15..8 session   31..16 sequence

A frame begins with a delimiter too: it ends whatever noise or cut frame stands before it on the line.
"""
from dataclasses import dataclass
from enum import IntEnum

from golden import cobs, crc
from golden.config import TileConfig

DELIMITER = b"\0"


class Kind(IntEnum):
    """What a frame is: below 128 from the host, above from the device."""

    HELLO = 1
    OPEN = 2
    DATA = 3
    ABORT = 4
    RESPONSE = 129
    WELCOME = 130
    BUSY = 131
    NAK = 132


class Reason(IntEnum):
    """Why a frame was refused: the payload of a NAK."""

    DAMAGED = 1
    ORDER = 2
    LENGTH = 3
    KIND = 4


@dataclass(frozen=True)
class Frame:
    """One frame; `payload` holds 32-bit words."""

    kind: int
    session: int = 0
    sequence: int = 0
    payload: tuple[int, ...] = ()

    @property
    def header(self) -> int:
        return self.kind | self.session << 8 | self.sequence << 16

    def encode(self) -> bytes:
        """The bytes on the line, both delimiters included."""
        body = b"".join(word.to_bytes(4, "little") for word in (self.header, *self.payload))
        return DELIMITER + cobs.encode(body + crc.check(body).to_bytes(4, "little")) + DELIMITER


def decode(encoded: bytes) -> Frame | None:
    """The frame between two delimiters, or None where it is damaged."""
    body = cobs.decode(encoded)
    if body is None or len(body) < 8 or len(body) % 4 or crc.check(body[:-4]) != int.from_bytes(body[-4:], "little"):
        return None
    header, *payload = (int.from_bytes(body[n:n + 4], "little") for n in range(0, len(body) - 4, 4))
    return Frame(header & 0xFF, header >> 8 & 0xFF, header >> 16, tuple(payload))


class Deframer:
    """Cuts a line's bytes into frames, however they come in."""

    def __init__(self):
        self._bytes = bytearray()

    def feed(self, data: bytes) -> list[Frame | None]:
        """Frames that these bytes complete; None for a damaged one. Nothing between two delimiters is no frame."""
        *done, rest = data.split(DELIMITER)
        frames = []
        for part in done:
            self._bytes += part
            if self._bytes:
                frames.append(decode(bytes(self._bytes)))
            self._bytes.clear()
        self._bytes += rest
        return frames

    def break_off(self) -> list[None]:
        """A byte without a stop bit ends a frame like a delimiter, and the frame is damaged."""
        damaged = [None] if self._bytes else []
        self._bytes.clear()
        return damaged


def longest_packet(config: TileConfig) -> int:
    """Words of the longest command or response of a tile: what the device's two buffers hold."""
    most_registers = 255  # as many as a GET can ask for
    return 1 + max(config.rows + config.cols, most_registers, *(shape.cols for shape in config.loadable.values()))
