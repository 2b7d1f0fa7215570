# SPDX-License-Identifier: Apache-2.0
"""Technology files: what comes with CrossTwin, and one sentence for what is wrong with one."""
import copy

import pytest

from crosstwin import technology
from crosstwin.twin import CHIP_CLOCK_HZ

GOOD = {"title": "A test", **{name: {"value": 2, "source": "made up"} for name in technology.REQUIRED}}


@pytest.mark.parametrize("name", technology.names())
def test_what_comes_with_it_is_whole_and_sourced(name):
    found = technology.load(name)
    assert (found.name, bool(found.title)) == (name, True)
    assert technology.REQUIRED.keys() <= found.figures.keys()
    for figure in found.figures.values():
        assert figure.value > 0
        assert len(figure.source) > 10 or figure.source == "As sar_power_w"


def test_figures_of_the_rpu():
    rpu = technology.load("rpu")
    assert rpu["clock_hz"] == CHIP_CLOCK_HZ == 1e9
    assert (rpu["device_resistance_ohm"], rpu["read_voltage_v"]) == (24e6, 1)
    assert not rpu.figures["device_resistance_ohm"].verified
    assert rpu.figures["sar_power_w"].verified
    assert not rpu.has("sar_power_w", "static_power_w")


def test_a_file_is_read_like_one_of_ours(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('title = "Mine"\n' + "".join(f'[{name}]\nvalue = 3\nsource = "me"\n'
                                                 for name in technology.REQUIRED))
    mine = technology.load(str(path))
    assert (mine.name, mine.title, mine["clock_hz"]) == ("mine", "Mine", 3.0)


@pytest.mark.parametrize(("change", "sentence"), [
    (lambda t: t.pop("clock_hz"), "clock_hz must be given: clock of the tile controller: one chip cycle"),
    (lambda t: t.pop("title"), "title must be a text, not None"),
    (lambda t: t.update(title=3), "title must be a text, not 3"),
    (lambda t: t.update(voltage={}), "Figures must be of clock_hz, .*, not 'voltage'"),
    (lambda t: t.update(clock_hz=1), "clock_hz must be a table with value and source and verified, not 1"),
    (lambda t: t["clock_hz"].pop("source"), "clock_hz must have a source, a text, not None"),
    (lambda t: t["clock_hz"].update(source=""), "clock_hz must have a source, a text, not ''"),
    (lambda t: t["clock_hz"].update(unit="Hz"), "Keys of clock_hz must be of value, source, verified, not 'unit'"),
    (lambda t: t["clock_hz"].update(verified="no"), "verified of clock_hz must be true or false, not 'no'"),
    (lambda t: t["clock_hz"].pop("value"), "clock_hz must have a value above 0, not None"),
    *((lambda t, value=value: t["read_voltage_v"].update(value=value),
       f"read_voltage_v must have a value above 0, not {value!r}")
      for value in (-1.5, 0, True, "1 V", float("nan"), float("inf")))])
def test_what_is_wrong_is_one_sentence(change, sentence):
    content = copy.deepcopy(GOOD)
    assert technology.from_dict("good", content)["clock_hz"] == 2
    change(content)
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        technology.from_dict("bad", content)


@pytest.mark.parametrize(("name", "content", "sentence"), [
    ("cmos", None, r"Technology must be one of pcm22, rpu or a \.toml file, not 'cmos'"),
    ("none.toml", None, r"Technology \S*none\.toml must be a text file that can be read, but: No such file"),
    ("odd.toml", b"\xff\xfe", r"Technology \S*odd\.toml must be a text file that can be read, but: .*decode"),
    ("bad.toml", b"title =", r"Technology \S*bad\.toml must be TOML, but: Invalid value"),
    ("empty.toml", b"", r"Technology \S*empty\.toml: title must be a text, not None"),
])
def test_a_file_that_is_none(name, content, sentence, tmp_path):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=f"^{sentence}"):
        technology.load(str(path) if name.endswith(".toml") else name)
