# SPDX-License-Identifier: Apache-2.0
"""Counters against their prediction, of every configuration: exactly, in total and of the last operation."""
from dataclasses import replace

import numpy as np
import pytest

from golden import prediction
from golden.adc import AdcConfig
from golden.config import VECTOR
from golden.prediction import PREDICTED
from golden.presets import TILES
from golden.pulses import Encoding, Train
from golden.tile import Tile
from tests.support import CONFIGS, loaded_tile, random_codes, random_config, random_updates

TIMES = {"t_precharge": 11, "t_settle": 7, "t_slot": 3, "t_guard": 13, "t_hold": 5, "t_convert": 2, "t_recover": 17}


def registers(tile: Tile) -> dict[str, int]:
    return {name: tile.get(name) for name in tile.registers}


def counted(tile: Tile) -> tuple[dict, dict]:
    """Those of the counters that are predicted: in total, and of the last operation."""
    return tuple({name: counters[name] for name in PREDICTED} for counters in (tile.counters(), tile.last_counters()))


def assert_predicted(tile: Tile, before, counts) -> None:
    total, last = counted(tile)
    assert {name: total[name] - before[name] for name in PREDICTED} == prediction.total(counts)
    assert last == prediction.last(counts)


def assert_batches(tile: Tile, seed: int) -> None:
    """A batch of every raw operation, each predicted before it is made."""
    config = tile.config
    x, d = random_codes(config, 5, config.rows, seed), random_codes(config, 5, config.cols, seed + 1)
    for operation, predict, inputs in (
            (tile.forward, prediction.forward, (x,)), (tile.backward, prediction.backward, (d,)),
            (tile.update, prediction.update, random_updates(config, 4, seed + 2))):
        before, counts = tile.counters(), predict(config, registers(tile), *inputs)
        saturated = operation(*inputs)
        assert_predicted(tile, before, counts)
        if saturated is not None and tile.get("encoding") != Encoding.SERIAL:
            found = prediction.saturations(config, saturated)
            assert tile.counters()["saturations"] - before["saturations"] == found.sum()
            assert tile.last_counters()["saturations"] == found[-1]


@pytest.mark.parametrize("name", CONFIGS)
def test_raw_operations(name):
    assert_batches(loaded_tile(CONFIGS[name], 31), 31)


@pytest.mark.parametrize("seed", range(400, 408))
def test_any_configuration_times_and_event(seed):
    rng = np.random.default_rng(seed)
    tile = loaded_tile(random_config(seed), seed)
    for name in TIMES:
        tile.set(name, int(rng.integers(tile.registers[name].minimum, 256)))
    tile.set("encoding", int(rng.integers(len(Encoding))))
    tile.set("event", 2 ** 32 - 2)
    assert_batches(tile, seed)


@pytest.mark.parametrize("encoding", Encoding)
def test_encodings(encoding):
    tile = loaded_tile(CONFIGS["table"], 6)
    for name, value in (TIMES | {"encoding": encoding}).items():
        tile.set(name, value)
    assert_batches(tile, 6)


@pytest.mark.parametrize("kind", Train)
def test_trains(kind):
    config = CONFIGS["linear"]
    tile, rng = loaded_tile(config, 5), np.random.default_rng(5)
    tile.set("train", kind)
    rows, cols, bl = random_updates(config, 6, 5)
    if kind is Train.WORDS:
        rows, cols = (rng.integers(-2 ** 31, 2 ** 31, values.shape) for values in (rows, cols))
        bl = np.minimum(bl, 31)
    before, counts = tile.counters(), prediction.update(config, registers(tile), rows, cols, bl)
    tile.update(rows, cols, bl)
    assert_predicted(tile, before, counts)
    assert counts["coincidences"].any()


@pytest.mark.parametrize("adc", [{"kind": "ramp"}, {"kind": "cco", "columns_per_adc": 3}, {"kind": "spi"},
                                 {"columns_per_adc": 4}], ids=str)
def test_converters(adc):
    config = replace(CONFIGS["linear"], adc=AdcConfig(bound=4.0, **adc))
    tile = loaded_tile(config, 7)
    for name, value in TIMES.items():
        tile.set(name, value)
    assert_batches(tile, 7)


@pytest.mark.parametrize("settings", [{}, {"nm": 0, "bm_passes": 3}, {"nm": 2, "bm_passes": 8, "bm_backward": 1},
                                      {"um": 0, "ratio": 1 << 20}, {"um": 1, "bl": 12, "train": 3}], ids=str)
def test_managed_operations(settings):
    """Only the number of passes is the array's to say."""
    config = CONFIGS["narrow"]
    tile, rng = loaded_tile(config, 9), np.random.default_rng(9)
    for name, value in ({"ratio": 1 << 18} | settings).items():
        tile.set(name, value)
    x, d = (rng.integers(-3, 4, (12, n)) * VECTOR.max // 40 for n in (config.rows, config.cols))
    retried = 0
    for operation, predict, vectors in ((tile.forward_vector, prediction.forward_vector, x),
                                        (tile.backward_vector, prediction.backward_vector, d)):
        for vector in vectors:
            before, stood = tile.counters(), registers(tile)
            operation(vector)
            passes = 1 + tile.last_counters()["retries"]
            assert_predicted(tile, before, predict(config, stood, vector[None], [passes]))
            retried += passes > 1
    assert retried
    before, counts = tile.counters(), prediction.update_vector(config, registers(tile), x, d)
    tile.update_vector(x, d)
    assert_predicted(tile, before, counts)


def test_a_default_forward_takes_80_cycles():
    """80 ns at a slot of 1 ns, as in Gokmen and Vlasov 2016: settle, 63 slots, hold and 9 trials."""
    tile = Tile(TILES["default"])
    assert prediction.multiply_cycles(tile.config, registers(tile)) == 4 + 63 + 4 + 9 == 80


def test_an_empty_batch_costs_nothing():
    config = CONFIGS["tiny"]
    stood = registers(Tile(config))
    for counts in (prediction.forward(config, stood, np.zeros((0, config.rows), dtype=int)),
                   prediction.forward_vector(config, stood, np.zeros((0, config.rows), dtype=int), []),
                   prediction.update(config, stood, np.zeros((0, config.rows)), np.zeros((0, config.cols)), [])):
        assert not any(prediction.total(counts).values())
