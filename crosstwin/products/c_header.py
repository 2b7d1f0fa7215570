# SPDX-License-Identifier: Apache-2.0
"""The register map and the command set as a C header."""
from collections.abc import Iterable
from enum import IntEnum

from golden.config import Plane, TileConfig
from golden.protocol import Opcode, Status
from golden.registers import Register, register_map

PREFIX = "CROSSTWIN"

_HEAD = """\
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers and commands of a CrossTwin tile; written by `crosstwin package`, do not edit.
 *
 * For a register NAME: {prefix}_NAME_OFFSET is its byte address, _RESET its value after a reset; of one that may be
 * written, _MIN and _MAX are the least and the largest value that is accepted. For a FIELD of it: _FIELD_SHIFT and
 * _FIELD_MASK. For a choice: _NAME_VALUE.
 */
#ifndef {prefix}_H
#define {prefix}_H

"""
_TAIL = """\
/* The header word of a command packet. */
#define {prefix}_HEADER(opcode, argument, index) \\
    ((uint32_t)(opcode) << 24 | (uint32_t)(argument) << 16 | (uint32_t)(index))

/* Opcode, status and number of data words of the header of a response packet. */
#define {prefix}_HEADER_OPCODE(word) ((uint32_t)(word) >> 24)
#define {prefix}_HEADER_STATUS(word) ((uint32_t)(word) >> 16 & 0xFFu)
#define {prefix}_HEADER_COUNT(word) ((uint32_t)(word) & 0xFFFFu)

#endif
"""


def c_header(config: TileConfig) -> str:
    """A header for C99 and C++: offsets, reset values, ranges, fields; opcodes, status and planes."""
    lines = ["#include <stdint.h>", ""]
    for register in register_map(config).values():
        lines += [f"/* {register.index}: {register.doc} ({register.access.value}) */", *_register(register), ""]
    for enum in (Opcode, Status):
        lines += [*_enum(enum, enum), ""]
    lines += [*_enum(Plane, config.planes), ""]
    return _HEAD.format(prefix=PREFIX) + "\n".join(lines) + "\n" + _TAIL.format(prefix=PREFIX)


def _register(register: Register) -> list[str]:
    numbers = {"OFFSET": f"{4 * register.index:#05x}", "RESET": f"{register.reset:#x}"}
    if register.writable:
        numbers |= {"MIN": str(register.minimum), "MAX": str(register.maximum)}
    for field in register.fields:
        name = field.name.upper()
        numbers |= {f"{name}_SHIFT": str(field.lsb), f"{name}_MASK": f"{(1 << field.bits) - 1 << field.lsb:#x}"}
    numbers |= {name.upper(): str(n) for n, name in enumerate(register.values)}
    return [f"#define {PREFIX}_{register.name.upper()}_{name} {number}u" for name, number in numbers.items()]


def _enum(kind: type[IntEnum], members: Iterable[IntEnum]) -> list[str]:
    name = kind.__name__
    entries = ",\n".join(f"    {PREFIX}_{name.upper()}_{member.name} = {member.value}" for member in members)
    return [f"enum {PREFIX.lower()}_{name.lower()} {{", entries, "};"]
