# SPDX-License-Identifier: Apache-2.0
"""What docs/integration.md shows works."""
import re
import subprocess
from pathlib import Path

import pytest

from crosstwin.products.c_header import c_header
from crosstwin.products.core import CORES
from golden.adc import AdcConfig
from golden.config import TileConfig
from golden.controller import Controller
from golden.tile import Tile
from sim.bus import packet
from sim.toolchain import cxx
from tests.support import CONFIGS

TEXT = (Path(__file__).parents[3] / "docs" / "integration.md").read_text(encoding="utf-8")


def test_its_c_compiles(tmp_path):
    code, = re.findall(r"```c\n(.*?)```", TEXT, re.DOTALL)
    (tmp_path / "crosstwin.h").write_text(c_header(CONFIGS["tiny"]))
    (tmp_path / "tile.c").write_text(code)
    subprocess.run([*cxx(), "-x", "c", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-c", "tile.c"],
                   cwd=tmp_path, check=True)


def test_its_packets_are_answered_as_it_says():
    rows = re.findall(r"^\| ([^|]+) \| `([0-9a-f ]+)\.` \| `([0-9a-f ]+)\.` \|$", TEXT, re.MULTILINE)
    assert len(rows) == 6
    controller = Controller(Tile(TileConfig(rows=2, cols=3, lanes=1, adc=AdcConfig(bound=2.0, noise=0.0))))
    for what, command, response in rows:
        command, response = (packet(int(word, 16) for word in words.split()) for words in (command, response))
        assert controller.exchange(command).tolist() == response, what


def test_its_tops_are_those_that_are_packaged():
    listed = dict(re.findall(r"^\| `(\w+)`(?: \(default\))? \| `(\w+)` \|", TEXT, re.MULTILINE))
    assert listed == {bus: core.top for bus, core in CORES.items()}


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`((?:rtl|tests|sim|docs)/[\w/]+\.\w+)`", TEXT))))
def test_its_files_are_there(name):
    assert (Path(__file__).parents[3] / name).is_file()
