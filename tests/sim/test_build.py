# SPDX-License-Identifier: Apache-2.0
"""The build cache: built once, never half, and with clear words when it cannot."""

import subprocess
import sys

import pytest

from sim import build, toolchain
from sim.build import BuildError, build_model
from sim.cache import build_root, cached
from tests.sim.designs import increment


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("CROSSTWIN_BUILD", str(tmp_path))
    return tmp_path


def test_second_build_is_the_first(monkeypatch):
    path = build_model(increment())
    monkeypatch.setattr(build, "_run", lambda *_: pytest.fail("built again"))
    assert build_model(increment()) == path
    assert path.is_file()


@pytest.mark.parametrize("change", [{"opt": "-O0"}, {"waivers": ("WIDTHTRUNC",)}], ids=str)
def test_other_flags_are_another_model(change):
    assert build_model(increment(), **change) != build_model(increment())


def test_other_verilog_is_another_model():
    assert build_model(increment("mute")) != build_model(increment())


def test_two_processes_build_once(root):
    script = (
        "import sys, time; from sim.cache import cached\n"
        "def make(folder):\n"
        "    time.sleep(0.5)\n"
        "    print('made')\n"
        "print(cached('thing', (1,), make))\n"
    )
    command = [sys.executable, "-c", script]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=60)[0].split() for process in both]
    assert sorted(len(lines) for lines in said) == [1, 2], "one of them must make it and the other find it"
    assert said[0][-1] == said[1][-1]


def test_killed_build_leaves_nothing_half_made(root):
    script = (
        "import os; from sim.cache import cached\n"
        "def make(folder):\n"
        "    (folder / 'half').touch()\n"
        "    os._exit(9)\n"
        "cached('thing', (1,), make)\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 9
    folder = cached("thing", (1,), lambda folder: (folder / "whole").touch())
    assert [path.name for path in folder.iterdir()] == ["whole"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("module top(input clk);\n  syntax error\nendmodule\n", "syntax error"),
        ("module top(output [3:0] a);\n  assign a = 5'd0;\nendmodule\n", "WIDTHTRUNC"),
        ("module top(input i, output a);\n  wire b = a & i;\n  assign a = b | i;\nendmodule\n", "UNOPTFLAT"),
        ("module other(input clk);\nendmodule\n", "top"),
    ],
    ids=["syntax", "width", "loop", "no-top"],
)
def test_refused_verilog_says_why_and_leaves_no_entry(root, text, says):
    with pytest.raises(BuildError, match="'top' must pass Verilator without a warning, but: .*" + says):
        build_model(text)
    assert not [path for path in (root / "sim").glob("model-*") if path.is_dir()]


def test_waived_warning_is_no_error():
    text = increment().replace("endmodule", "  wire [3:0] narrow = 5'd0;\nendmodule")
    with pytest.raises(BuildError, match="WIDTHTRUNC"):
        build_model(text)
    assert build_model(text, waivers=("WIDTHTRUNC",)).is_file()


def test_design_without_streams_is_refused():
    with pytest.raises(BuildError, match=r"'top' must compile, but: .*i___05Fvalid"):
        build_model("module top(input clk, output q);\n  assign q = clk;\nendmodule\n")


@pytest.mark.parametrize("name", ["wno", "-Wno-fatal", "UNOPTFLAT -x", ""])
def test_bad_waiver(name):
    with pytest.raises(ValueError, match="name of a Verilator warning"):
        build_model(increment(), waivers=(name,))


def test_bad_optimization():
    with pytest.raises(ValueError, match="not '-O9'"):
        build_model(increment(), opt="-O9")


def test_missing_compiler_is_one_sentence(root, monkeypatch):
    monkeypatch.setenv("CXX", "/nonexistent")
    with pytest.raises(toolchain.ToolError, match=r"^A C\+\+ compiler is needed .*'/nonexistent'.* set CXX$"):
        build_model(increment())
    monkeypatch.delenv("CXX")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(toolchain.ToolError, match=r"neither g\+\+ nor clang\+\+ is on PATH"):
        build_model(increment())
    assert "missing" in toolchain.versions()["C++ compiler"]


def test_compiler_may_be_several_words(monkeypatch):
    monkeypatch.setenv("CXX", "env g++ -pipe")
    assert toolchain.cxx()[1:] == ["g++", "-pipe"]


def test_root_is_an_absolute_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CROSSTWIN_BUILD", raising=False)
    assert build_root() == tmp_path.resolve() / "build"
