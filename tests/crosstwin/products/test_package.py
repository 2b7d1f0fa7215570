# SPDX-License-Identifier: Apache-2.0
"""A packaged tile: complete, the same twice, never half-written, and accepted by the tools that it is for."""
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from crosstwin import cli, configfile
from crosstwin.products import package
from crosstwin.products.core import CORES
from crosstwin.products.package import write_package
from sim import toolchain
from tests.support import CONFIGS

CONFIG = CONFIGS["narrow"]
PACKAGES = {**{bus: (CONFIG, bus) for bus in CORES}, "pins": (replace(CONFIG, pins=True), "axi")}
"""Configuration and bus of every kind of package."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A package of each kind by its name, made when it is asked for."""
    class Folders(dict):
        def __missing__(self, name: str) -> Path:
            self[name] = tmp_path_factory.mktemp("package") / name
            write_package(self[name], *PACKAGES[name])
            return self[name]

    return Folders()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def ports(verilog: str, top: str) -> dict[str, tuple[str, int]]:
    """Direction and width of the ports of the top module."""
    body = re.search(rf"^module {top}\(.*?^endmodule", verilog, re.MULTILINE | re.DOTALL)[0]
    return {name: (direction, int(high or 0) + 1) for direction, high, name in re.findall(
        r"^  (input|output) (?:\[(\d+):0\] )?(\w+)", body, re.MULTILINE)}


def fusesoc(folder: Path, *arguments: str, work: Path) -> str:
    """What FuseSoC prints, with nothing of the user's own configuration, and the simulator that we have."""
    env = {**os.environ, "XDG_CONFIG_HOME": str(work), "XDG_DATA_HOME": str(work), "XDG_CACHE_HOME": str(work),
           "VERILATOR_ROOT": str(toolchain.verilator_root()),
           "PATH": f"{toolchain.verilator().parent}{os.pathsep}{os.environ['PATH']}"}
    command = [str(Path(sys.executable).parent / "fusesoc"), "--cores-root", str(folder), *arguments]
    done = subprocess.run(command, env=env, cwd=work, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", PACKAGES)
def test_the_page_lists_every_file_and_every_port(folders, name):
    files, core = contents(folders[name]), CORES[PACKAGES[name][1]]
    page = files["README.md"].decode()
    rows = [[cell.strip().strip("`") for cell in line.split("|")[1:-1]] for line in page.splitlines()
            if line.startswith("| `")]
    assert sorted(row[0] for row in rows if len(row) == 2) == sorted(files)
    verilog = files[f"rtl/{core.top}.v"].decode()
    assert {row[0]: (row[1], int(row[2])) for row in rows if len(row) == 4} == ports(verilog, core.top)
    assert f"Top module `{core.top}`" in page


def test_its_configuration_makes_it_again(folders, tmp_path, capsys):
    bus, folder = "axi", tmp_path / "again"
    assert cli.main(["package", "--config", str(folders[bus] / "configuration.json"), "--bus", bus, "-o", str(folder),
                     "--json"]) == 0
    assert contents(folder) == contents(folders[bus])
    printed = json.loads(capsys.readouterr().out)
    assert printed == {"folder": str(folder), "top": CORES[bus].top, "files": sorted(contents(folder))}


def test_a_real_array_is_at_pins_or_refused(folders, tmp_path):
    """What brings its ports out has them; what does not is not made."""
    assert "pins__row_pulse" in contents(folders["pins"])["README.md"].decode()
    assert "examples/litex_soc.py" not in contents(folders["pins"])
    with pytest.raises(ValueError, match="Bus of a tile with pins must be axi or stream, not uart"):
        write_package(tmp_path / "new", PACKAGES["pins"][0], "uart")
    assert not list(tmp_path.iterdir())


def test_the_license_is_whole(folders):
    assert contents(folders["axi"])["LICENSE"] == (Path(__file__).parents[3] / "LICENSE").read_bytes()


@pytest.fixture
def made(folders, monkeypatch) -> dict[str, str]:
    """The files of a package, which takes seconds to make, and which `write_package` now has at once."""
    files = {name: text.decode() for name, text in contents(folders["stream"]).items()}
    monkeypatch.setattr(package, "package_files", lambda *_: files)
    return files


def test_what_is_there_is_not_touched(made, tmp_path):
    """A file, another folder, even with force; and an earlier package without it."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("x")
    before = contents(tmp_path)
    for name in ("file", "other"):
        for force in (False, True):
            with pytest.raises(ValueError, match="must be new or empty"):
                write_package(tmp_path / name, CONFIG, "stream", force=force)
    assert contents(tmp_path) == before
    write_package(tmp_path / "package", CONFIG, "stream")
    with pytest.raises(ValueError, match="must be new or empty"):
        write_package(tmp_path / "package", CONFIG, "stream")
    (tmp_path / "package" / "rtl" / "stale.v").write_text("x")
    write_package(tmp_path / "package", CONFIG, "stream", force=True)
    assert "rtl/stale.v" not in contents(tmp_path / "package")
    (tmp_path / "empty").mkdir()
    write_package(tmp_path / "empty", CONFIG, "stream")
    assert contents(tmp_path / "empty") == contents(tmp_path / "package")


@pytest.mark.parametrize("fails", ["making", "writing", "renaming"])
def test_it_is_never_half_written(made, tmp_path, monkeypatch, fails):
    """Whatever goes wrong, the earlier package is there as it was, and nothing else."""
    write_package(tmp_path / "package", CONFIG, "stream")
    before = contents(tmp_path)

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    def fail_late(self, target, rename=Path.rename):
        return fail() if self.name == "new" else rename(self, target)

    match fails:
        case "making":
            monkeypatch.setattr(package, "package_files", fail)
        case "writing":
            monkeypatch.setattr(package, "package_files", lambda *_: made | {"rtl": "a file where a folder is"})
        case "renaming":
            monkeypatch.setattr(Path, "rename", fail_late)
    with pytest.raises(OSError, match=r"No space|exists|directory"):
        write_package(tmp_path / "package", CONFIG, "stream", force=True)
    with pytest.raises(OSError, match=r"No space|exists|directory"):
        write_package(tmp_path / "new", CONFIG, "stream")
    monkeypatch.undo()  # contents are compared with the real Path
    assert contents(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["package"]


@pytest.mark.usefixtures("made")
def test_the_command_says_what_it_cannot_do(tmp_path, capsys):
    (tmp_path / "file").write_text("x")
    for config, name, sentence in (("tiny", "file", "must be new or empty"),
                                   ("tiny", "file/below", "--output must be a folder that can be written"),
                                   ("huge", "new", "must be one of default, tiny")):
        assert cli.main(["package", "--config", config, "-o", str(tmp_path / name)]) == 2
        printed = capsys.readouterr()
        assert sentence in printed.err
        assert printed.err.count("\n") == 1
    assert cli.main(["package", "--divisor", "9", "-o", str(tmp_path / "new")]) == 2
    assert "--divisor must be given with --bus uart, not with axi" in capsys.readouterr().err


@pytest.mark.parametrize("name", PACKAGES)
def test_fusesoc_lints_it(folders, name, tmp_path):
    """`verilator -Wall` has nothing to say of any top."""
    top = CORES[PACKAGES[name][1]].top
    fusesoc(folders[name], "run", "--target=lint", "--work-root", str(tmp_path / "lint"), top, work=tmp_path)


def test_fusesoc_knows_it_and_makes_it_part_of_another_core(folders, tmp_path):
    folder, top = folders["axi"], CORES["axi"].top
    assert f"crosstwin:tiles:{top}:" in fusesoc(folder, "core", "list", work=tmp_path)
    shown = fusesoc(folder, "core", "show", top, work=tmp_path)
    assert all(target in shown for target in ("default", "lint"))
    user = tmp_path / "user"
    user.mkdir()
    (user / "system.v").write_text("module system(); endmodule\n")
    (user / "system.core").write_text(
        "CAPI=2:\nname: ::system:0\nfilesets:\n  rtl:\n    files: [system.v]\n    file_type: verilogSource\n"
        f"    depend: ['crosstwin:tiles:{top}']\n"
        "targets:\n  lint:\n    flow: lint\n    flow_options: {tool: verilator}\n    filesets: [rtl]\n"
        "    toplevel: system\n")
    fusesoc(folder, "--cores-root", str(user), "run", "--target=lint", "--setup", "--work-root",
            str(tmp_path / "system"), "system", work=tmp_path)
    assert list((tmp_path / "system").rglob(f"{top}.v"))


def test_the_litex_example_names_every_port(folders):
    """It compiles, and its instance connects each port once, an input as an input."""
    files = contents(folders["axi"])
    text = files["examples/litex_soc.py"].decode()
    compile(text, "litex_soc.py", "exec")
    named = re.findall(r"\b([io])_(\w+)=", text)
    found = {name: {"i": "input", "o": "output"}[kind] for kind, name in named}
    top = CORES["axi"].top
    assert len(named) == len(found)
    assert found == {name: direction for name, (direction, _) in ports(files[f"rtl/{top}.v"].decode(), top).items()}
    assert f'TOP = "{top}"' in text


@pytest.mark.parametrize("name", CONFIGS)
def test_configurations_survive_json(name):
    assert configfile.from_dict(json.loads(json.dumps(configfile.to_dict(CONFIGS[name])))) == CONFIGS[name]
