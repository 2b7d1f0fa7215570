# SPDX-License-Identifier: Apache-2.0
"""`crosstwin verilog`: one tile as Verilog."""
import argparse
from pathlib import Path

from crosstwin import console
from crosstwin.arguments import SIZES, tile, tile_options
from golden.presets import TILES

_NUMBERS = SIZES | {"code_bits": "bits of an input code", "weight_bits": "bits of a weight",
                    "rounds": "Threefry rounds", "parameter_bits": "bits of a parameter of a device"}


def add(commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("verilog", help="write one tile as Verilog")
    parser.add_argument("--config", default="default", metavar="NAME|FILE.json",
                        help="a preset or a file (default: the preset named default)")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="Verilog file to write")
    tile_options(parser, ", over the configuration", _NUMBERS)
    parser.add_argument("--json", action="store_true", help="print what was written as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the file."""
    config = tile(arguments, TILES["default"], _NUMBERS)

    from rtl.verilog import TOP, tile_verilog

    text = tile_verilog(config)
    try:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise console.UsageError(f"--output must be a file that can be written, not {arguments.output} "
                                 f"({error.strerror})") from None
    written = {"file": str(arguments.output), "top": TOP, "lines": text.count("\n"),
               "config": repr(config)}
    if arguments.json:
        console.print_json(written)
    else:
        print(f"Wrote {written['file']}: module {written['top']}, {written['lines']:,} lines")
    return 0
