# SPDX-License-Identifier: Apache-2.0
"""From Verilog text to something that runs: a shared library for ctypes, or a cocotb simulator.

Verilator's generated makefiles are not used. What it generates for a design is compiled in few translation
units, side by side, together with its harness (``shim.cpp`` or cocotb's), against a runtime and a precompiled
``verilated.h`` that are built once. A small design takes half a second, of which Verilator is 0.02 s; with
the makefiles it took ten.

::

    Verilog text -> verilator --cc -> *.cpp + harness -> objects ---+-> model.so / top
                            runtime (once), header (once per -O) ---+
"""

import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cocotb_tools.config

from sim import toolchain
from sim.cache import cached

# What Amaranth's Verilog always provokes and what says nothing about the design.
AMARANTH_WAIVERS = (
    "DECLFILENAME",  # the text comes from memory: its file has no name of its own
    "PROCASSINIT",  # every register has an initial value beside its reset
    "UNUSEDSIGNAL",  # each field of a struct gets a wire, read or not
)

SHIM = Path(__file__).with_name("shim.cpp")
MODEL = "model.so"

# Unknown values are zero, so that a model's bits depend on nothing but its Verilog.
_VERILATE = ("--cc", "--quiet", "--prefix", "Vtop", "--x-assign", "0", "--x-initial", "0", "-Wall")
_COMPILE = ("-std=c++17", "-fPIC", "-DVERILATOR=1", "-DVM_COVERAGE=0", "-DVM_SC=0", "-DVM_TIMING=0")
_LARGE = 200_000  # bytes of a generated file from which it is compiled by itself
_TRACE = ("-DVM_TRACE=1", "-DVM_TRACE_VCD=1")
_NO_TRACE = ("-DVM_TRACE=0",)

_OPT = re.compile(r"-O[0-3s]")
_WARNING_NAME = re.compile(r"[A-Z][A-Z0-9_]*")


class BuildError(RuntimeError):
    """Verilator or the C++ compiler refused a design; the message holds the first things they said."""


def build_model(
    verilog: str, top: str = "top", *, opt: str = "-O1", waivers: tuple[str, ...] = (), shim: Path = SHIM
) -> Path:
    """Shared library of a design, with the C functions of its shim; cached.

    Parameters
    ----------
    verilog : text of the whole design.
    top : its top module, with the ports that the shim drives: for ``shim.cpp`` ``clk``, ``rst`` and the streams
        ``i`` and ``o``.
    opt : "-O1" builds fastest, "-O2" or "-O3" run fastest.
    waivers : names of Verilator warnings that this design may give; every other one is an error.
    shim : the C++ file around it.

    Raises
    ------
    BuildError : the Verilog has an error or a warning that is not waived.
    ToolError : there is no C++ compiler.
    """
    # A shared library in a Python process must not have its classes mixed up with those of the next one.
    flags = (*_COMPILE, *_NO_TRACE, _checked_opt(opt), "-DVL_TIME_CONTEXT", "-fvisibility=hidden")
    verilate = _verilate_flags(top, waivers, "--no-assert")

    def make(folder: Path) -> None:
        _verilate(folder, verilog, top, verilate)
        objects = _compile(folder, top, shim, flags)
        runtime = _runtime("model", ("verilated", "verilated_threads"), flags)
        _link(folder / MODEL, [*objects, runtime], ("-shared",), top)
        _keep_only(folder, MODEL)

    return cached("model", (verilog, verilate, flags, shim.read_text(), *_tools()), make) / MODEL


def build_bench(
    verilog: str, top: str, *, opt: str = "-O1", waivers: tuple[str, ...] = (), waves: bool = False
) -> Path:
    """Simulator of a design for cocotb, an executable that is named as its top; cached.

    Only the ports of the top can be seen from Python: making every signal public, as cocotb does, costs a
    factor of six in speed. Assertions in the design are on.
    """
    harness = cocotb_tools.config.share_dir / "lib" / "verilator" / "verilator.cpp"
    libs = cocotb_tools.config.libs_dir
    flags = (*_COMPILE, *(_TRACE if waves else _NO_TRACE), _checked_opt(opt))
    ports = f'`verilator_config\npublic_flat_rw -module "{top}" -port "*"\n'
    trace = ("--trace-vcd",) if waves else ()
    verilate = _verilate_flags(top, waivers, "--vpi", "--assert", *trace, "ports.vlt")
    sources = ("verilated", "verilated_threads", "verilated_vpi", *(["verilated_vcd_c"] if waves else []))

    def make(folder: Path) -> None:
        (folder / "ports.vlt").write_text(ports)
        _verilate(folder, verilog, top, verilate)
        objects = _compile(folder, top, harness, flags)
        found = (f"-L{libs}", f"-Wl,-rpath,{libs}", "-lcocotbvpi_verilator", "-pthread")
        _link(folder / top, [*objects, _runtime("bench", sources, flags)], found, top)
        _keep_only(folder, top)

    parts = (verilog, verilate, ports, flags, harness.read_text(), str(libs), *_tools())
    return cached("bench", parts, make) / top


def _tools() -> tuple[str, str]:
    return toolchain.verilator_version(), toolchain.cxx_version()


def _checked_opt(opt: str) -> str:
    if not _OPT.fullmatch(opt):
        raise ValueError(f"Optimization must be one of -O0 to -O3 or -Os, not {opt!r}")
    return opt


def _verilate_flags(top: str, waivers: tuple[str, ...], *more: str) -> tuple[str, ...]:
    for name in waivers:
        if not _WARNING_NAME.fullmatch(name):
            raise ValueError(f"A waiver must be the name of a Verilator warning, not {name!r}")
    waived = (f"-Wno-{name}" for name in (*AMARANTH_WAIVERS, *waivers))
    return (*_VERILATE, "--top-module", top, *waived, *more)


def _includes() -> list[str]:
    include = toolchain.verilator_root() / "include"
    return ["-I.", f"-I{include}", f"-I{include / 'vltstd'}"]


def _verilate(folder: Path, verilog: str, top: str, flags: tuple[str, ...]) -> None:
    (folder / f"{top}.v").write_text(verilog)
    command = [str(toolchain.verilator()), *flags, "--Mdir", ".", f"{top}.v"]
    _run(command, folder, f"Verilog of {top!r} must pass Verilator without a warning")


def _compile(folder: Path, top: str, harness: Path, flags: tuple[str, ...]) -> list[Path]:
    """Objects of a verilated design, each file compiled beside the others."""
    fast = [path for path in sorted(folder.glob("Vtop*.cpp")) if "__Slow" not in path.name]
    large = [path.name for path in fast if path.stat().st_size > _LARGE]
    small = [*(path.name for path in fast if path.name not in large), str(harness)]
    # what runs once, before the first cycle, need not run fast: optimizing it takes half of the time
    slow = [path.name for path in sorted(folder.glob("Vtop*__Slow.cpp"))]
    slow_flags = tuple("-O0" if _OPT.fullmatch(flag) else flag for flag in flags)
    jobs = [("slow", slow, slow_flags), *((Path(name).stem, [name], flags) for name in large), ("unit", small, flags)]

    def run(job: tuple[str, list[str], tuple[str, ...]]) -> Path:
        name, units, flags = job
        flags = (*flags, "-include", str(_header(flags)))
        return _compile_as_one(folder, units, flags, f"The verilated model of {top!r} must compile", name)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(run, jobs))


def _compile_as_one(folder: Path, units: list[str], flags: tuple[str, ...], must: str, name: str = "unit") -> Path:
    (folder / f"{name}_all.cpp").write_text("".join(f'#include "{unit}"\n' for unit in units))
    _run([*toolchain.cxx(), *flags, *_includes(), "-c", f"{name}_all.cpp", "-o", f"{name}.o"], folder, must)
    return folder / f"{name}.o"


def _link(output: Path, objects: list[Path], flags: tuple[str, ...], top: str) -> None:
    command = [*toolchain.cxx(), *map(str, objects), "-o", output.name, *flags]
    _run(command, output.parent, f"The verilated model of {top!r} must link")


def _keep_only(folder: Path, *names: str) -> None:
    """Drop what a build leaves behind: it is twenty times as large as what it makes."""
    for path in folder.iterdir():
        if path.name not in names:
            path.unlink()


def _runtime(kind: str, sources: tuple[str, ...], flags: tuple[str, ...]) -> Path:
    """Object of Verilator's own library."""
    # Compiled once and hardly used inside the loop, so one level serves all models.
    flags = tuple("-O1" if _OPT.fullmatch(flag) else flag for flag in flags)

    def make(folder: Path) -> None:
        units = [f"{name}.cpp" for name in sources]
        _compile_as_one(folder, units, flags, "Verilator's own library must compile")

    return cached(f"runtime-{kind}", (sources, flags, *_tools()), make) / "unit.o"


def _header(flags: tuple[str, ...]) -> Path:
    """Precompiled ``verilated.h``: parsing that header is two thirds of compiling a small design."""

    def make(folder: Path) -> None:
        (folder / "pre.h").write_text('#include "verilated.h"\n')
        # Each compiler looks for its own suffix, and takes the plain header where there is none.
        suffix = "pch" if "clang" in toolchain.cxx_version() else "gch"
        what = ["-x", "c++-header", "pre.h", "-o", f"pre.h.{suffix}"]
        _run([*toolchain.cxx(), *flags, *_includes(), *what], folder, "Verilator's header must compile")

    return cached("header", (flags, *_tools()), make) / "pre.h"


def _run(command: list[str], folder: Path, must: str) -> None:
    env = {**os.environ, "VERILATOR_ROOT": str(toolchain.verilator_root())}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = (done.stderr + done.stdout).splitlines()
        said = [line for line in lines if re.search(r"%(Error|Warning)|error:", line)]
        raise BuildError(f"{must}, but: " + " | ".join(said[:5] or [f"exit status {done.returncode}"]))
