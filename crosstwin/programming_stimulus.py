# SPDX-License-Identifier: Apache-2.0
"""Random programming commands, with settings under which each ends soon, for `crosstwin.stimulus`."""
import numpy as np

from golden.config import ALL, Plane, TileConfig
from golden.correction import CORRECTION_GAIN
from golden.programmer import LEVELS, window_slots
from golden.protocol import PROGRAMMING, Opcode, packet
from golden.registers import Register

LARGEST = {"verify_reads": 2, "verify_limit": 6}
"""Settings beyond which write-verify would take a simulation too long."""
_MOST_READS_LOG2 = 3


def settings(rng: np.random.Generator, registers: dict[str, Register]) -> dict[str, int]:
    """Values of the registers of write-verify and correction, where the tile has them: of any order of magnitude."""
    def scale(bits: float) -> int:
        return int(2.0 ** rng.uniform(0, bits)) - 1

    drawn = {"verify_reads": int(rng.integers(LARGEST["verify_reads"] + 1)),
             "verify_limit": int(rng.integers(1, LARGEST["verify_limit"] + 1)),
             "verify_tolerance": scale(14), "verify_gain": scale(18), "verify_pulses": 1 + scale(5.9),
             "verify_patience": int(rng.integers(1, 5)), "correct": int(rng.integers(2))}
    return {name: value for name, value in drawn.items() if name in registers and registers[name].writable}


def planes(rng: np.random.Generator, config: TileConfig) -> dict[Plane, np.ndarray]:
    """Corrections: some of nothing, some of a little, some of anything."""
    n = config.n_converters
    gain = (1 << CORRECTION_GAIN.frac) * rng.normal(1, rng.choice([0, 0.1, 1]), (1, n))
    offset = rng.normal(0, rng.choice([0, 300, 20000]), (1, n))
    return {Plane.CORRECTION_OFFSET: np.clip(np.rint(offset), *_ends(config.adc.offset)).astype(np.int64),
            Plane.CORRECTION_GAIN: np.clip(np.rint(gain), *_ends(CORRECTION_GAIN)).astype(np.int64)}


def command(rng: np.random.Generator, config: TileConfig) -> tuple[str, np.ndarray]:
    """A good command: its name and its words."""
    opcode = PROGRAMMING[rng.integers(len(PROGRAMMING))]
    row = int(rng.integers(config.rows))
    where = [ALL if rng.random() < 0.4 else row, ALL if rng.random() < 0.4 else int(rng.integers(config.cols))]
    most = window_slots(config)
    match opcode:
        case Opcode.PROGRAM:
            pulses = int(rng.choice([1, most, most + 1, int(rng.integers(1, 2 * most + 2))]))
            words = packet(opcode, int(rng.integers(2)), pulses, where)
        case Opcode.SYMMETRIZE:
            words = packet(opcode, int(rng.integers(256)), int(rng.integers(1, 5)), where)
        case Opcode.VERIFY:
            words = packet(opcode, int(rng.integers(256)), row, targets(rng, config))
        case _:
            index = row if opcode == Opcode.SENSE else int(rng.integers(LEVELS))
            words = packet(opcode, int(rng.integers(_MOST_READS_LOG2 + 1)), index)
    return opcode.name, words


def targets(rng: np.random.Generator, config: TileConfig) -> np.ndarray:
    """Of weights that a row may have, some far beyond all codes, some of whole codes, so that errors tie."""
    held = config.adc.held
    drawn = held.quantize(rng.normal(0, 0.7, config.cols) / config.adc.lsb)
    match int(rng.integers(4)):
        case 0:
            return drawn >> held.frac << held.frac
        case 1:
            return np.where(rng.random(config.cols) < 0.3, rng.choice([held.min, held.max, 0], config.cols), drawn)
        case _:
            return drawn


def bad_argument(rng: np.random.Generator, config: TileConfig) -> np.ndarray:
    """A command with a header that no tile takes."""
    match int(rng.integers(5)):
        case 0:
            return packet(Opcode.PROGRAM, int(rng.choice([2, 128, 255])), 1, [0, 0])
        case 1:
            return packet(int(rng.choice([Opcode.PROGRAM, Opcode.SYMMETRIZE])), 0, 0, [0, 0])
        case 2:
            return packet(int(rng.choice([Opcode.SENSE, Opcode.CALIBRATE])), int(rng.choice([9, 16, 255])), 0)
        case 3:
            return packet(Opcode.CALIBRATE, 0, int(rng.choice([LEVELS, 255, 65535])))
        case _:
            row = config.rows + int(rng.choice([0, 1, 40000]))
            return packet(Opcode.SENSE, 0, row) if rng.random() < 0.5 else \
                packet(Opcode.VERIFY, 0, row, np.zeros(config.cols))


def bounds(config: TileConfig, opcode: int, word: int) -> tuple[int, int]:
    """Least and largest value of a payload word, the first of which is 0."""
    if opcode == Opcode.VERIFY:
        return _ends(config.adc.held)
    return ALL, (config.rows, config.cols)[word] - 1


def _ends(fmt) -> tuple[int, int]:
    return fmt.min, fmt.max
