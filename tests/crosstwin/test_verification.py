# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from crosstwin import cli, verification
from crosstwin.commands import verify
from golden.adc import AdcConfig
from golden.config import TileConfig
from golden.presets import DEVICES
from tests.crosstwin.command_line import status_of

SMALL = TileConfig(rows=8, cols=16, lanes=4, device=DEVICES["EcRam"], adc=verification.ADC)
CONFIG = {"rows": 6, "cols": 8, "lanes": 4, "device": "EcRam", "adc": {"bits": 9, "bound": 2.0}}


@pytest.mark.parametrize("seed", range(3))
def test_ecram_converges(seed):
    summary = verification.run("golden", SMALL, seed, verification.Settings())
    assert summary["cross_points"] == 128 == summary["converged"] + summary["stuck"] + summary["limit"]
    assert summary["converged"] >= 126
    assert (summary["most_windows"], summary["limit"]) == (64, 0)
    assert summary["converged_within"] == summary["converged"]
    assert summary["stuck"] == summary["stuck_out_of_reach"]
    assert summary["residual_lsb"]["after"] < 0.5 < summary["residual_lsb"]["before"]


def test_every_device_in_reach_is_found_and_the_others_are_stuck():
    """Targets beyond what most devices hold."""
    device = DEVICES["GokmenVlasov"]
    config = TileConfig(rows=8, cols=16, lanes=4, device=device, adc=AdcConfig(bound=2.0))
    summary = verification.run("golden", config, 1, verification.Settings())
    assert 64 < summary["reachable"] < 122
    assert summary["limit"] == 0
    assert abs(summary["converged"] - summary["reachable"]) <= 3


def test_reads_help_where_the_tolerance_is_small():
    found = verification.curves(SMALL, 1, (0, 5), (0.002, 0.05), 64)
    assert set(found) == {1, 32}
    assert found[32][0] > found[1][0] + 0.2
    assert min(found[1][1], found[32][1]) > 0.97


def test_command_writes_summary_and_figure(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(verify, "TOLERANCES", (0.01, 0.05))
    monkeypatch.setattr(verify, "READS_LOG2", (0, 3))
    (tmp_path / "tile.json").write_text(json.dumps(CONFIG))
    arguments = ["verify", "--config", str(tmp_path / "tile.json"), "--tolerance", "2", "--figure", "--out",
                 str(tmp_path / "out")]
    assert cli.main(arguments) == 0
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["tolerance"] == 0.02
    assert set(summary["yield"]) == {"tolerances", "1 reads", "8 reads"}
    assert (tmp_path / "out" / "yield.png").read_bytes().startswith(b"\x89PNG")
    printed = capsys.readouterr().out
    assert "6 x 8 LinearStep devices" in printed
    assert "stuck at a bound" in printed
    assert cli.main([*arguments, "--json", "--device", "ReRamSB"]) == 0
    assert json.loads(capsys.readouterr().out)["device"] == "ReRamSB"


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["--tolerance", "0"], "must be above 0 and at most 50, not '0'"), (["--reads", "9"], "must be an integer in 0..8"),
    (["--limit", "256"], "must be an integer in 1..255"), (["--config", "huge"], "must be one of default"),
    (["--out", "/dev/null/x"], "--out must be a folder that can be written")])
def test_bad_input_is_one_sentence(arguments, sentence, capsys):
    assert status_of(["verify", *arguments]) == 2
    printed = capsys.readouterr()
    assert sentence in printed.err
    assert printed.err.count("\n") == 1
