# SPDX-License-Identifier: Apache-2.0
"""`crosstwin serve`: a simulated board that another process drives like a real one."""
import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

import crosstwin
from crosstwin import cli, configfile
from rtl.gain import GainUnit
from tests.crosstwin.command_line import status_of
from tests.crosstwin.test_serial_link import assert_same_bits, results

SMALL = {"rows": 5, "cols": 6, "lanes": 1, "adc": {"bound": 2}, "device": "GokmenVlasov"}


def _hear_interrupts() -> None:
    """As in a terminal: what a shell starts in the background ignores them, and so do its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def serving(*arguments: str):
    """The process and its boards."""
    command = [sys.executable, "-m", "crosstwin", "serve", "--sim", "--json", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=os.environ | {"PYTHONPATH": "."}, preexec_fn=_hear_interrupts) as server:
        try:
            lines = []
            while not lines or lines[-1] != "]\n":
                lines.append(server.stdout.readline())
                assert lines[-1], server.stderr.read()
            yield server, json.loads("".join(lines))
        finally:
            server.terminate()


def test_a_simulated_board_gives_golden_s_bits_and_ends_cleanly(tmp_path):
    path = tmp_path / "small.json"
    path.write_text(json.dumps(SMALL))
    with serving("--config", str(path)) as (server, (board,)):
        assert (board["rows"], board["cols"]) == (5, 6)
        config = configfile.named(str(path))
        with crosstwin.open("golden", config, seed=4) as golden:
            expected = results(golden)
        for _ in range(2):  # a second user after the first
            with crosstwin.open(board["port"], config, seed=4) as twin:
                actual = results(twin)
                assert twin.counters()["emulation_cycles"] > 0
            assert_same_bits(expected, actual)
        server.send_signal(signal.SIGINT)
        _, said = server.communicate(timeout=20)
    assert server.returncode == 0
    assert said.endswith("Stopped\n")
    assert "Traceback" not in said


@pytest.mark.regress
def test_the_demo_on_simulated_boards_gives_the_same_summary(tmp_path, capsys):
    def figures(*arguments: str) -> tuple[dict, dict]:
        assert cli.main(["demo", "--epochs", "1", "--out", str(tmp_path), "--json", *arguments]) == 0
        summary, cycles = json.loads(capsys.readouterr().out), {}
        for part in ("inference", "training"):
            del summary[part]["wall_s"], summary[part]["wall_golden_s"]
            cycles[part] = summary[part].pop("cycles")
        return summary, cycles

    with serving("--demo") as (_, boards):
        ports = [argument for board in boards for argument in ("--port", board["port"])]
        (behind, cycles_behind), (direct, cycles) = figures(*ports), figures()
    assert behind | {"backend": "verilator"} == direct
    assert cycles_behind["inference"] == cycles["inference"]
    # a word in three cycles hides more of an update of fewer than 60 columns, which both layers have
    n_updates = 2 * direct["training"]["images"]
    assert 0 < cycles["training"] - cycles_behind["training"] < n_updates * GainUnit.multiply_latency


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["serve"], "--sim"), (["serve", "--sim", "--config", "huge"], "must be one of default"),
    (["serve", "--sim", "--demo", "--config", "tiny"], "--demo must be given without --config"),
    (["demo", "--port", "/dev/pts/77"], "--port must be given twice, for two tiles, not 1 times"),
])
def test_bad_input_is_one_sentence_and_status_2(arguments, sentence, capsys):
    assert status_of(arguments) == 2
    printed = capsys.readouterr()
    assert sentence in printed.err
    assert printed.err.count("\n") == 1


def test_a_port_that_is_missing_is_one_sentence_and_status_1(capsys, tmp_path):
    assert cli.main(["demo", "--port", "/dev/none", "--port", "/dev/none", "--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "crosstwin demo: Port /dev/none must be a free serial port, but there is none\n"
