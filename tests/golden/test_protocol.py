# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden.protocol import (
    FIRST,
    LAST,
    MEANING,
    Opcode,
    ProtocolError,
    Status,
    header,
    packet,
    packets,
    payload_length,
    response,
    split,
)
from tests.support import CONFIGS


def test_header_fields():
    assert header(7, 0x1F, 0x1234) == 0x07_1F_1234


def test_packet_of_a_header_alone_is_first_and_last():
    assert packet(Opcode.RESET).tolist() == [FIRST | LAST | 0x08_00_0000]


def test_framing_and_twos_complement():
    assert packet(Opcode.FORWARD, payload=[1, -1, -63]).tolist() == [
        FIRST | 0x05_00_0000, 1, 0xFFFFFFFF, LAST | 0xFFFFFFC1]


def test_batch_is_its_packets():
    payloads = np.arange(12).reshape(3, 4) - 6
    together = packets(Opcode.UPDATE, [1, 31, 63], 5, payloads)
    assert together.tolist() == [packet(Opcode.UPDATE, bl, 5, row).tolist()
                                 for bl, row in zip((1, 31, 63), payloads, strict=True)]


@given(st.lists(st.lists(st.integers(-2 ** 31, 2 ** 31 - 1), max_size=5), max_size=6))
def test_split_and_response_invert_packets(payloads):
    stream = [packet(Opcode.READ, Status.OK, len(p), p) for p in payloads]
    words = np.concatenate(stream) if stream else np.zeros(0, dtype=np.uint64)
    cut = split(words)
    assert [w.tolist() for w in cut] == [w.tolist() for w in stream]
    assert [response(w, Opcode.READ, len(p)).tolist() for w, p in zip(cut, payloads, strict=True)] == payloads


def test_split_refuses_a_broken_end():
    with pytest.raises(ProtocolError, match=r"^Response must end with last, not break off$"):
        split(packet(Opcode.GET, payload=[1, 2])[:-1])
    with pytest.raises(ProtocolError, match=r"^Response must end with last, not break off$"):
        split(np.concatenate([packet(Opcode.GET), packet(Opcode.GET, payload=[1])[:-1]]))


@pytest.mark.parametrize("status", [s for s in Status if s])
def test_error_status_is_explained(status):
    with pytest.raises(ProtocolError, match=r"^UPDATE refused: ") as caught:
        response(packet(Opcode.UPDATE, status), Opcode.UPDATE, 0)
    assert MEANING[status] in str(caught.value)


@pytest.mark.parametrize(("words", "opcode", "n"), [
    (packet(Opcode.GET, 0, 1, [5]), Opcode.READ, 1), (packet(Opcode.GET, 0, 1, [5]), Opcode.GET, 2),
    (packet(Opcode.GET, 0, 2, [5]), Opcode.GET, 1)])
def test_wrong_answer_is_refused(words, opcode, n):
    with pytest.raises(ProtocolError, match=f"^Response must be {n} words to {opcode.name}, not 1 words"):
        response(words, opcode, n)


def test_unknown_status_is_refused():
    with pytest.raises(ProtocolError, match=r"Status must be one of 0\.\.7, not 9"):
        response(packet(Opcode.GET, 9), Opcode.GET, 0)


@pytest.mark.parametrize("name", CONFIGS)
def test_payload_lengths(name):
    config = CONFIGS[name]
    assert payload_length(config, Opcode.SET, 0) == 1
    assert payload_length(config, Opcode.FORWARD, 0) == config.rows
    assert payload_length(config, Opcode.BACKWARD, 0) == config.cols
    assert payload_length(config, Opcode.UPDATE, 31) == config.rows + config.cols
    assert payload_length(config, Opcode.FORWARD_VECTOR, 0) == config.rows
    assert payload_length(config, Opcode.BACKWARD_VECTOR, 0) == config.cols
    assert payload_length(config, Opcode.UPDATE_VECTOR, 0) == config.rows + config.cols
    for plane, shape in config.planes.items():
        assert payload_length(config, Opcode.WRITE, plane) == shape.cols
    assert not any(payload_length(config, opcode, 0) for opcode in (Opcode.GET, Opcode.READ, Opcode.RESET))
