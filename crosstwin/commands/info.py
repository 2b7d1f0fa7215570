# SPDX-License-Identifier: Apache-2.0
"""`crosstwin info`: what is installed, and what there is to choose from."""
import argparse
import platform
from dataclasses import asdict
from importlib import import_module, metadata

import crosstwin
from boards import NAMES
from crosstwin import console, technology
from golden.presets import DEVICES, TILES
from golden.registers import CONTRACT_VERSION

_PACKAGES = ("numpy", "numba", "amaranth", "scikit-learn", "matplotlib", "pyserial")
_BACKENDS = {
    "golden": "the model, in numpy",
    "verilator": "the RTL, in this process",
    "/dev/...": "a board at a serial port; `crosstwin serve --sim` makes ports with simulated boards",
}


def add(commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("info", help="tools found, presets of devices and tiles, boards")
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print what there is."""
    found = {
        "version": crosstwin.__version__, "contract": CONTRACT_VERSION, "tools": tools(),
        "devices": {name: {"model": type(device).__name__} | asdict(device) for name, device in DEVICES.items()},
        "tiles": {name: asdict(tile) | {"device": _name(tile.device)} for name, tile in TILES.items()},
        "technologies": {name: technology.load(name).title for name in technology.names()},
        "backends": _BACKENDS, "boards": NAMES,
    }
    if arguments.json:
        console.print_json(found)
        return 0
    print(f"CrossTwin {found['version']}, numeric contract {found['contract']}\n")
    console.table("Tools", ["tool", "version"], list(found["tools"].items()))
    keys = ("model", "dw_min", "dw_min_dtod", "dw_min_std", "w_min", "w_max")
    console.table("Devices", ["name", *keys], [[name, *(device[key] for key in keys)]
                                               for name, device in found["devices"].items()])
    keys = ("rows", "cols", "lanes", "code_bits", "weight_bits", "device")
    console.table("Tiles", ["name", *keys, "ADC bits", "ADC bound"],
                  [[name, *(tile[key] for key in keys), tile["adc"]["bits"], tile["adc"]["bound"]]
                   for name, tile in found["tiles"].items()])
    console.table("Technologies", ["name", "what"], [list(each) for each in found["technologies"].items()])
    console.table("Backends", ["name", "what computes"], [list(each) for each in found["backends"].items()])
    console.table("Boards", ["name"], [[name] for name in found["boards"]])
    return 0


def tools() -> dict[str, str]:
    """Versions of what CrossTwin works with; what is missing says so."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = f"missing (pip install {package})"
    try:
        found |= import_module("sim.toolchain").versions()
    except ImportError as error:
        found["simulation"] = f"missing ({error})"
    return found


def _name(device) -> str:
    return next((name for name, preset in DEVICES.items() if preset == device), type(device).__name__)
