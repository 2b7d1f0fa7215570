# SPDX-License-Identifier: Apache-2.0
"""The serial link against golden's device at a pseudo-terminal: bits, damage, time, and every way to fail."""
import os
import threading
import time
import tty
from contextlib import contextmanager

import numpy as np
import pytest

import crosstwin
from crosstwin import serial_link
from crosstwin.driver import LinkedTile, LinkError
from crosstwin.serial_link import SerialLink
from crosstwin.twin import Twin
from golden.presets import TILES
from golden.protocol import Opcode, Status, packet
from tests.crosstwin.golden_port import damage, golden_port

CONFIG = TILES["tiny"]
GET = packet(Opcode.GET, 1, 1)


@pytest.fixture
def port():
    with golden_port(CONFIG) as port:
        yield port


@contextmanager
def linked(port, **options):
    link = SerialLink(port.path, **options)
    try:
        yield link
    finally:
        link.close()


def results(twin) -> list:
    """Outputs, weights and counters but for the cycles of the emulation, which golden does not have."""
    rng = np.random.default_rng(7)
    weights, x, d = rng.uniform(-0.6, 0.6, (5, 6)), rng.uniform(-2, 2, (9, 5)), rng.uniform(-1, 1, (9, 6))
    twin.load(weights)
    outputs = [twin.forward(x), twin.backward(d), twin.update(x, d, 0.05), twin.read()]
    return [*outputs, [value for name, value in twin.counters().items() if name != "emulation_cycles"]]


def assert_same_bits(expected: list, actual: list) -> None:
    for one, other in zip(expected, actual, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_twin_at_a_port_gives_the_same_bits(port):
    with crosstwin.open("golden", CONFIG, seed=3) as golden, crosstwin.open(port.path, CONFIG, seed=3) as board:
        assert_same_bits(results(golden), results(board))
        assert board.tile.link.repeats == 0


@pytest.mark.parametrize("seed", [1, 2])
def test_damage_changes_no_bit(port, seed):
    port.up, port.down = damage(seed, 0.2), damage(seed + 10, 0.2)
    with crosstwin.open("golden", CONFIG, seed=3) as golden, linked(port, timeout=0.05) as link:
        assert_same_bits(results(golden), results(Twin(LinkedTile(CONFIG, link), seed=3)))
        assert link.repeats > 10


def test_a_lost_answer_comes_after_the_timeout(port):
    lost = [True]
    with linked(port, timeout=0.1) as link:
        port.up = lambda data: b"" if data and lost and lost.pop() else data
        begin = time.monotonic()
        link.exchange(GET, 1)
        assert 0.1 <= time.monotonic() - begin < 5
        assert link.repeats == 1


def test_a_busy_board_is_waited_for_and_can_be_aborted(port):
    with linked(port, timeout=0.02) as link:
        port.is_held = True
        timer = threading.Timer(0.4, setattr, (port, "is_held", False))
        timer.start()
        assert link.exchange(GET, 1)[1] & 0xFFFFFFFF == CONFIG.rows
        timer.join()
        assert 1 <= link.repeats < 10  # backs off

        port.is_held = True
        timer = threading.Timer(0.1, link.abort)
        timer.start()
        response = link.exchange(packet(Opcode.FORWARD, payload=[1] * CONFIG.rows), 1)
        timer.join()
        assert int(response[0]) >> 16 & 0xFF == Status.ABORTED
        port.is_held = False
        assert len(link.exchange(GET, 1)) == 2


def test_a_board_may_be_busy_longer_than_a_packet_may_be_repeated(port, monkeypatch):
    monkeypatch.setattr(serial_link, "_LONGEST_WAIT_S", 0.002)
    monkeypatch.setattr(serial_link, "_MOST_REPEATS", 5)
    with linked(port, timeout=0.002) as link:
        port.is_held = True
        timer = threading.Timer(0.4, setattr, (port, "is_held", False))
        timer.start()
        assert len(link.exchange(GET, 1)) == 2
        timer.join()
        assert link.repeats > 5


def test_patience_ends(port):
    with linked(port, timeout=0.02, patience=0.3) as link:
        port.is_held = True
        with pytest.raises(LinkError, match="must answer, but stopped to within 0"):
            link.exchange(GET, 1)
        port.is_held = False


def test_after_an_interruption_no_answer_is_taken_for_another(port):
    """The packet that was on its way may have been executed: its answer is not that of the next one."""
    with linked(port, timeout=0.05) as link:
        port.is_held = True
        read = link._read

        def interrupted(deadline):
            raise KeyboardInterrupt

        link._read = interrupted
        with pytest.raises(KeyboardInterrupt):
            link.exchange(packet(Opcode.GET, 1, 2), 1)
        link._read, port.is_held = read, False
        assert link.exchange(GET, 1)[1] & 0xFFFFFFFF == CONFIG.rows
        assert port.device.session == 2


def test_packets_are_counted(port):
    with linked(port) as link:
        assert link.exchange(np.zeros(0, dtype=np.uint64), 0).size == 0
        assert len(link.exchange(np.concatenate([GET, GET]), 2)) == 4
        with pytest.raises(ValueError, match="must be as many as are sent, 2, not 1"):
            link.exchange(np.concatenate([GET, GET]), 1)


def test_a_port_has_one_user(port):
    with linked(port), pytest.raises(LinkError, match=f"Port {port.path} must be a free serial port, but another "):
        SerialLink(port.path)
    with linked(port):
        pass


def test_another_tile_is_refused_and_the_port_released(port):
    for _ in range(2):
        with pytest.raises(LinkError, match="Register rows of the linked tile must be 0x40"):
            crosstwin.open(port.path, "default")
    crosstwin.open(port.path, CONFIG).close()


@pytest.mark.parametrize(("path", "why"), [("/dev/nothing", "there is none"), (__file__, "it is not one")])
def test_what_is_no_port(path, why):
    with pytest.raises(LinkError, match=f"Port {path} must be a free serial port, but {why}"):
        crosstwin.open(path, CONFIG)


@contextmanager
def terminal(answer: bytes):
    """A device that answers anything with the same bytes."""
    line, far_end = os.openpty()
    tty.setraw(far_end)

    def run():
        try:
            while os.read(line, 1000) != b"end":
                os.write(line, answer)
        except OSError:
            pass

    thread = threading.Thread(target=run)
    thread.start()
    yield os.ttyname(far_end)
    os.write(far_end, b"end")
    thread.join()
    os.close(line)
    os.close(far_end)


@pytest.mark.parametrize(("answer", "says"), [
    (b"", "must answer, but sent nothing within"),
    (b"login: \0", "must speak CrossTwin's link protocol, but none of the .* bytes that it sent is a frame of it")])
def test_another_device_is_said_to_be_one(answer, says):
    with terminal(answer) as path, pytest.raises(LinkError, match=says):
        SerialLink(path, timeout=0.01)


def test_a_packet_that_no_buffer_holds_is_refused(port):
    with linked(port) as link:
        with pytest.raises(LinkError, match="must accept the packet, but refused it: LENGTH"):
            link.exchange(packet(Opcode.UPDATE, 1, 0, [0] * 300), 1)
        assert len(link.exchange(GET, 1)) == 2


def test_a_port_that_goes_away():
    with golden_port(CONFIG) as port:
        link = SerialLink(port.path)
    with pytest.raises(LinkError, match=f"Port {port.path} must stay connected, but was lost"):
        link.exchange(GET, 1)
    link.close()
