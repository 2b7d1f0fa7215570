# SPDX-License-Identifier: Apache-2.0
import pytest
from cobs import cobs as independent
from hypothesis import given
from hypothesis import strategies as st

from golden import cobs

FULL = bytes(range(1, 255))
EDGES = [b"", b"\0", b"\0\0", b"\1", b"\0\1", b"\1\0", FULL[:-1], FULL, FULL + b"\0", FULL + b"\1", FULL + FULL,
         b"\0" + FULL, FULL + b"\0" + FULL, FULL * 4 + b"\0\0", FULL[:-1] + b"\0", bytes(600)]

sparse = st.binary(max_size=700)
dense = st.lists(st.sampled_from([0, 1, 255]), max_size=40).map(bytes)
long_runs = st.lists(st.tuples(st.sampled_from([0, 1, 253, 254, 255, 508]), st.booleans()), max_size=4).map(
    lambda parts: b"".join(b"\7" * n + bytes(zero) for n, zero in parts))


@pytest.mark.parametrize("data", EDGES, ids=range(len(EDGES)))
def test_edges(data):
    assert cobs.encode(data) == independent.encode(data)
    assert cobs.decode(cobs.encode(data)) == data


@given(st.one_of(sparse, dense, long_runs))
def test_the_independent_package_agrees(data):
    encoded = cobs.encode(data)
    assert encoded == independent.encode(data)
    assert 0 not in encoded
    assert len(encoded) <= len(data) + 1 + len(data) // 254
    assert cobs.decode(encoded) == data


@given(st.one_of(st.binary(max_size=20), st.lists(st.sampled_from([0, 1, 2, 3, 4, 255]), max_size=12).map(bytes)))
def test_what_is_no_encoding_is_refused_alike(encoded):
    try:
        expected = independent.decode(encoded)
    except independent.DecodeError:
        expected = None
    assert cobs.decode(encoded) == expected
