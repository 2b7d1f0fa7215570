# SPDX-License-Identifier: Apache-2.0
"""The registers of one tile as an object: what they are, as a mapping, and what they hold, as attributes."""
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Protocol

from golden.registers import Register


class HasRegisters(Protocol):
    """What a register file reads and writes through: golden's tile or the driver's."""

    def get(self, name: str) -> int: ...

    def set(self, name: str, value: int) -> None: ...


class RegisterFile(Mapping[str, Register]):
    """`registers["t_slot"]` is the declaration; `registers.t_slot` reads it, and `registers.t_slot = 3` writes it.

    Each register is a property with its meaning, range and reset value for a docstring. Errors are those of the
    tile's `get` and `set`; AttributeError for what is no register.
    """

    __slots__ = ("_registers", "_tile")

    def __init__(self, registers: dict[str, Register], tile: HasRegisters):
        self._registers, self._tile = registers, tile

    def __getitem__(self, name: str) -> Register:
        return self._registers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._registers)

    def __len__(self) -> int:
        return len(self._registers)

    if TYPE_CHECKING:
        def __getattr__(self, name: str) -> int: ...

        def __setattr__(self, name: str, value: object) -> None: ...


def register_file(registers: dict[str, Register], tile: HasRegisters) -> RegisterFile:
    """The register file of a tile."""
    return _kind(tuple(registers.values()))(registers, tile)


@cache
def _kind(registers: tuple[Register, ...]) -> type[RegisterFile]:
    """A class with a property for every register."""
    return type("RegisterFile", (RegisterFile,),
                {"__slots__": (), "__doc__": RegisterFile.__doc__,
                 **{register.name: _property(register) for register in registers}})


def _property(register: Register) -> property:
    name = register.name
    text = f"{register.doc}. Access: {register.access.value}; {register.reset} at reset"
    if register.writable:
        text += f"; {register.minimum}..{register.maximum}"
    return property(lambda self: self._tile.get(name), lambda self, value: self._tile.set(name, value), doc=f"{text}.")
