# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from golden import accelerate, crossbar
from golden.config import Plane
from golden.noise import Stream
from golden.pulses import train
from tests.support import CONFIGS, PARAMETERS, device_planes, random_config, random_updates, wild_planes

pytestmark = pytest.mark.skipif(accelerate.update is None, reason="numba is not installed")

EVERY = CONFIGS | PARAMETERS


def assert_equal(config, planes, seed, event, row, col, bl):
    rows = train(config, seed, Stream.ROW_TRAIN, event, row, bl)
    cols = train(config, seed, Stream.COLUMN_TRAIN, event, col, bl)
    results = []
    for update in (crossbar.update, accelerate.update):
        copies = {plane: values.copy() for plane, values in planes.items()}
        coincidences = update(config, copies, seed, event, rows, cols, row < 0, col < 0)
        results.append((coincidences, {plane.name: values.tolist() for plane, values in copies.items()}))
    assert results[0] == results[1]
    return results[0][0]


@pytest.mark.parametrize("seed", range(200, 240))
def test_equals_numpy_over_any_configuration(seed):
    config = random_config(seed)
    planes = (device_planes, wild_planes)[seed % 2](config, seed)
    for event, (row, col, bl) in enumerate(zip(*random_updates(config, 4, seed), strict=True)):
        assert_equal(config, planes, seed, 2 ** 32 - 1 - event, row, col, bl)


@pytest.mark.parametrize("planes_of", [device_planes, wild_planes])
@pytest.mark.parametrize("name", EVERY)
def test_equals_numpy_over_the_presets(name, planes_of):
    config = EVERY[name]
    row, col, bl = (values[0] for values in random_updates(config, 1, 9))
    coincidences = assert_equal(config, planes_of(config, 9), 2 ** 32 - 1, 0, row, col, bl)
    assert coincidences == config.rows * config.cols * bl


def test_random_configurations_cover_every_way():
    configs = [random_config(seed) for seed in range(200, 240)]
    assert {type(config.device).__name__ for config in configs} == {
        "ConstantStep", "LinearStep", "SoftBounds", "PiecewiseStep"}
    assert {config.engine.sigma > 0 for config in configs} == {True, False}
    assert {config.weight_bits for config in configs} == set(range(8, 19))


def test_long_tile():
    """Column groups beyond one Threefry call, and rows beyond a byte."""
    config = CONFIGS["linear"].__class__(rows=300, cols=37, lanes=5, device=CONFIGS["linear"].device)
    row, col, _ = (values[1] for values in random_updates(config, 2, 4))
    planes = device_planes(config, 4)
    assert planes[Plane.WEIGHT].shape == (300, 37)
    assert assert_equal(config, planes, 5, 6, row, col, np.int64(9)) > 1000
