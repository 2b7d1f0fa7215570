# SPDX-License-Identifier: Apache-2.0
"""Boards behind pseudo-terminals: peers come and go, idle boards cost nothing, two do not mix."""
import os
import select
import threading
import time
import tty
from contextlib import contextmanager

import pytest

from golden.frame import Deframer, Frame, Kind
from golden.link import VERSION, Host, Verdict
from golden.protocol import header
from rtl.verilog import verilog_of
from sim.serial_model import SerialModel
from sim.simulated_board import Server, SimulatedBoard
from tests.rtl.echo import EchoBoard


@contextmanager
def serving(n: int):
    text = verilog_of(EchoBoard(2), "echo_board")
    boards = [SimulatedBoard(SerialModel(text, "echo_board", 2)) for _ in range(n)]
    server = Server(boards)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield [board.path for board in boards]
    finally:
        server.stop()
        thread.join(10)
        assert not thread.is_alive()
        server.close()


class Peer:
    """A program that has the terminal open."""

    def __init__(self, path: str):
        self.line = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.line)
        self.host = Host()

    def until_done(self) -> None:
        os.write(self.line, self.host.pending)
        while True:
            assert select.select([self.line], [], [], 20)[0], "an answer must come"
            verdict = self.host.receive(os.read(self.line, 3))
            if verdict == Verdict.DONE:
                return
            if verdict == Verdict.SEND:
                os.write(self.line, self.host.pending)

    def open(self, nonce: int) -> None:
        self.host.open(nonce)
        self.until_done()

    def echo(self, *words: int) -> int:
        """The board's count of packets."""
        self.host.command((header(9), *words))
        self.until_done()
        assert self.host.response[2:] == (header(9), *words)
        return self.host.response[1]


@pytest.fixture
def paths():
    with serving(2) as paths:
        yield paths


def test_two_boards_and_peers_that_come_and_go(paths):
    first, second = Peer(paths[0]), Peer(paths[1])
    first.open(1)
    second.open(2)
    assert [first.echo(n) for n in range(3)] == [1, 2, 3]
    assert second.echo(5) == 1
    os.close(first.line)
    first = Peer(paths[0])
    first.open(3)
    assert first.echo(7, 8, 9) == 4  # the board went on
    os.close(first.line)
    os.close(second.line)


def test_a_peer_that_leaves_without_reading(paths):
    peer = Peer(paths[0])
    hello = Frame(Kind.HELLO, 0, 1).encode()
    for _ in range(4000):  # the answers are more than a terminal holds
        os.write(peer.line, hello)
    os.close(peer.line)
    time.sleep(0.3)
    peer = Peer(paths[0])
    peer.open(2)
    assert peer.echo(1) == 1
    os.close(peer.line)


def test_an_idle_server_takes_no_time(paths):
    peer = Peer(paths[0])
    peer.open(1)
    before = time.process_time()
    time.sleep(1)
    assert time.process_time() - before < 0.2
    os.write(peer.line, Frame(Kind.HELLO, 0, 2).encode())
    found: list = []
    deframer = Deframer()
    while not found:
        found = deframer.feed(os.read(peer.line, 100))
    assert found == [Frame(Kind.WELCOME, 2, 2, (VERSION,))]
    os.close(peer.line)
