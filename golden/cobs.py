# SPDX-License-Identifier: Apache-2.0
"""Consistent Overhead Byte Stuffing: bytes without a zero, so that a zero can end a frame.

Cheshire and Baker, IEEE/ACM Transactions on Networking 7(2), 1999. A block is a code byte and code - 1 bytes; where
the code is below 255 and the block is not the last one, a zero follows. Mirrored by `rtl/cobs.py`.
"""
MOST = 254
"""Most bytes behind a code."""


def encode(data: bytes) -> bytes:
    """Bytes of 1..255: one more than `data` has, and one in 254 more."""
    out = bytearray()
    *runs, last = bytes(data).split(b"\0")
    for run in (*runs, last):
        full = len(run) // MOST * MOST
        for n in range(0, full, MOST):
            out += b"\xff" + run[n:n + MOST]
        out.append(len(run) - full + 1)  # of an empty block: only the zero that follows it
        out += run[full:]
    if last and len(last) % MOST == 0:
        out.pop()  # a full block may be the last one
    return bytes(out)


def decode(encoded: bytes) -> bytes | None:
    """What was encoded, or None where a block breaks off or a zero is within."""
    out = bytearray()
    n = 0
    while n < len(encoded):
        code = encoded[n]
        block = encoded[n + 1:n + code]
        if not code or len(block) != code - 1 or 0 in block:
            return None
        out += block
        n += code
        if code <= MOST and n < len(encoded):
            out.append(0)
    return bytes(out)
