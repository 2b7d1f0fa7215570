# SPDX-License-Identifier: Apache-2.0
"""Boards as they are declared, and what goes to the tools for one."""
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("amaranth_boards", reason="amaranth-boards is not installed: pip install crosstwin[fpga]")

from boards import NAMES, report
from boards.build import named
from boards.family import PLACEMENT, TOP
from boards.flow import prepare
from boards.top import BoardTop
from crosstwin.cli import main
from tests.rtl.echo import EchoBoard

PAGE = Path(__file__).parents[2] / "docs" / "boards.md"


def test_the_boards_are_those_of_the_design():
    assert NAMES == ("ecpix5_85f", "ice40_hx8k", "icebreaker", "tang_nano_9k", "tang_primer_20k", "ulx3s_85f")


@pytest.mark.parametrize("name", NAMES)
def test_a_board_is_what_its_file_says(name):
    board = named(name)
    assert board.name == name
    assert abs(board.mhz / board.clock_mhz - 1) < 0.02
    assert abs(board.mhz * 1e6 / board.divisor / board.baud - 1) < 0.02, "a UART bears 2 % off on each end"


@pytest.mark.parametrize("name", NAMES)
def test_the_tools_are_given_the_pins_and_the_pll(name, tmp_path):
    board = replace(named(name), clock_mhz=36)
    platform = prepare(board, BoardTop(board, EchoBoard(board.divisor)), tmp_path)
    pins = "".join(path.read_text() for path in tmp_path.iterdir() if path.suffix in (".lpf", ".pcf", ".cst"))
    for pin in ("uart_0__rx__io", "uart_0__tx__io", f"{platform.default_clk}_0__io"):
        assert pin in pins
    design = (tmp_path / f"{TOP}.il").read_text()
    assert any(f"cell \\{cell} " in design for cell in ("EHXPLLL", "SB_PLL40_PAD", "SB_PLL40_CORE", "rPLL"))
    placement = next(step for step in board.family.steps if step.name == PLACEMENT)
    command = placement.command(platform, board.mhz)
    assert float(command[command.index("--freq") + 1]) == pytest.approx(board.mhz, rel=1e-5)


def test_the_oscillator_itself_needs_no_pll(tmp_path):
    board = replace(named("icebreaker"), clock_mhz=12)
    assert board.mhz == 12
    assert board.setting is None
    prepare(board, BoardTop(board, EchoBoard(board.divisor)), tmp_path)
    assert "SB_PLL40" not in (tmp_path / f"{TOP}.il").read_text()


def test_a_familys_own_files_are_read_before_the_design(tmp_path):
    file = tmp_path / "product.v"
    file.write_text("module product; endmodule")
    board = named("ulx3s_85f")
    board = replace(board, family=replace(board.family, files=(file,), script=("techmap -map product.v",)))
    prepare(board, BoardTop(board, EchoBoard(board.divisor)), tmp_path / "build")
    script = (tmp_path / "build" / f"{TOP}.ys").read_text()
    assert (tmp_path / "build" / "product.v").read_text() == file.read_text()
    places = [script.index(line) for line in ("read_verilog", "read_rtlil", "techmap -map product.v", "synth_ecp5")]
    assert places == sorted(places)


def test_an_unknown_board_is_refused(capsys):
    with pytest.raises(ValueError, match=r"Board must be one of .*ulx3s_85f.*, not 'nope'"):
        named("nope")
    for command in ("build", "program"):
        assert main([command, "--board", "nope"]) == 2
        assert "Board must be one of" in capsys.readouterr().err


def test_a_clock_that_the_pll_cannot_make_is_refused(capsys):
    assert main(["build", "--board", "ulx3s_85f", "--clock", "900"]) == 2
    assert "nearest of which is 400 MHz, not 900 MHz" in capsys.readouterr().err


def test_a_baud_rate_beyond_the_clock_is_refused():
    with pytest.raises(ValueError, match="at most half the clock's 25 MHz"):
        replace(named("ulx3s_85f"), clock_mhz=25, baud=20_000_000)


def test_the_page_says_what_the_boards_files_say():
    assert report.main(["--check", "--page", str(PAGE)]) == 0


def test_a_page_behind_the_files_is_found(tmp_path, capsys):
    page = tmp_path / "boards.md"
    page.write_text(PAGE.read_text().replace("| `icebreaker` | iCEBreaker", "| `icebreaker` | iceBreaker"))
    assert report.main(["--check", "--page", str(page)]) == 1
    assert "must say what the boards' files say" in capsys.readouterr().err
    assert report.main(["--page", str(page), "--builds", str(tmp_path)]) == 0
    assert page.read_text() == PAGE.read_text()
