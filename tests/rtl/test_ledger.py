# SPDX-License-Identifier: Apache-2.0
"""The hardware's counters, the model's and their prediction: the same, exactly, after and of every operation."""
from dataclasses import replace

import numpy as np
import pytest

from crosstwin.driver import LinkedTile
from crosstwin.links import VerilatedLink
from golden import prediction
from golden.adc import AdcConfig
from golden.config import COUNTERS
from golden.prediction import PREDICTED
from golden.pulses import Encoding
from golden.tile import Tile
from tests.support import CONFIGS, device_planes, random_codes, random_updates

COMPARED = tuple(name for name in COUNTERS if name != "emulation_cycles")
CONFIG = replace(CONFIGS["softbounds"], adc=AdcConfig(bound=1.0, gain_spread=0.05, offset_spread=4.0))
"""Some codes saturate."""


@pytest.fixture(scope="module")
def link():
    link = VerilatedLink(CONFIG, opt="-O0", quiet=True)
    yield link
    link.close()


def workload(seed: int):
    """Single operations in mixed order: method, prediction and inputs of each."""
    x, d = random_codes(CONFIG, 6, CONFIG.rows, seed), random_codes(CONFIG, 6, CONFIG.cols, seed + 1)
    for n, (row, col, bl) in enumerate(zip(*random_updates(CONFIG, 6, seed + 2), strict=True)):
        yield "forward", prediction.forward, (x[n:n + 1],)
        yield "update", prediction.update, (row[None], col[None], bl[None])
        yield "backward", prediction.backward, (d[n:n + 1],)


@pytest.mark.parametrize("times", [{}, {"t_precharge": 5, "t_guard": 3, "t_recover": 7, "t_slot": 3, "encoding": 2},
                                   {"t_settle": 9, "t_hold": 2, "t_convert": 4, "encoding": 1, "train": 1}], ids=str)
def test_counters_of_hardware_and_model_are_as_predicted(link, times):
    tiles = {"golden": Tile(CONFIG), "hardware": LinkedTile(CONFIG, link)}
    for tile in tiles.values():
        tile.reset()
        for plane, values in device_planes(CONFIG, 3).items():
            tile.write_plane(plane, values)
        for name, value in ({"seed": 3} | times).items():
            tile.set(name, value)
    counts = []
    for name, predict, inputs in workload(3):
        stood = {register: tiles["golden"].get(register) for register in tiles["golden"].registers}
        counts.append(predict(CONFIG, stood, *inputs))
        outputs = [getattr(tile, name)(*inputs) for tile in tiles.values()]
        saturated = 0 if name == "update" else int(prediction.saturations(CONFIG, outputs[0])[0])
        if stood["encoding"] == Encoding.SERIAL:  # judged bit by bit, which outputs do not show
            saturated = tiles["golden"].last_counters()["saturations"]
        expected = prediction.last(counts[-1]) | {"saturations": saturated}
        counts[-1]["saturations"] = np.array([saturated])
        for world, tile in tiles.items():
            found = tile.last_counters()
            assert {counter: found[counter] for counter in COMPARED} == expected, (world, name)
    total = {counter: sum(int(each[counter].sum()) for each in counts) for counter in COMPARED}
    for world, tile in tiles.items():
        found = tile.counters()
        assert {counter: found[counter] for counter in COMPARED} == total, world
        assert prediction.total(*counts) == {counter: found[counter] for counter in PREDICTED}, world
    assert total["saturations"] > 0 or times.get("encoding") == Encoding.SERIAL
    assert tiles["hardware"].counters()["emulation_cycles"] >= total["chip_cycles"]
