# SPDX-License-Identifier: Apache-2.0
import os
import re
import subprocess
from dataclasses import replace
from functools import cache

import pytest

from golden.config import TileConfig
from rtl.verilog import TOP, WAIVERS, tile_verilog
from sim import toolchain
from tests.support import CONFIGS

SMALL_TABLE = replace(CONFIGS["table"], rows=3, cols=5, lanes=2)


def lint(text: str, folder) -> str:
    """What `verilator --lint-only -Wall` says, without a flag that would hide anything."""
    (folder / "tile.v").write_text(text)
    command = [str(toolchain.verilator()), "--lint-only", "-Wall", "--top-module", TOP, "tile.v"]
    env = {**os.environ, "VERILATOR_ROOT": str(toolchain.verilator_root())}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False).stderr


@cache
def verilog_of(config: TileConfig) -> str:
    return tile_verilog(config)


@pytest.mark.parametrize("config", [CONFIGS["narrow"], SMALL_TABLE], ids=["narrow", "table"])
def test_text_is_clean_and_the_same_twice(config: TileConfig, tmp_path):
    assert lint(verilog_of(config), tmp_path) == ""
    assert tile_verilog(config) == verilog_of(config)


def test_every_waiver_has_its_reason_and_its_use(tmp_path):
    """Each stands behind its reason; without them the text is not clean, so the lint above looks at something."""
    text = verilog_of(CONFIGS["narrow"])
    head = text[:text.index("module ")].splitlines()
    found = {re.search(r"lint_off (\w+)", waiver)[1]: reason
             for reason, waiver in zip(head[::2], head[1::2], strict=False) if "lint_off" in waiver}
    assert found == {name: f"// {reason}" for name, reason in WAIVERS.items()}
    said = set(re.findall(r"%Warning-(\w+)", lint(re.sub(r"/\* verilator lint_off \w+ \*/", "", text), tmp_path)))
    assert said
    assert said <= set(WAIVERS)


def test_ports_are_those_of_the_streams():
    text = verilog_of(CONFIGS["narrow"])
    ports = re.search(rf"module {TOP}\(([^)]*)\)", text)[1]
    assert sorted(name.strip() for name in ports.split(",")) == sorted([
        "clk", "rst", "i__payload", "i__valid", "i__ready", "o__payload", "o__valid", "o__ready"])
