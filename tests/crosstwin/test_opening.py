# SPDX-License-Identifier: Apache-2.0
"""Opening by name."""
import pytest

import crosstwin


def test_the_golden_model_opens_by_preset_and_by_configuration():
    config = crosstwin.TILES["tiny"]
    with crosstwin.open("golden", "tiny", seed=1) as first, crosstwin.open(config=config, seed=1) as second:
        assert first.config == second.config
        assert (first.read() == second.read()).all()


def test_an_unknown_backend_is_refused_with_those_that_there_are():
    with pytest.raises(ValueError, match="Backend must be one of golden, verilator or a serial port, not 'fpga'"):
        crosstwin.open("fpga")


def test_an_unknown_preset_is_refused():
    with pytest.raises(ValueError, match=r"Tile preset must be one of default, .*, not 'huge'"):
        crosstwin.open("golden", "huge")


def test_a_configuration_is_a_tile_configuration():
    with pytest.raises(TypeError, match="Configuration must be a TileConfig or the name of a preset, not 64"):
        crosstwin.open("golden", 64)
