# SPDX-License-Identifier: Apache-2.0
"""`crosstwin package`: one tile as a core for another design."""
import argparse
from pathlib import Path

from crosstwin import configfile, console
from crosstwin.arguments import count

_BUSES = ("axi", "uart", "stream")


def add(commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("package", help="write one tile as a core: Verilog, registers, FuseSoC, LiteX")
    parser.add_argument("--config", default="default", metavar="NAME|FILE.json",
                        help="a preset or a file (default: the preset named default)")
    parser.add_argument("--bus", choices=_BUSES, default="axi", help="at its ports (default: axi)")
    parser.add_argument("--divisor", type=count(2, (1 << 16) - 1), metavar="N",
                        help="clock cycles of a bit, with --bus uart (default: 868, 115,200 baud at 100 MHz)")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="folder to write")
    parser.add_argument("--force", action="store_true", help="replace an earlier package")
    parser.add_argument("--json", action="store_true", help="print what was written as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the folder."""
    if arguments.divisor and arguments.bus != "uart":
        raise console.UsageError(f"--divisor must be given with --bus uart, not with {arguments.bus}")
    try:
        config = configfile.named(arguments.config)
    except ValueError as error:
        raise console.UsageError(str(error)) from None

    from crosstwin.products.core import CORES
    from crosstwin.products.package import DIVISOR, write_package

    try:
        files = write_package(arguments.output, config, arguments.bus, arguments.divisor or DIVISOR, arguments.force)
    except ValueError as error:
        raise console.UsageError(str(error)) from None
    except OSError as error:
        raise console.UsageError(f"--output must be a folder that can be written, not {arguments.output} "
                                 f"({error.strerror})") from None
    written = {"folder": str(arguments.output), "top": CORES[arguments.bus].top, "files": files}
    if arguments.json:
        console.print_json(written)
    else:
        print(f"Wrote {written['folder']}: module {written['top']}, {len(files)} files")
    return 0
