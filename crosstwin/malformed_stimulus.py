# SPDX-License-Identifier: Apache-2.0
"""Random packets with something wrong about them: a tile must say so, and change nothing."""
import numpy as np

from crosstwin import programming_stimulus as programming
from golden.config import MAX_LEVEL, VECTOR, Plane, TileConfig
from golden.protocol import FIRST, LAST, PROGRAMMING, Opcode, packet, payload_length, served
from golden.registers import register_map

_WORD = 0xFFFFFFFF


def spoiled(rng: np.random.Generator, config: TileConfig, name: str, words: np.ndarray) -> tuple[str, np.ndarray]:
    """A good packet, and what it is called, with a wrong opcode, argument, length, value or framing."""
    words = words.copy()
    plain = words & np.uint64(_WORD)
    opcode, argument = int(plain[0]) >> 24, int(plain[0]) >> 16 & 0xFF
    wrong = str(rng.choice(["opcode", "argument", "length", "value", "framing"]))
    match wrong:
        case "opcode":
            opcodes = (0, *Opcode, 19, 255, int(rng.integers(19, 256)))
            bad = int(rng.choice([n for n in opcodes if n not in served(config)]))
            words[0] = np.uint64(FIRST | (int(words[0]) & LAST) | bad << 24 | int(plain[0]) & 0xFFFFFF)
        case "argument":
            return _bad_argument(rng, config)
        case "length":
            length = payload_length(config, opcode, argument)
            other = int(rng.choice([n for n in {0, 1, length - 1, length + 1, length + 7} if n >= 0 and n != length]))
            payload = rng.integers(0, 3, other) if rng.random() < 0.5 else np.resize(plain[1:], other) \
                if len(plain) > 1 else np.zeros(other)
            words = packet(opcode, argument, int(plain[0]) & 0xFFFF, np.asarray(payload).astype(np.int64))
        case "value":
            if not payload_length(config, opcode, argument):
                return _bad_argument(rng, config)
            return f"a bad value in {name}", _bad_value(rng, config, opcode, words)
        case "framing":
            return f"bad framing of {name}", _bad_framing(rng, words)
    return f"a bad {wrong} in {name}", words


def _bad_argument(rng, config: TileConfig) -> tuple[str, np.ndarray]:
    registers = {register.index: register for register in register_map(config).values()}
    absent = [n for n in range(160) if n not in registers]
    match int(rng.integers(7)):
        case 0:
            planes = [n for n in range(16) if n not in config.loadable] + [255]
            words = packet(int(rng.choice([Opcode.READ, Opcode.WRITE])), int(rng.choice(planes)), 0)
        case 1 if config.loadable:
            plane = Plane(int(rng.choice(list(config.loadable))))
            row = config.loadable[plane].rows + int(rng.choice([0, 1, 64, 40000]))
            words = packet(int(rng.choice([Opcode.READ, Opcode.WRITE])), plane, row)
        case 2:
            bl = int(rng.choice([0, 64, 128, 255]))
            words = packet(Opcode.UPDATE, bl, payload=np.zeros(config.rows + config.cols))
        case 3:
            readable = [index for index, register in registers.items() if not register.writable]
            words = packet(Opcode.SET, 0, int(rng.choice([*readable, *absent, 1000])), [1])
        case 4:
            words = programming.bad_argument(rng, config)
        case 5:
            words = packet(Opcode.GET, 0, int(rng.integers(0, 5)))
        case _:
            first, count = ((6, 2), (int(rng.choice(absent)), 1), (37, 2), (38, 1), (97, 2), (65535, 1),
                            (8, 255))[rng.integers(7)]
            words = packet(Opcode.GET, count, first)
    return "a bad argument", words


def _bad_value(rng, config: TileConfig, opcode: int, words: np.ndarray) -> np.ndarray:
    """One payload word just, or far, beyond its format; a zero where a register must not be."""
    where = 1 + int(rng.integers(len(words) - 1))
    argument, index = int(words[0]) >> 16 & 0xFF, int(words[0]) & 0xFFFF
    match opcode:
        case Opcode.FORWARD | Opcode.BACKWARD:
            low, high = config.code.min, config.code.max
        case Opcode.UPDATE:
            low, high = -MAX_LEVEL, MAX_LEVEL
        case Opcode.FORWARD_VECTOR | Opcode.BACKWARD_VECTOR | Opcode.UPDATE_VECTOR:
            low, high = VECTOR.min, VECTOR.max
        case Opcode.WRITE:
            low, high = config.loadable[Plane(argument)].format.min, config.loadable[Plane(argument)].format.max
        case _ if opcode in PROGRAMMING:
            low, high = programming.bounds(config, opcode, where - 1)
        case _:
            register = next(r for r in register_map(config).values() if r.index == index)
            low, high = register.minimum, register.maximum
    beyond = [low - 1, high + 1, -(1 << 31), (1 << 31) - 1]
    value = int(rng.choice([v for v in beyond if v < low or v > high]))
    words = words.copy()
    words[where] = np.uint64(value & _WORD | int(words[where]) & (FIRST | LAST))
    return words


def _bad_framing(rng, words: np.ndarray) -> np.ndarray:
    """Words without first, a packet cut short, or a first within one; the next good packet must be heard again."""
    first, last = np.uint64(FIRST), np.uint64(LAST)
    match int(rng.integers(4)):
        case 0:  # no first
            words[0] &= ~first
        case 1:  # no last: the next packet's first ends it
            words[-1] &= ~last
        case 2:  # a first in the middle
            words[rng.integers(len(words))] |= first
            if len(words) > 1:
                words[-1] |= first
        case _:  # cut short without last
            words = words[:int(rng.integers(1, len(words) + 1))].copy()
            words[-1] &= ~last
    return words
