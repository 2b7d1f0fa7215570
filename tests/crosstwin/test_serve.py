# SPDX-License-Identifier: Apache-2.0
"""`crosstwin serve`: a simulated board that another process drives like a real one."""
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

import crosstwin
from crosstwin import cli, configfile
from tests.crosstwin.test_serial_link import results

SMALL = {"rows": 5, "cols": 6, "lanes": 1, "adc": {"bound": 2}, "device": "GokmenVlasov"}


def test_a_simulated_board_gives_golden_s_bits_and_ends_cleanly(tmp_path):
    path = tmp_path / "small.json"
    path.write_text(json.dumps(SMALL))
    command = [sys.executable, "-m", "crosstwin", "serve", "--sim", "--config", str(path), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=os.environ | {"PYTHONPATH": "."}) as server:
        lines = []
        while not lines or lines[-1] != "]\n":
            lines.append(server.stdout.readline())
            assert lines[-1], server.stderr.read()
        (board,) = json.loads("".join(lines))
        assert (board["rows"], board["cols"]) == (5, 6)
        config = configfile.named(str(path))
        with crosstwin.open("golden", config, seed=4) as golden:
            expected = results(golden)
        for _ in range(2):  # a second user after the first
            with crosstwin.open(board["port"], config, seed=4) as twin:
                actual = results(twin)
                assert twin.counters()["emulation_cycles"] > 0
            for one, other in zip(expected[:-1], actual[:-1], strict=True):
                np.testing.assert_array_equal(one, other)
            assert expected[-1][:-1] == actual[-1][:-1]
        server.send_signal(signal.SIGINT)
        _, said = server.communicate(timeout=20)
    assert server.returncode == 0
    assert said.endswith("Stopped\n")
    assert "Traceback" not in said


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["serve"], "--sim"), (["serve", "--sim", "--config", "huge"], "must be one of default"),
    (["serve", "--sim", "--demo", "--config", "tiny"], "--demo must be given without --config"),
    (["demo", "--port", "/dev/pts/77"], "--port must be given twice, for two tiles, not 1 times"),
])
def test_bad_input_is_one_sentence_and_status_2(arguments, sentence, capsys):
    try:
        status = cli.main(arguments)
    except SystemExit as stop:
        status = stop.code
    assert status == 2
    printed = capsys.readouterr()
    assert sentence in printed.err
    assert printed.err.count("\n") == 1


def test_a_port_that_is_missing_is_one_sentence_and_status_1(capsys, tmp_path):
    assert cli.main(["demo", "--port", "/dev/none", "--port", "/dev/none", "--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "crosstwin demo: Port /dev/none must be a free serial port, but there is none\n"
