# SPDX-License-Identifier: Apache-2.0
"""FPGA boards, one file a board: pins, clocks, build and report."""
from pathlib import Path

NAMES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.py") if "\nBOARD = " in path.read_text()))
"""Files that declare a board."""
