# SPDX-License-Identifier: Apache-2.0
"""The register map, as data: RTL bank, driver and documentation are made from it."""
from collections.abc import Iterable
from dataclasses import dataclass

from golden.config import TileConfig

CONTRACT_VERSION = 1
COUNTERS = ("forwards", "backwards", "updates", "row_pulses", "col_pulses", "coincidences",
            "conversions", "saturations", "chip_cycles", "emulation_cycles")
"""64-bit counters since the last reset; low word first. Pulses are slots in which a line was on."""
_FIRST_COUNTER = 16


@dataclass(frozen=True)
class Register:
    """A 32-bit register: `writable` ones hold `minimum`..2**bits - 1."""

    name: str
    index: int
    doc: str
    bits: int = 32
    reset: int = 0
    writable: bool = False
    minimum: int = 0


def register_map(config: TileConfig) -> dict[str, Register]:
    """Registers of a tile by name, in the order of their index."""
    formats = config.code_bits | config.weight_bits << 8 | config.adc.bits << 16 | config.rounds << 24
    registers = [
        Register("contract", 0, "Version of the numeric contract", reset=CONTRACT_VERSION),
        Register("rows", 1, "Rows of the tile", reset=config.rows),
        Register("cols", 2, "Columns of the tile", reset=config.cols),
        Register("lanes", 3, "Multiply-accumulate lanes", reset=config.lanes),
        Register("formats", 4, "Input code, weight and ADC bits and Threefry rounds, one byte each, low first",
                 reset=formats),
        Register("seed", 8, "Seed of all random numbers", writable=True),
        Register("event", 9, "Operation counter: the event that the next operation takes", writable=True),
        Register("t_slot", 10, "Cycles of a slot", bits=8, reset=1, writable=True, minimum=1),
        Register("t_settle", 11, "Cycles before the first slot", bits=8, reset=4, writable=True, minimum=1),
        Register("t_hold", 12, "Cycles of sample-and-hold", bits=8, reset=4, writable=True, minimum=1),
        Register("t_convert", 13, "Cycles of one ADC trial", bits=8, reset=1, writable=True, minimum=1),
    ]
    for n, name in enumerate(COUNTERS):
        registers += [Register(f"{name}_low", _FIRST_COUNTER + 2 * n, f"Counter {name}, bits 31..0"),
                      Register(f"{name}_high", _FIRST_COUNTER + 2 * n + 1, f"Counter {name}, bits 63..32")]
    return {register.name: register for register in registers}


def runs(registers: Iterable[Register]) -> list[range]:
    """Indices of the registers, in runs without a gap: what one GET may ask for."""
    indices = sorted(register.index for register in registers)
    starts = [i for i in indices if i - 1 not in indices]
    ends = [i + 1 for i in indices if i + 1 not in indices]
    return [range(start, end) for start, end in zip(starts, ends, strict=True)]
