# SPDX-License-Identifier: Apache-2.0
import random

import pytest
from cobs import cobs as independent

from golden.crc import check
from golden.frame import Deframer, Frame, Kind, decode, longest_packet
from golden.presets import TILES

FRAMES = [Frame(Kind.HELLO, 0, 0xBEEF), Frame(Kind.DATA, 7, 1, (0x01010000,)),
          Frame(Kind.DATA, 255, 0xFFFF, tuple(range(300))), Frame(Kind.RESPONSE, 1, 2, (0, 0xFFFFFFFF, 0)),
          Frame(255, 255, 0xFFFF, (0xFFFFFFFF,) * 70)]


@pytest.mark.parametrize("frame", FRAMES, ids=range(len(FRAMES)))
def test_a_frame_is_what_the_table_says(frame):
    encoded = frame.encode()
    assert encoded[0] == encoded[-1] == 0
    assert 0 not in encoded[1:-1]
    body = independent.decode(encoded[1:-1])
    assert body[:4] == bytes([frame.kind, frame.session, frame.sequence & 0xFF, frame.sequence >> 8])
    assert tuple(int.from_bytes(body[n:n + 4], "little") for n in range(4, len(body) - 4, 4)) == frame.payload
    assert int.from_bytes(body[-4:], "little") == check(body[:-4])
    assert decode(encoded[1:-1]) == frame


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_frames_are_found_however_the_bytes_come(size):
    stream = b"\0\0" + b"".join(frame.encode() for frame in FRAMES) + b"\0"
    deframer = Deframer()
    found = [frame for n in range(0, len(stream), size) for frame in deframer.feed(stream[n:n + size])]
    assert found == FRAMES


def test_the_delimiter_in_front_ends_a_cut_frame():
    cut = FRAMES[2].encode()[:-20]
    assert Deframer().feed(cut + FRAMES[1].encode()) == [None, FRAMES[1]]


def test_a_broken_byte_ends_a_frame_as_damaged():
    deframer = Deframer()
    assert deframer.break_off() == []
    assert deframer.feed(FRAMES[1].encode()[:-3]) == []
    assert deframer.break_off() == [None]
    assert deframer.feed(FRAMES[1].encode()) == [FRAMES[1]]


def test_every_single_wrong_bit_is_seen():
    encoded = FRAMES[3].encode()[1:-1]
    for bit in range(8 * len(encoded)):
        wrong = bytearray(encoded)
        wrong[bit // 8] ^= 1 << bit % 8
        assert Deframer().feed(b"\0" + bytes(wrong) + b"\0").count(FRAMES[3]) == 0


def test_what_is_too_short_or_no_words_is_damaged():
    rng = random.Random(1)
    for n in (0, 1, 3, 4, 5, 6, 7, 9, 10, 11):
        body = rng.randbytes(n)
        assert decode(independent.encode(body + check(body).to_bytes(4, "little"))) is None or n in (4, 8)
    assert decode(independent.encode(b"")) is None
    assert decode(independent.encode(check(b"").to_bytes(4, "little"))) is None


def test_the_longest_packet():
    assert longest_packet(TILES["tiny"]) == 256  # a GET of 255 registers
    assert longest_packet(TILES["default"]) == 256
    large = TILES["default"].__class__(rows=700, cols=300)
    assert longest_packet(large) == 1001
