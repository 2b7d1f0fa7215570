# SPDX-License-Identifier: Apache-2.0
"""Verilated boards behind pseudo-terminals, each of which looks like the serial port of a board."""

import os
import selectors
import tty
from collections.abc import Sequence
from contextlib import suppress

from sim.serial_model import SerialModel

_SLICE = 20_000  # cycles between two looks at the lines
_MOST = 1 << 16  # bytes


class SimulatedBoard:
    """One design and its pseudo-terminal, whose ``path`` a serial driver can open.

    A peer may come and go. As on a real line, what is sent to nobody is lost once the line's buffer is full.
    """

    def __init__(self, model: SerialModel):
        self.model = model
        # The far end is kept open here too: without any opener, reading this end would fail.
        self.line, self._far_end = os.openpty()
        tty.setraw(self._far_end)
        os.set_blocking(self.line, False)
        self.path = os.ttyname(self._far_end)
        self.unsent = b""

    @property
    def is_idle(self) -> bool:
        """Nothing will happen until something is received."""
        return self.model.is_idle

    def receive(self) -> None:
        """Put what has come from the terminal on the board's line."""
        with suppress(BlockingIOError):
            self.model.send(os.read(self.line, _MOST))

    def run(self) -> None:
        """Let time pass, and send what comes from the board."""
        self.unsent += self.model.run(_SLICE)
        self.send()

    def send(self) -> None:
        """Send as much as the terminal takes."""
        with suppress(BlockingIOError):
            self.unsent = self.unsent[os.write(self.line, self.unsent):] if self.unsent else b""
        self.unsent = self.unsent[-_MOST:]

    def close(self) -> None:
        """End the terminal and free the model."""
        os.close(self.line)
        os.close(self._far_end)
        self.model.close()


class Server:
    """Runs boards: sleeps while all are idle, and runs those that are not a slice at a time."""

    def __init__(self, boards: Sequence[SimulatedBoard]):
        self.boards = boards
        self._wake, self._waker = os.pipe()

    def run(self) -> None:
        """Serve until ``stop``, or until an exception, such as that of a Ctrl-C."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake, selectors.EVENT_READ)
            for board in self.boards:
                selector.register(board.line, selectors.EVENT_READ, board)
            while True:
                busy = [board for board in self.boards if not board.is_idle]
                for key, events in selector.select(0 if busy else None):
                    if key.data is None:
                        return
                    if events & selectors.EVENT_READ:
                        key.data.receive()
                    if events & selectors.EVENT_WRITE:
                        key.data.send()
                for board in self.boards:
                    if not board.is_idle:
                        board.run()
                    wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if board.unsent else 0)
                    if selector.get_key(board.line).events != wanted:
                        selector.modify(board.line, wanted, board)

    def stop(self) -> None:
        """End ``run``, from another thread or from a signal handler."""
        os.write(self._waker, b"x")

    def close(self) -> None:
        """Free all boards."""
        os.close(self._wake)
        os.close(self._waker)
        for board in self.boards:
            board.close()
