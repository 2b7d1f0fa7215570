# SPDX-License-Identifier: Apache-2.0
"""The register map as SystemRDL 2.0."""
from golden.config import TileConfig
from golden.registers import Access, Field, Register, register_map

_ACCESS = {
    Access.READ: "sw = r; hw = w;",
    Access.WRITE: "sw = rw; hw = r;",
    Access.CLEAR: "sw = rw; hw = rw; onwrite = woclr;",
    Access.COMMAND: "sw = w; hw = r; singlepulse;",
}
_COUNTING = ("event",)
"""Registers that hold what was written, but which the hardware moves on."""
_TEXT = """\
// SPDX-License-Identifier: Apache-2.0
// Written by `crosstwin package`; do not edit.

property minimum {{ type = longint unsigned; component = field; }};
property maximum {{ type = longint unsigned; component = field; }};

{enums}addrmap {name} {{
    name = "CrossTwin tile";
    default regwidth = 32;
    default accesswidth = 32;
    littleendian;

{registers}}};
"""


def systemrdl(config: TileConfig, name: str) -> str:
    """An address map `name`; `minimum` and `maximum` of what may be written are user-defined properties."""
    registers = list(register_map(config).values())
    enums = [_enum(register) for register in registers if register.values]
    body = "\n".join(_register(register) for register in registers)
    return _TEXT.format(enums="".join(enums), name=name, registers=body)


def _register(register: Register) -> str:
    fields = "".join(_field(register, field) for field in register.fields)
    return (f"    reg {{\n        desc = \"{register.doc}\";\n{fields}"
            f"    }} {register.name} @ {4 * register.index:#05x};\n")


def _field(register: Register, field: Field) -> str:
    access = "sw = rw; hw = rw;" if register.name in _COUNTING else _ACCESS[register.access]
    reset = register.reset >> field.lsb & (1 << field.bits) - 1
    if register.writable and not register.parts:
        access += f" minimum = {register.minimum}; maximum = {register.maximum};"
    if register.values:
        access += f" encode = {register.name}_values;"
    return f"        field {{ {access} }} {field.name}[{field.lsb + field.bits - 1}:{field.lsb}] = {reset:#x};\n"


def _enum(register: Register) -> str:
    bits = register.fields[0].bits
    entries = "".join(f"    {name} = {bits}'d{n};\n" for n, name in enumerate(register.values))
    return f"enum {register.name}_values {{\n{entries}}};\n\n"
