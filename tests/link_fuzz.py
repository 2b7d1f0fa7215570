# SPDX-License-Identifier: Apache-2.0
"""A host, a line that damages, cuts, repeats, loses and reorders what is on it, and a board that counts what it
executes. Nothing here knows how the board is made: golden's device and the RTL are put through the same.
"""
import random
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from golden.link import Device, Host, Verdict
from golden.protocol import header
from sim.serial_model import SerialModel, symbols_of
from tests.rtl.echo import ABORTED, DEPTH, EchoModel

MOST_TRANSMISSIONS = 400
"""Of one packet: more than that is a hang."""
MOST_CYCLES = 4_000_000
"""Of the RTL for one transmission."""


class Board(Protocol):
    def transfer(self, symbols: np.ndarray) -> bytes:
        """Put symbols on the line to the board; what it has sent when it has nothing left to do."""
        ...


class GoldenBoard:
    """`golden.link.Device` with an echo behind it. Symbols with a wrong start or stop bit break a frame off."""

    def __init__(self):
        self.device, self.echo = Device(DEPTH), EchoModel()

    def transfer(self, symbols: np.ndarray) -> bytes:
        out = bytearray()
        for symbol in symbols.tolist():
            is_byte = symbol & 0x201 == 0x200
            out += self.device.receive(bytes([symbol >> 1 & 0xFF])) if is_byte else self.device.break_off()
            if symbol == 0x200 or not is_byte:
                out += self._run()  # after a frame, so that one that follows at once finds the device free
        return bytes(out)

    def _run(self) -> bytes:
        out = b""
        while self.device.packets:
            out += self.device.respond(self.echo.respond(self.device.packets.pop(0)))
        return out


class VerilatedBoard:
    """The echo board under Verilator, at the level of its pins."""

    def __init__(self, model: SerialModel):
        self.model = model

    def transfer(self, symbols: np.ndarray) -> bytes:
        self.model.send_symbols(symbols)
        out = self.model.run(MOST_CYCLES)
        assert self.model.is_idle, "the board must come to rest"
        return out


class Line:
    """One direction of the line; while `is_bad`, what is put on it comes out as the random source has it."""

    def __init__(self, rng: random.Random, damage: float):
        self.rng, self.damage = rng, damage
        self.is_bad = False
        self.late: list[bytes] = []

    def carry(self, data: bytes) -> list[bytes]:
        """Transmissions that come out, in their order."""
        if not self.is_bad:
            return [data]
        rng = self.rng
        out = [self._worsen(data) if rng.random() < self.damage else data]
        if rng.random() < 0.1:  # again, at once
            out.append(rng.choice([data, out[0]]))
        if rng.random() < 0.1:  # again, or only, later
            self.late.append(data)
            if rng.random() < 0.5:
                out.pop(0)
        while self.late and rng.random() < 0.3:
            out.insert(rng.randrange(len(out) + 1), self.late.pop(rng.randrange(len(self.late))))
        return out

    def settle(self) -> list[bytes]:
        """The end of a bad time: what was held up comes out."""
        self.is_bad, late, self.late = False, self.late, []
        return late

    def _worsen(self, data: bytes) -> bytes:
        rng, damaged = self.rng, bytearray(data)
        for _ in range(rng.choice([1, 1, 1, 2, 5])):
            n = rng.randrange(len(damaged) + 1)
            match rng.randrange(9):
                case 0:
                    for _ in range(rng.choice([1, 1, 2, 3, 8])):
                        if damaged:
                            damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
                case 1:
                    damaged[n:n + rng.choice([1, 1, 2, 4, 30])] = rng.randbytes(rng.choice([1, 2, 4]))
                case 2:
                    damaged[n:n] = rng.randbytes(rng.choice([1, 1, 2, 40]))
                case 3:
                    del damaged[n:n + rng.choice([1, 1, 2, 4, 40])]
                case 4:
                    del damaged[n:]
                case 5:
                    del damaged[:n]
                case 6:
                    damaged[:0] = rng.randbytes(rng.choice([1, 3, 20]))  # noise between frames
                case 7:
                    damaged[n:n] = bytes(rng.choice([1, 2, 5]))
                case 8:
                    damaged[n:n] = bytes(rng.randrange(1, 256) for _ in range(5 * DEPTH))  # beyond every buffer
        return bytes(damaged)


@dataclass
class Figures:
    """What a run has shown."""

    packets: int = 0
    transmissions: int = 0
    damaged: int = 0
    aborted: int = 0
    sessions: int = 0
    recoveries: list[int] = field(default_factory=list)
    """Transmissions of the first packet after each end of damage."""


class Fuzz:
    """A host that sends random packets over two bad lines, and knows what the board may have executed."""

    def __init__(self, board: Board, seed: int, damage: float = 0.5):
        self.board, self.rng = board, random.Random(seed)
        self.down, self.up = Line(self.rng, damage), Line(self.rng, damage)
        self.host = Host()
        self.executed = 0
        self.is_unsure = False  # whether a host that went away had its last packet executed
        self.figures = Figures()

    def run(self, n_packets: int) -> Figures:
        """Bad times and good ones in turn."""
        self._open()
        while self.figures.packets < n_packets:
            self.down.is_bad, self.up.is_bad = self.rng.choice([(True, True), (True, False), (False, True)])
            for _ in range(self.rng.randrange(1, 20)):
                self._packet()
                if self.rng.random() < 0.01:
                    self._leave()
            self._settle()
            self.figures.recoveries.append(self._packet())
            for _ in range(self.rng.randrange(5)):
                assert self._packet() == 1, "a packet on a good line is sent once"
        return self.figures

    def _settle(self) -> None:
        for late in self.down.settle():
            self.host.receive(self.board.transfer(symbols_of(late)))
        for late in self.up.settle():
            self.host.receive(late)

    def _open(self) -> None:
        self.host.open(self.rng.getrandbits(16))
        self._until_done()
        self.figures.sessions += 1

    def _leave(self) -> None:
        """The host goes away in the midst of a packet, and another one comes."""
        self.host.command(self._words())
        if self.rng.random() < 0.7:
            self._transmit()
        self.host, self.is_unsure = Host(), True
        self._open()

    def _words(self) -> tuple[int, ...]:
        """Short and long packets, with many zeros; the argument is how long it runs."""
        rng = self.rng
        payload = [rng.choice([0, 1, 0xFF00FF, rng.getrandbits(32)]) for _ in range(rng.choice([0, 1, 3, DEPTH - 3]))]
        return header(rng.randrange(1, 16), rng.choice([0, 0, 1, 60]), rng.getrandbits(16)), *payload

    def _packet(self) -> int:
        """Exchange one packet, check the answer, and return how often it was sent."""
        words = self._words()
        self.host.command(words)
        may_abort = self.down.is_bad and self.rng.random() < 0.1
        if may_abort:
            self.host.abort()
        transmissions = self._until_done()
        self.executed += 1
        head, count, *echo = self.host.response
        if self.is_unsure and count == self.executed + 1:
            self.executed = count
        self.is_unsure = False
        assert count == self.executed, f"{count} packets executed, {self.executed} sent"
        assert tuple(echo) == words, "the packet executed must be the one sent"
        status = head >> 16 & 0xFF
        assert status == 0 or (may_abort and status == ABORTED)
        self.figures.aborted += status == ABORTED
        self.figures.packets += 1
        self.figures.transmissions += transmissions
        return transmissions

    def _until_done(self) -> int:
        """Send until the answer is there; how often that was."""
        for n in range(1, MOST_TRANSMISSIONS):
            if self._transmit() == Verdict.DONE:
                return n
        raise AssertionError(f"a packet must get through within {MOST_TRANSMISSIONS} transmissions")

    def _transmit(self) -> Verdict:
        out = self.down.carry(self.host.pending)
        self.figures.damaged += out != [self.host.pending]
        symbols = [self._symbols(each) for each in out]
        reply = self.board.transfer(np.concatenate(symbols)) if symbols else b""
        verdict = Verdict.WAIT
        for each in self.up.carry(reply):
            cut = self.rng.randrange(len(each) + 1)  # what a read gives need not be a frame
            for part in (each[:cut], each[cut:]):
                judged = self.host.receive(part)
                verdict = judged if verdict != Verdict.DONE and judged != Verdict.WAIT else verdict
        return verdict

    def _symbols(self, data: bytes) -> np.ndarray:
        """On a bad line, a start or a stop bit may be wrong, and it may rest or break in between."""
        symbols = symbols_of(data)
        if self.down.is_bad and self.rng.random() < 0.1 and len(symbols):
            n = self.rng.randrange(len(symbols))
            worse = self.rng.choice([[symbols[n] ^ 1], [symbols[n] ^ 0x200], [0x3FF, symbols[n]], [0, symbols[n]]])
            symbols = np.concatenate([symbols[:n], np.array(worse, dtype=np.uint16), symbols[n + 1:]])
        return symbols
