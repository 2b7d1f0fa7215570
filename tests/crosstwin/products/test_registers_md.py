# SPDX-License-Identifier: Apache-2.0
"""docs/registers.md is what the map says, and the page says all of the map."""
import re
from pathlib import Path

import pytest

from crosstwin.products.registers_md import docs_page, registers_md
from golden.registers import register_map
from tests.support import CONFIGS

PAGE = Path(__file__).parents[3] / "docs" / "registers.md"


def tables(text: str) -> list[list[dict[str, str]]]:
    """Every table, as rows by column name."""
    parsed = []
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        head, _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in block.splitlines())
        parsed.append([dict(zip(head, row, strict=True)) for row in rows])
    return parsed


def test_the_page_in_docs_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == docs_page(), "run: python -m crosstwin.products.registers_md"


@pytest.mark.parametrize("name", CONFIGS)
def test_tables_are_the_map(name):
    registers = register_map(CONFIGS[name])
    rows, fields, values = tables(registers_md(CONFIGS[name], "Registers"))
    integers = ("index", "bits", "reset")
    found = [tuple(int(row[key]) if key in integers else row[key] for key in row if key != "address") for row in rows]
    assert found == [
        (r.index, r.name, r.access.value, r.bits, str(r.minimum) if r.writable else "",
         str(r.maximum) if r.writable else "", r.reset, r.doc) for r in registers.values()]
    assert [int(row["address"], 16) for row in rows] == [4 * r.index for r in registers.values()]
    assert [(row["register"], row["field"], row["bits"]) for row in fields] == [
        (r.name, f.name, str(f.lsb) if f.bits == 1 else f"{f.lsb + f.bits - 1}..{f.lsb}")
        for r in registers.values() for f in r.parts]
    assert [(row["register"], int(row["value"]), row["name"]) for row in values] == [
        (r.name, n, value) for r in registers.values() for n, value in enumerate(r.values)]
