# SPDX-License-Identifier: Apache-2.0
"""`crosstwin program`: openFPGALoader's arguments, and what it says where something is missing."""
import pytest

pytest.importorskip("amaranth_boards", reason="amaranth-boards is not installed: pip install crosstwin[fpga]")

from crosstwin.cli import main


@pytest.fixture
def loader(tmp_path, monkeypatch):
    """A loader that writes down its arguments, and a folder with a bitstream."""
    tool = tmp_path / "openFPGALoader"
    tool.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/said\nexit $(cat {tmp_path}/status)\n')
    tool.chmod(0o755)
    (tmp_path / "status").write_text("0")
    (tmp_path / "top.bit").touch()
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return tmp_path


def test_the_loader_is_told_the_board(loader):
    assert main(["program", "--board", "ulx3s_85f", "-o", str(loader)]) == 0
    assert (loader / "said").read_text() == f"-b ulx3s {loader}/top.bit\n"
    assert main(["program", "--board", "ulx3s_85f", "-o", str(loader), "--flash"]) == 0
    assert (loader / "said").read_text() == f"-b ulx3s -f {loader}/top.bit\n"


def test_a_loader_that_fails_is_an_error(loader, capsys):
    (loader / "status").write_text("3")
    assert main(["program", "--board", "ulx3s_85f", "-o", str(loader)]) == 1
    assert "failed with status 3" in capsys.readouterr().err


def test_a_missing_loader_or_bitstream_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["program", "--board", "ulx3s_85f", "-o", str(tmp_path)]) == 1
    assert "must be built first: crosstwin build --board ulx3s_85f" in capsys.readouterr().err
    (tmp_path / "top.bit").touch()
    assert main(["program", "--board", "ulx3s_85f", "-o", str(tmp_path)]) == 1
    assert "apt install openfpgaloader" in capsys.readouterr().err
