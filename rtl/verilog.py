# SPDX-License-Identifier: Apache-2.0
"""Verilog of a tile, clean under `verilator --lint-only -Wall` but for waivers that say why."""
import re

from amaranth.back import verilog
from amaranth.lib.wiring import Component

from golden.config import TileConfig
from rtl.pins_tile import PinsTile
from rtl.serial_tile import SerialTile
from rtl.tile import Tile

TOP, SERIAL_TOP = "crosstwin_tile", "crosstwin_serial_tile"
WAIVERS = {
    "DECLFILENAME": "all modules are in one file",
    "UNUSEDSIGNAL": "every field of a structure gets a wire, and every address its full width",
    "PROCASSINIT": "registers have an initial value besides their reset, as FPGAs load it",
    "CASEINCOMPLETE": "what no case names keeps the default assigned above it",
    "WIDTHEXPAND": "operands extend to the width of the result, as the language defines",
    "WIDTHTRUNC": "sums are cut where the numeric contract wraps or is known to fit",
    "UNSIGNED": "a range check against the format's lower bound, zero for unsigned ones",
    "ASCRANGE": "a signal of no bits where a count has one value only",
    "CMPCONST": "a range check that a format's whole width passes",
}


_CLEARED = re.compile(
    r"  initial begin\n    (?P<name>\S+ ?)\[0\] = (?P<word>\S+);\n(?:    (?P=name)\[\d+\] = (?P=word);\n)*  end\n")


def tile_verilog(config: TileConfig) -> str:
    """Verilog source of a tile, top module `crosstwin_tile`; its array is emulated, or behind `pins__*`."""
    return verilog_of(PinsTile(config) if config.pins else Tile(config), TOP)


def serial_verilog(config: TileConfig, divisor: int) -> str:
    """Verilog source of a tile behind a serial line, top module `crosstwin_serial_tile`."""
    return verilog_of(SerialTile(config, divisor), SERIAL_TOP)


def verilog_of(component: Component, top: str) -> str:
    """Verilog source of a component, with that name for its top module."""
    waivers = "".join(f"// {reason}\n/* verilator lint_off {name} */\n" for name, reason in WAIVERS.items())
    text = verilog.convert(component, name=top, strip_internal_attrs=True, emit_src=False)
    return waivers + _CLEARED.sub(_loop, text)


def _loop(match: re.Match) -> str:
    """Clear a memory in a loop: a statement for every word of a large tile would be most of its text."""
    name, word, depth = match["name"], match["word"], match[0].count("\n") - 2
    word_of = "word_of_" + re.sub(r"\W", "_", name)
    return (f"  initial begin : clear_{word_of}\n    integer {word_of};\n    for ({word_of} = 0; {word_of} < {depth}; "
            f"{word_of} = {word_of} + 1) {name}[{word_of}] = {word};\n  end\n")
