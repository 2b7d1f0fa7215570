# SPDX-License-Identifier: Apache-2.0
"""The command set: packets of 32-bit words, framed by `first` and `last`.

    command   header, payload words
    response  header, data words

    header    31..24 opcode   23..16 argument (command) or status (response)   15..0 index or data count

| opcode   | argument | index | payload                    | data      |
|----------|----------|-------|----------------------------|-----------|
| GET      | count    | first register | -                 | count     |
| SET      | -        | register       | value             | -         |
| WRITE    | plane    | row            | the plane's columns | -       |
| READ     | plane    | row            | -                 | the plane's columns |
| FORWARD  | -        | -              | R input codes     | C ADC codes |
| BACKWARD | -        | -              | C error codes     | R ADC codes |
| UPDATE   | BL       | -              | R row, then C column levels or words | - |
| RESET    | -        | -              | -                 | -         |
| FORWARD_VECTOR | -  | -              | R vector words    | C vector words |
| BACKWARD_VECTOR | - | -              | C vector words    | R vector words |
| UPDATE_VECTOR | -   | -              | R words of x, C of d | BL     |
| PROGRAM  | 0 up, 1 down | pulses     | row, column, or -1 | -        |
| SENSE    | log2 of reads | row       | -                 | C sums of ADC codes |
| VERIFY   | -        | row            | C targets         | C results |
| SYMMETRIZE | -      | pairs of pulses | row, column, or -1 | -       |
| CALIBRATE | log2 of reads | reference charge | -         | N sums of ADC codes |
| ABORT    | -        | -              | -                 | -         |
| RESUME   | -        | -              | -                 | of the operation |

ABORT is taken out of turn while an operation runs; that ends with status ABORTED, or as ever where no slot was to come,
and then ABORT is answered. RESUME goes on with the aborted operation and is answered as that is, with its opcode; it
needs one that was aborted and that nothing has given up since (`gives_up`).

Signed values are two's complement in 32 bits; fields marked - are ignored in a header. A packet with any
error gets one response without data, and changes nothing. On a word without `first` outside a packet, or on
`first` within one, the status is FRAMING; otherwise the first of opcode, argument, length and value that is wrong.
"""
from enum import IntEnum
from typing import Any

import numpy as np

from golden.config import Plane, TileConfig
from golden.registers import FIRST_STATUS

FIRST, LAST = 1 << 32, 1 << 33
"""Framing bits above the data of a stream word."""


class Opcode(IntEnum):
    GET = 1
    SET = 2
    WRITE = 3
    READ = 4
    FORWARD = 5
    BACKWARD = 6
    UPDATE = 7
    RESET = 8
    FORWARD_VECTOR = 9
    BACKWARD_VECTOR = 10
    UPDATE_VECTOR = 11
    PROGRAM = 12
    SENSE = 13
    VERIFY = 14
    SYMMETRIZE = 15
    CALIBRATE = 16
    ABORT = 17
    RESUME = 18


SERVED = frozenset({Opcode.GET, Opcode.SET, Opcode.WRITE, Opcode.READ, Opcode.FORWARD, Opcode.BACKWARD, Opcode.UPDATE,
                    Opcode.RESET, Opcode.FORWARD_VECTOR, Opcode.BACKWARD_VECTOR, Opcode.UPDATE_VECTOR, Opcode.PROGRAM,
                    Opcode.SENSE, Opcode.VERIFY, Opcode.SYMMETRIZE, Opcode.CALIBRATE, Opcode.ABORT, Opcode.RESUME})
"""Opcodes that a tile knows, unless it leaves out their engine; the others are reserved, and refused."""
MANAGED = (Opcode.FORWARD_VECTOR, Opcode.BACKWARD_VECTOR, Opcode.UPDATE_VECTOR)
"""Commands of vectors, which the tile makes codes of by itself."""
PROGRAMMING = (Opcode.PROGRAM, Opcode.SENSE, Opcode.VERIFY, Opcode.SYMMETRIZE, Opcode.CALIBRATE)
"""Commands made of reads and windows, each with an event of its own: an abort ends them for good."""


def served(config: TileConfig) -> frozenset[Opcode]:
    """Opcodes that a tile of this configuration knows."""
    owned = {"managed": MANAGED, "programming": PROGRAMMING, "update": (Opcode.UPDATE, Opcode.UPDATE_VECTOR)}
    return SERVED.difference(*(opcodes for engine, opcodes in owned.items() if engine not in config.engines))


class Status(IntEnum):
    OK = 0
    BAD_OPCODE = 1
    BAD_ARGUMENT = 2
    BAD_LENGTH = 3
    BAD_VALUE = 4
    FRAMING = 5
    ABORTED = 6
    TIMEOUT = 7


MEANING = {
    Status.BAD_OPCODE: "Opcode must be one that this tile has, of " + ", ".join(f"{o.value} {o.name}"
                                                                                for o in sorted(SERVED)),
    Status.BAD_ARGUMENT: "Register, plane, row, BL or number of pulses or reads must be one that this tile has, and "
                         "RESUME have what to resume",
    Status.BAD_LENGTH: "Packet must have as many words as its command takes",
    Status.BAD_VALUE: "Payload values must fit their format",
    Status.FRAMING: "Packet must begin with first, end with last and have neither in between",
    Status.ABORTED: "An operation must be left to run to its end, but this one was aborted",
    Status.TIMEOUT: "The array must be ready within the watchdog's time",
}


class ProtocolError(RuntimeError):
    """A tile answered a command with an error, or with something that is no answer to it."""


def header(opcode: int, argument: Any = 0, index: Any = 0) -> Any:
    """Header word, of integers or of arrays of them."""
    return opcode << 24 | argument << 16 | index


def packet(opcode: int, argument: int = 0, index: int = 0, payload=()) -> np.ndarray:
    """A command as uint64 stream words, framing bits included."""
    return packets(opcode, np.array([argument]), index, np.asarray(payload, dtype=np.int64).reshape(1, -1))[0]


def packets(opcode: int, arguments, indices, payloads) -> np.ndarray:
    """A batch of like commands: `arguments` and `indices` (B,), or one for all, and `payloads` (B, n), to uint64
    words (B, n + 1).
    """
    payloads = np.asarray(payloads, dtype=np.int64)
    words = np.empty((len(payloads), payloads.shape[1] + 1), dtype=np.uint64)
    words[:, 0] = header(opcode, np.asarray(arguments, dtype=np.int64), np.asarray(indices, dtype=np.int64))
    words[:, 1:] = payloads & 0xFFFFFFFF
    return framed(words)


def framed(words) -> np.ndarray:
    """Data words of packets (..., n) as uint64 stream words, framing bits included; in place if they are uint64."""
    words = np.asarray(words, dtype=np.uint64)
    words[..., 0] |= np.uint64(FIRST)
    words[..., -1] |= np.uint64(LAST)
    return words


def split(words) -> list[np.ndarray]:
    """Cut a sequence of response words behind each `last`."""
    words = np.asarray(words, dtype=np.uint64)
    ends = np.nonzero(words & np.uint64(LAST))[0] + 1
    if len(words) and (not len(ends) or ends[-1] != len(words)):
        raise ProtocolError("Response must end with last, not break off")
    return np.split(words, ends[:-1]) if len(ends) else []


def response(words, opcode: int, n_data: int) -> np.ndarray:
    """Data of one response, as signed int64. ProtocolError says what an error status means."""
    words = np.asarray(words, dtype=np.uint64)
    head = int(words[0]) & 0xFFFFFFFF
    status = head >> 16 & 0xFF
    if status != Status.OK:
        is_known = status in list(Status)
        meaning = MEANING[Status(status)] if is_known else f"Status must be one of 0..{max(Status)}, not {status}"
        raise ProtocolError(f"{Opcode(opcode).name} refused: {meaning}")
    if head >> 24 != opcode or len(words) != n_data + 1 or head & 0xFFFF != n_data:
        raise ProtocolError(f"Response must be {n_data} words to {Opcode(opcode).name}, "
                            f"not {len(words) - 1} words with header {head:#010x}")
    return words[1:].astype(np.uint32).view(np.int32).astype(np.int64)


def gives_up(opcode: int, index: int) -> bool:
    """Whether a command of this good header, even if the rest of its packet is wrong, gives up an aborted operation:
    all that change what it goes on with.
    """
    if opcode == Opcode.SET:
        return index < FIRST_STATUS
    return opcode not in (Opcode.GET, Opcode.READ, Opcode.ABORT, Opcode.RESUME)


def payload_length(config: TileConfig, opcode: int, argument: int) -> int:
    """Words that follow the header of a command with a good opcode and argument."""
    match opcode:
        case Opcode.SET:
            return 1
        case Opcode.PROGRAM | Opcode.SYMMETRIZE:
            return 2
        case Opcode.WRITE:
            return config.loadable[Plane(argument)].cols
        case Opcode.FORWARD | Opcode.FORWARD_VECTOR:
            return config.rows
        case Opcode.BACKWARD | Opcode.BACKWARD_VECTOR | Opcode.VERIFY:
            return config.cols
        case Opcode.UPDATE | Opcode.UPDATE_VECTOR:
            return config.rows + config.cols
        case _:
            return 0
