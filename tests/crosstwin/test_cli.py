# SPDX-License-Identifier: Apache-2.0
"""The command line: what it prints, and one sentence with status 2 for what it cannot do."""
import json

import pytest

import crosstwin
from crosstwin import cli
from tests.crosstwin.command_line import status_of


@pytest.mark.parametrize(("arguments", "sentence"), [
    ([], "COMMAND"), (["dance"], "invalid choice: 'dance'"),
    (["demo", "--backend", "fpga"], "invalid choice: 'fpga'"), (["demo", "--device", "Flux"], "invalid choice: 'Flux'"),
    (["demo", "--epochs", "0"], "must be an integer in 1..1000, not '0'"),
    (["demo", "--epochs", "many"], "must be an integer in 1..1000, not 'many'"),
    (["demo", "--seed", "-1"], "must be an integer in 0..4294967295, not '-1'"),
    (["demo", "--backend", "golden", "--out", "/dev/null/x"], "--out must be a folder that can be written"),
    (["compare", "--configs", "0"], "must be an integer in 1..1000000"), (["compare", "--ops", "-3"], "not '-3'"),
    (["compare", "--workers", "0"], "must be an integer in 1..256"),
    (["verilog"], "-o"), (["verilog", "--config", "huge", "-o", "x.v"], "must be one of default, tiny"),
    (["verilog", "--config", "none.json", "-o", "x.v"], "No such file"),
    (["verilog", "--rows", "1", "-o", "x.v"], "Row count must be in 2..1024, not 1"),
    (["verilog", "--lanes", "65", "-o", "x.v"], "Lane count must be at most the column count 64, not 65"),
])
def test_bad_input_is_one_sentence_and_status_2(arguments, sentence, capsys):
    assert status_of(arguments) == 2
    printed = capsys.readouterr()
    assert sentence in printed.err
    assert printed.err.count("\n") == 1
    assert not printed.out


def test_a_tool_that_fails_is_one_sentence_and_status_1(capsys, monkeypatch):
    def fail(*_):
        raise RuntimeError("A C++ compiler is needed to simulate: install g++")

    monkeypatch.setattr("crosstwin.comparison.draw_config", fail)
    assert cli.main(["compare", "--workers", "1"]) == 1
    assert capsys.readouterr().err == "crosstwin compare: A C++ compiler is needed to simulate: install g++\n"


def test_version(capsys):
    assert status_of(["--version"]) == 0
    assert capsys.readouterr().out == f"crosstwin {crosstwin.__version__}\n"


def test_info(capsys):
    assert cli.main(["info", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["devices"]) == set(crosstwin.DEVICES)
    assert set(found["tiles"]) == set(crosstwin.TILES)
    assert "numpy" in found["tools"]
    assert cli.main(["info"]) == 0
    printed = capsys.readouterr().out
    assert "GokmenVlasov" in printed
    assert "crosstwin serve --sim" in printed
