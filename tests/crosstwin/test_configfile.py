# SPDX-License-Identifier: Apache-2.0
"""Configurations by name and from files."""
import json

import pytest

from crosstwin import TILES
from crosstwin.configfile import named
from golden.device import LinearStep


def written(tmp_path, description) -> str:
    path = tmp_path / "tile.json"
    path.write_text(description if isinstance(description, str) else json.dumps(description))
    return str(path)


def test_a_preset_by_name():
    assert named("tiny") is TILES["tiny"]


def test_a_file_with_everything(tmp_path):
    config = named(written(tmp_path, {"rows": 9, "cols": 4, "lanes": 3, "adc": {"bits": 8, "bound": 3},
                                      "device": {"model": "LinearStep", "gamma_up": 0.5}}))
    assert (config.rows, config.cols, config.lanes, config.adc.bits) == (9, 4, 3, 8)
    assert config.device == LinearStep(gamma_up=0.5)


@pytest.mark.parametrize(("description", "sentence"), [
    ("{", "must be JSON"), ([1], "must be an object"), ({"row": 3}, "Keys of Configuration must be of rows"),
    ({"rows": 1}, "Row count must be in 2..1024, not 1"), ({"rows": "a"}, "Row count must be an integer, not 'a'"),
    ({"adc": {"bits": 99}}, "ADC bits must be in 4..14"), ({"adc": 3}, "adc must be an object"),
    ({"device": "Foo"}, "Device must be one of"), ({"device": {"model": "Foo"}}, "a model of ConstantStep"),
    ({"device": {"model": "ConstantStep", "x": 1}}, "Keys of ConstantStep"),
    ({"device": {"model": "PiecewiseStep", "up": [1]}}, "must have 17 nodes"),
    ({"adc": {"bound": "a"}}, "Configuration .*tile.json"),
    ({"device": {"model": "ConstantStep", "dw_min": "a"}}, "tile.json"),
])
def test_bad_files_are_refused_in_one_sentence(tmp_path, description, sentence):
    with pytest.raises(ValueError, match=sentence) as error:
        named(written(tmp_path, description))
    assert "\n" not in str(error.value)


def test_a_missing_file_and_an_unknown_name(tmp_path):
    with pytest.raises(ValueError, match="No such file"):
        named(str(tmp_path / "none.json"))
    with pytest.raises(ValueError, match=r"must be one of default, .* or a .json file, not 'huge'"):
        named("huge")
