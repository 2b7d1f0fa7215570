# SPDX-License-Identifier: Apache-2.0
"""Verilog of a tile, clean under `verilator --lint-only -Wall` but for waivers that say why."""
from amaranth.back import verilog

from golden.config import TileConfig
from rtl.tile import Tile

TOP = "crosstwin_tile"
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


def tile_verilog(config: TileConfig) -> str:
    """Verilog source of a tile, top module `crosstwin_tile`."""
    waivers = "".join(f"// {reason}\n/* verilator lint_off {name} */\n" for name, reason in WAIVERS.items())
    return waivers + verilog.convert(Tile(config), name=TOP, strip_internal_attrs=True, emit_src=False)
