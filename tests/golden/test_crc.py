# SPDX-License-Identifier: Apache-2.0
import binascii
import random

import pytest

from golden.crc import CCITT, T10, check

CHECKED = b"123456789"


@pytest.mark.parametrize(("crc", "value"), [(CCITT, 0x29B1), (T10, 0xD0DB)])
def test_check_values_of_the_catalogue(crc, value):
    assert crc.compute(CHECKED) == value


def test_ccitt_is_that_of_the_standard_library():
    rng = random.Random(1)
    for n in range(200):
        data = rng.randbytes(n)
        assert CCITT.compute(data) == binascii.crc_hqx(data, 0xFFFF)


def test_both_are_in_the_check_word():
    assert check(CHECKED) == 0xD0DB29B1


def degree(polynomial: int) -> int:
    return polynomial.bit_length() - 1


def divided(a: int, b: int) -> int:
    """Remainder of polynomials over two elements."""
    while a and degree(a) >= degree(b):
        a ^= b << degree(a) - degree(b)
    return a


def test_the_polynomials_are_coprime():
    """So that together they are one CRC of degree 32, whose remainders are all different."""
    a, b = 0x10000 | CCITT.polynomial, 0x10000 | T10.polynomial
    while b:
        a, b = b, divided(a, b)
    assert a == 1


def test_bursts_of_up_to_32_bits_are_seen():
    data = bytes(range(1, 60))
    good, number = check(data), int.from_bytes(data, "big")
    rng = random.Random(2)
    for _ in range(2000):
        burst = rng.getrandbits(rng.randrange(1, 33)) | 1
        at = rng.randrange(8 * len(data) - burst.bit_length())
        assert check((number ^ burst << at).to_bytes(len(data), "big")) != good


def test_every_odd_number_of_wrong_bits_is_seen():
    rng = random.Random(3)
    for _ in range(500):
        data = bytearray(rng.randbytes(40))
        good = CCITT.compute(data)
        for bit in rng.sample(range(320), rng.choice([1, 3, 5, 99])):
            data[bit // 8] ^= 1 << bit % 8
        assert CCITT.compute(data) != good
