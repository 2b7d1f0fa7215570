# SPDX-License-Identifier: Apache-2.0
"""A folder with everything that a tile needs to become part of another design."""
import json
import os
import tempfile
from importlib import metadata
from pathlib import Path

import crosstwin
from crosstwin import configfile
from crosstwin.products.c_header import c_header
from crosstwin.products.core import CORES
from crosstwin.products.fusesoc import core_file
from crosstwin.products.readme import readme
from crosstwin.products.registers_md import registers_md
from crosstwin.products.systemrdl import systemrdl
from golden.config import TileConfig
from rtl.verilog import verilog_of

DIVISOR = 868
"""Clock cycles of a bit of the serial line: 115,200 baud at 100 MHz."""
_PURPOSES = {
    "README.md": "this page", "LICENSE": "Apache-2.0",
    "configuration.json": "all parameters, as `crosstwin package --config` takes them",
    ".core": "FuseSoC core file, with targets default and lint",
    ".v": "the tile",
    "registers/crosstwin.rdl": "registers as SystemRDL", "registers/crosstwin.h": "registers and commands for C",
    "registers/registers.md": "registers as a table",
    "examples/litex_soc.py": "the core in a LiteX system",
}


def write_package(folder: Path, config: TileConfig, bus: str, divisor: int = DIVISOR, force: bool = False) -> list[str]:
    """Write the package of a tile with a bus of CORES; the names of its files. `divisor` is that of a serial line.

    All of it or nothing: it is made beside `folder` and then put in its place. ValueError of a serial line with a real
    array, or if something other than an empty folder is there; `force` replaces an earlier package. OSError where it
    cannot be written.
    """
    folder = Path(os.path.abspath(folder))
    if folder.exists() and not _may_replace(folder, force):
        raise ValueError(f"Folder of a package must be new or empty, or with force an earlier package, not {folder}")
    files = package_files(config, bus, divisor)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
        new, old = Path(scratch) / "new", Path(scratch) / "old"
        for name, text in files.items():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            (new / name).write_text(text, encoding="utf-8")
        if folder.exists():
            folder.rename(old)
        try:
            new.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
    return sorted(files)


def _may_replace(folder: Path, force: bool) -> bool:
    """Whether nothing is lost but what this module has written."""
    if not folder.is_dir():
        return False
    names = {path.name for path in folder.iterdir()}
    return not names or (force and "configuration.json" in names and any(name.endswith(".core") for name in names))


def package_files(config: TileConfig, bus: str, divisor: int = DIVISOR) -> dict[str, str]:
    """Text of every file of a package, by its name."""
    if config.pins and bus == "uart":
        raise ValueError("Bus of a tile with pins must be axi or stream, not uart")
    core = CORES[bus]
    component = core.make(config, divisor)
    description = f"tile of {config.rows} x {config.cols} with {config.lanes} lanes, {core.summary}"
    files = {
        f"{core.top}.core": core_file(core.top, crosstwin.__version__, description),
        f"rtl/{core.top}.v": verilog_of(component, core.top),
        "registers/crosstwin.rdl": systemrdl(config, core.top),
        "registers/crosstwin.h": c_header(config),
        "registers/registers.md": registers_md(config, f"Registers of {core.top}"),
        "configuration.json": json.dumps(configfile.to_dict(config), indent=2) + "\n",
        "LICENSE": _license(),
    }
    if bus == "axi" and not config.pins:
        files["examples/litex_soc.py"] = (Path(__file__).parent / "litex_soc.py").read_text(encoding="utf-8")
    arguments = f"--bus {bus}" + (f" --divisor {divisor}" if bus == "uart" else "")
    purposes = {name: next(purpose for end, purpose in _PURPOSES.items() if name.endswith(end))
                for name in ("README.md", *sorted(files))}
    files["README.md"] = readme(core, arguments, config, crosstwin.__version__, purposes, core.port_list(component))
    return files


def _license() -> str:
    """The license's text, from the sources or from what pip has installed."""
    beside = Path(crosstwin.__file__).parents[1] / "LICENSE"
    if beside.is_file():
        return beside.read_text(encoding="utf-8")
    return metadata.distribution("crosstwin").read_text("licenses/LICENSE") or "SPDX-License-Identifier: Apache-2.0\n"
