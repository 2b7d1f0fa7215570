# SPDX-License-Identifier: Apache-2.0
"""The C header as a C compiler understands it, against the map and the command set."""
import re
import subprocess

import pytest

from crosstwin.products.c_header import c_header
from golden.config import Plane
from golden.protocol import Opcode, Status, header
from golden.registers import register_map
from sim.toolchain import cxx
from tests.support import CONFIGS

STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]


def values_of(text: str, names: list[str], folder) -> dict[str, int]:
    """Values of expressions as a program prints them that includes the header twice."""
    (folder / "crosstwin.h").write_text(text)
    prints = "\n".join(f'    std::printf("%llu\\n", (unsigned long long)({name}));' for name in names)
    (folder / "main.cpp").write_text(f'#include "crosstwin.h"\n#include "crosstwin.h"\n#include <cstdio>\n'
                                     f"int main() {{\n{prints}\n}}\n")
    subprocess.run([*cxx(), *STRICT, "main.cpp", "-o", "main"], cwd=folder, check=True)
    output = subprocess.run([str(folder / "main")], capture_output=True, text=True, check=True).stdout
    return dict(zip(names, map(int, output.split()), strict=True))


@pytest.mark.parametrize("name", ["tiny", "linear"])
def test_macros_and_enums_are_the_map(name, tmp_path):
    config = CONFIGS[name]
    expected = {}
    for register in register_map(config).values():
        prefix = f"CROSSTWIN_{register.name.upper()}_"
        expected |= {prefix + "OFFSET": 4 * register.index, prefix + "RESET": register.reset}
        if register.writable:
            expected |= {prefix + "MIN": register.minimum, prefix + "MAX": register.maximum}
        for field in register.fields:
            expected |= {f"{prefix}{field.name.upper()}_SHIFT": field.lsb,
                         f"{prefix}{field.name.upper()}_MASK": sum(1 << field.lsb + n for n in range(field.bits))}
        expected |= {prefix + value.upper(): n for n, value in enumerate(register.values)}
    text = c_header(config)
    macros = re.findall(r"^#define (\w+) ", text, re.MULTILINE)
    assert sorted(macros) == sorted(expected), "each once"
    for kind, members in ((Opcode, Opcode), (Status, Status), (Plane, config.planes)):
        expected |= {f"CROSSTWIN_{kind.__name__.upper()}_{member.name}": member.value for member in members}
    assert len(re.findall(r"^    CROSSTWIN_\w+ = ", text, re.MULTILINE)) + len(macros) == len(expected)
    word = header(Opcode.GET, 7, 0x1234)
    expected |= {"CROSSTWIN_HEADER(CROSSTWIN_OPCODE_GET, 7, 0x1234)": word,
                 f"CROSSTWIN_HEADER_OPCODE({word}u)": Opcode.GET, f"CROSSTWIN_HEADER_STATUS({word}u)": 7,
                 f"CROSSTWIN_HEADER_COUNT({word}u)": 0x1234}
    assert values_of(text, list(expected), tmp_path) == expected


def test_it_is_c(tmp_path):
    """Not only C++: a C compiler takes it in its strictest mood."""
    (tmp_path / "crosstwin.h").write_text(c_header(CONFIGS["tiny"]))
    (tmp_path / "unit.c").write_text('#include "crosstwin.h"\nuint32_t offset = CROSSTWIN_SEED_OFFSET;\n')
    subprocess.run([*cxx(), *STRICT, "-x", "c", "-std=c99", "-c", "unit.c"], cwd=tmp_path, check=True)
