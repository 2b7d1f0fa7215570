# SPDX-License-Identifier: Apache-2.0
"""`crosstwin program`: a bitstream into a board."""
import argparse
import shutil
import subprocess
from pathlib import Path

from crosstwin.arguments import board as board_of
from crosstwin.commands.build import folder_of

_TOOL = "openFPGALoader"


def add(commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("program", help="load a bitstream into an FPGA board, by openFPGALoader")
    parser.add_argument("--board", required=True, metavar="NAME", help="file of boards/ that declares it")
    parser.add_argument("--flash", action="store_true", help="into its flash, so that it outlives the power")
    parser.add_argument("-o", "--output", type=Path, metavar="FOLDER", help="of the build (default: build/boards/NAME)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Program; RuntimeError where there is no bitstream, no tool, or the tool fails."""
    board = board_of(arguments.board, "Programming needs")
    bitstream = folder_of(board, arguments.output) / board.family.bitstream
    if not bitstream.exists():
        raise RuntimeError(f"{bitstream} must be built first: crosstwin build --board {board.name}")
    if not shutil.which(_TOOL):
        raise RuntimeError(f"{_TOOL} must be installed to program a board, but was not found: apt install "
                           "openfpgaloader, brew install openfpgaloader, or the packages of YosysHQ's oss-cad-suite")
    command = [_TOOL, "-b", board.programmer, *(["-f"] if arguments.flash else []), str(bitstream)]
    print(" ".join(command), flush=True)
    status = subprocess.run(command, check=False).returncode
    if status:
        raise RuntimeError(f"{_TOOL} must load the bitstream, but failed with status {status}")
    return 0
