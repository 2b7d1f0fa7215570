# SPDX-License-Identifier: Apache-2.0
"""From a design to a bitstream on every board, with the real tools: a link that repeats what it is told."""
import shutil
import sys
from pathlib import Path

import pytest

pytest.importorskip("amaranth_boards", reason="amaranth-boards is not installed: pip install crosstwin[fpga]")

from boards import NAMES
from boards.build import named
from boards.family import PLACEMENT
from boards.flow import place
from boards.top import BoardTop
from tests.rtl.echo import EchoBoard


@pytest.mark.synthesis
@pytest.mark.parametrize("name", NAMES)
def test_a_link_becomes_a_bitstream_that_meets_the_clock(name, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
    board = named(name)
    placement = next(step for step in board.family.steps if step.name == PLACEMENT)
    if not shutil.which(placement.command(board.platform(), board.mhz)[0]):
        pytest.skip("nextpnr is not installed: pip install crosstwin[fpga]")
    placed = place(board, BoardTop(board, EchoBoard(board.divisor)), tmp_path)
    assert placed.fmax_mhz > board.mhz
    assert placed.used["block RAM"] >= 1
    assert all(0 <= placed.used[name] <= placed.available[name] for name in placed.used)
    assert (tmp_path / board.family.bitstream).stat().st_size > 10_000
