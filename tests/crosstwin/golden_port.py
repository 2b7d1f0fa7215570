# SPDX-License-Identifier: Apache-2.0
"""A serial port with golden's device and controller behind it, and with whatever faults a test wants."""
import os
import random
import select
import threading
import tty
from collections.abc import Callable
from contextlib import contextmanager

import numpy as np

from golden.config import TileConfig
from golden.controller import Controller
from golden.frame import longest_packet
from golden.link import Device
from golden.protocol import Opcode, Status, header, packet
from golden.tile import Tile


class GoldenPort:
    """Answers on a pseudo-terminal until `close`.

    `up` and `down` change the bytes of each read to and from the device, at first not at all. While `is_held`, the
    controller takes its time: an operation ends when it is let go, or by an abort.
    """

    def __init__(self, config: TileConfig):
        self.device, self.controller = Device(longest_packet(config)), Controller(Tile(config))
        self.up: Callable[[bytes], bytes] = lambda data: data
        self.down: Callable[[bytes], bytes] = lambda data: data
        self.is_held = False
        self._line, self._far_end = os.openpty()
        tty.setraw(self._far_end)
        self.path = os.ttyname(self._far_end)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            if select.select([self._line], [], [], 0.01)[0]:
                self._write(self.device.receive(self.down(os.read(self._line, 1000))))
            while self.device.packets and not (self.is_held and len(self.device.packets) == 1):
                words = self.device.packets.pop(0)
                if self.device.packets:  # an abort stands behind it
                    self.device.packets.pop(0)
                    self._write(self.device.respond((header(words[0] >> 24, Status.ABORTED),)))
                    self._write(self.device.respond((header(Opcode.ABORT),)))
                else:
                    self._write(self.device.respond(self._answer(words)))

    def _answer(self, words: tuple[int, ...]) -> tuple[int, ...]:
        head, payload = words[0], np.array(words[1:], dtype=np.int64)
        answer = self.controller.exchange(packet(head >> 24, head >> 16 & 0xFF, head & 0xFFFF, payload))
        return tuple((answer & np.uint64(0xFFFFFFFF)).tolist())

    def _write(self, data: bytes) -> None:
        data = self.up(data)
        while data:
            data = data[os.write(self._line, data):]

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        os.close(self._line)
        os.close(self._far_end)


@contextmanager
def golden_port(config: TileConfig):
    port = GoldenPort(config)
    try:
        yield port
    finally:
        port.close()


def damage(seed: int, share: float) -> Callable[[bytes], bytes]:
    """Changes, drops or adds a byte in this share of the reads."""
    rng = random.Random(seed)

    def change(data: bytes) -> bytes:
        if not data or rng.random() >= share:
            return data
        n = rng.randrange(len(data))
        return data[:n] + rng.choice([bytes([data[n] ^ 1 << rng.randrange(8)]), b"", rng.randbytes(2)]) + data[n + 1:]

    return change
