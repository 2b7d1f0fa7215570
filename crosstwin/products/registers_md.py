# SPDX-License-Identifier: Apache-2.0
"""The register map as a page; `python -m crosstwin.products.registers_md` writes docs/registers.md."""
from pathlib import Path

from golden.config import TileConfig
from golden.presets import TILES
from golden.registers import Access, Register, register_map

_ABOUT = """\
Written from `golden/registers.py`; do not edit. All registers have 32 bits, and the byte address on a bus is 4 · index.
What is written must lie in minimum .. maximum. A counter's low and high word are read one after the other: while an
operation runs, read high, low and high again until both highs agree."""
_NOTES = {
    Access.READ: "writes are refused",
    Access.WRITE: "holds what was written",
    Access.CLEAR: "each bit that is written as 1 becomes 0",
    Access.COMMAND: "bits written as 1 act at once; reads 0",
}


def registers_md(config: TileConfig, title: str) -> str:
    """Markdown: a table of all registers, and one of the fields of those that have several."""
    registers = list(register_map(config).values())
    lines = [f"# {title}", "", _ABOUT, ""]
    lines += [f"- `{access.value}`: {note}." for access, note in _NOTES.items()]
    lines += ["", *_table(["index", "address", "register", "access", "bits", "minimum", "maximum", "reset", "meaning"],
                          [_row(register) for register in registers])]
    parts = [[register.name, field.name, _bits(field.lsb, field.bits)]
             for register in registers if register.parts for field in register.parts]
    values = [[register.name, str(n), name] for register in registers for n, name in enumerate(register.values)]
    lines += ["", "## Fields", "", *_table(["register", "field", "bits"], parts)]
    lines += ["", "## Named values", "", *_table(["register", "value", "name"], values)]
    return "\n".join(lines) + "\n"


def _row(register: Register) -> list[str]:
    limits = [str(register.minimum), str(register.maximum)] if register.writable else ["", ""]
    return [str(register.index), f"{4 * register.index:#05x}", register.name, register.access.value, str(register.bits),
            *limits, str(register.reset), register.doc]


def _bits(lsb: int, bits: int) -> str:
    return str(lsb) if bits == 1 else f"{lsb + bits - 1}..{lsb}"


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


def docs_page() -> str:
    """The text of docs/registers.md: the default tile."""
    return registers_md(TILES["default"], "Registers of the default tile")


if __name__ == "__main__":
    (Path(__file__).parents[2] / "docs" / "registers.md").write_text(docs_page(), encoding="utf-8")
