# SPDX-License-Identifier: Apache-2.0
"""Packets over a serial port, to a board or to a simulated one."""
import errno
import secrets
import time

import numpy as np
import serial

from crosstwin.driver import LinkError
from golden.frame import Frame, Reason
from golden.link import Host, Verdict
from golden.protocol import framed, split

BAUD = 1_000_000
"""Rate of the boards' serial lines, bits a second; a pseudo-terminal has none."""
_SLICE_S = 0.05
"""Longest single wait for bytes, so that an abort or a Ctrl-C is seen."""
_LONGEST_WAIT_S = 1.0
"""Between two questions to a board that is busy."""
_MOST_REPEATS = 40
"""Of one packet, on a line that damages most of what is on it."""
_MOST_SILENT = 4
"""Timeouts in a row, each twice as long as the one before."""


class SerialLink:
    """A link (see `crosstwin.driver.Link`) through a serial port, by the rules of `golden.link`.

    Each packet is acknowledged by its response before the next one goes out. What is damaged is sent again at once,
    what gets no answer after `timeout` seconds, then after twice that, and so on; while the board says that it is
    busy, for `patience` seconds at most. No packet is ever executed twice, and after an exchange that was broken
    off, the next one begins a new session.

    Errors: LinkError, in one sentence, if the port is missing, busy, closed to this user or lost, or if what is
    behind it does not answer, or not in this protocol.
    """

    def __init__(self, port: str, baud: int = BAUD, *, timeout: float = 0.5, patience: float = 600.0):
        self.port, self.timeout, self.patience = port, timeout, patience
        self.repeats = 0
        """Frames that were sent more than once since the link was opened."""
        self._host, self._is_open, self._is_aborting = Host(), False, False
        self._sent, self._heard = b"", 0
        self._serial = _open(port, baud)
        self._byte_s = 10 / baud
        try:
            self._session()
        except BaseException:
            self.close()
            raise

    def exchange(self, words: np.ndarray, n_packets: int) -> np.ndarray:
        """Responses to whole command packets, one after the other; `n_packets` must be their number."""
        responses = [self._packet(packet) for packet in split(words)]
        if len(responses) != n_packets:
            raise ValueError(f"Expected packets must be as many as are sent, {len(responses)}, not {n_packets}")
        return np.concatenate(responses) if responses else np.zeros(0, dtype=np.uint64)

    def abort(self) -> None:
        """Abort the operation that an `exchange` in another thread waits for; its response says so."""
        self._is_aborting = True

    def close(self) -> None:
        """Release the port."""
        self._serial.close()

    def _packet(self, packet: np.ndarray) -> np.ndarray:
        if not self._is_open:
            self._session()
        self._is_aborting = False
        self._host.command((packet & np.uint64(0xFFFFFFFF)).tolist())
        self._until_done()
        return framed(self._host.response)

    def _session(self) -> None:
        self._host.open(secrets.randbits(16))
        self._until_done()

    def _until_done(self) -> None:
        """Send what is pending until it is answered."""
        self._is_open = False
        begin = time.monotonic()
        wait, silent, repeats = self._send(self.timeout), 0, 0
        deadline = begin + wait
        while True:
            verdict = self._host.receive(self._read(deadline))
            now = time.monotonic()
            if verdict == Verdict.DONE:
                self._is_open = True
                return
            if verdict == Verdict.BUSY:
                silent, repeats, wait = 0, 0, min(wait, _LONGEST_WAIT_S)
                deadline = now + wait
            if self._is_aborting:
                self._is_aborting = False
                self._host.abort()
                verdict = Verdict.SEND
            if verdict == Verdict.SEND:
                silent, repeats = 0, repeats + 1
            elif now < deadline:
                continue
            else:
                silent, repeats, wait = silent + 1, repeats + 1, 2 * wait
            if silent >= _MOST_SILENT or repeats >= _MOST_REPEATS or now > begin + self.patience:
                raise LinkError(self._failure(now - begin))
            deadline = now + self._send(wait)

    def _failure(self, seconds: float) -> str:
        board = f"Board at {self.port}"
        if not self._heard:
            return f"{board} must answer, but sent nothing within {seconds:.1f} s"
        if not self._host.heard:
            return (f"{board} must speak CrossTwin's link protocol, but none of the {self._heard} bytes that it sent "
                    "is a frame of it: is it another device, or another baud rate?")
        if self._host.refusal:
            return f"{board} must accept the packet, but refused it: {_reason(self._host.refusal)}"
        return f"{board} must answer, but stopped to within {seconds:.1f} s"

    def _send(self, wait: float) -> float:
        """Send what is pending; the seconds after which it has no answer."""
        self.repeats += self._host.pending is self._sent
        self._sent = self._host.pending
        try:
            self._serial.write(self._sent)
        except (serial.SerialException, OSError) as error:
            raise LinkError(self._lost(error)) from None
        return wait + len(self._sent) * self._byte_s

    def _read(self, deadline: float) -> bytes:
        self._serial.timeout = max(0.0, min(deadline - time.monotonic(), _SLICE_S))
        try:
            data = self._serial.read(1)
            data += self._serial.read(self._serial.in_waiting) if data else b""
        except (serial.SerialException, OSError, TypeError) as error:  # TypeError: closed by another thread
            raise LinkError(self._lost(error)) from None
        self._heard += len(data)
        return data

    def _lost(self, error: Exception) -> str:
        return f"Port {self.port} must stay connected, but was lost: {error}"


def _reason(refusal: Frame) -> str:
    """Why a NAK was sent, and what the device would take."""
    known = refusal.payload and refusal.payload[0] in list(Reason)
    reason = Reason(refusal.payload[0]).name if known else str(refusal.payload)
    return f"{reason} (it expects packet {refusal.sequence} of session {refusal.session})"


_REFUSALS = {
    errno.ENOENT: "there is none",
    errno.ENOTTY: "it is not one",
    errno.EACCES: "this user may not open it",
    errno.EBUSY: "another program has it open",
    errno.EAGAIN: "another program has it open",
}


def _open(port: str, baud: int) -> serial.Serial:
    try:
        return serial.Serial(port, baud, timeout=0, write_timeout=10, exclusive=True)
    except (serial.SerialException, OSError) as error:
        cause = error.__context__  # a terminal's own error, which pyserial wraps without its number
        number = error.errno or (cause.args[0] if cause and cause.args else 0)
        why = _REFUSALS.get(number, str(error))
        raise LinkError(f"Port {port} must be a free serial port, but {why}") from None
    except ValueError as error:
        raise LinkError(f"Port {port} must run at {baud} baud, but: {error}") from None
