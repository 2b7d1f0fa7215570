# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import pytest

from golden import crossbar
from golden.config import Plane, TileConfig
from golden.device import ConstantStep
from golden.noise import Stream
from golden.pulses import train
from tests.golden import reference
from tests.support import CONFIGS, device_planes, random_codes, random_config, random_updates, wild_planes


@pytest.mark.parametrize("seed", range(12))
def test_charges_are_exact(seed):
    config = random_config(seed)
    weights = wild_planes(config, seed)[Plane.WEIGHT]
    codes = random_codes(config, 6, config.rows, seed)
    charges = crossbar.charges(codes, weights, config)
    assert charges.dtype == np.int64
    assert charges.tolist() == [reference.charge(vector, weights.tolist()) for vector in codes.tolist()]
    assert config.charge.holds(charges)


def test_charges_at_the_extremes_of_the_largest_tile():
    config = TileConfig(rows=1024, cols=2, lanes=1, code_bits=9)
    weights = np.tile([config.weight.min, config.weight.max], (1024, 1))
    codes = np.full((1, 1024), config.code.min)
    codes[0, 0] = 1
    expected = [(1 - 1023 * 255) * w for w in (-131072, 131071)]
    assert crossbar.charges(codes, weights, config).tolist() == [expected]


def apply(config, planes, seed, event, row_levels, col_levels, bl):
    """`crossbar.update` on a copy, in nested lists, with its coincidences."""
    planes = {plane: values.copy() for plane, values in planes.items()}
    rows = train(config, seed, Stream.ROW_TRAIN, event, row_levels, bl)
    cols = train(config, seed, Stream.COLUMN_TRAIN, event, col_levels, bl)
    coincidences = crossbar.update(config, planes, seed, event, rows, cols, row_levels < 0, col_levels < 0)
    return {plane.name: values.tolist() for plane, values in planes.items()}, coincidences


@pytest.mark.parametrize("planes_of", [device_planes, wild_planes])
@pytest.mark.parametrize("name", CONFIGS)
def test_update_equals_the_reference(name, planes_of):
    config = CONFIGS[name]
    planes = planes_of(config, 3)
    for event, (row, col, bl) in enumerate(zip(*random_updates(config, 3, 3), strict=True)):
        slow = {plane.name: values.tolist() for plane, values in planes.items()}
        *_, expected = reference.update(config, slow, 17, event, row.tolist(), col.tolist(), int(bl))
        fast, coincidences = apply(config, planes, 17, event, row, col, bl)
        assert fast == slow
        assert coincidences == expected
        planes = {plane: np.array(fast[plane.name]) for plane in planes}


@pytest.mark.parametrize("seed", range(100, 116))
def test_update_of_any_configuration_equals_the_reference(seed):
    config = random_config(seed)
    planes = (device_planes, wild_planes)[seed % 2](config, seed)
    row, col, bl = (values[1] for values in random_updates(config, 2, seed))
    slow = {plane.name: values.tolist() for plane, values in planes.items()}
    *_, expected = reference.update(config, slow, seed, 2 ** 32 - 1, row.tolist(), col.tolist(), int(bl))
    assert apply(config, planes, seed, 2 ** 32 - 1, row, col, bl) == (slow, expected)


@pytest.mark.parametrize(("row_sign", "col_sign", "direction"),
                         [(1, 1, -1), (1, -1, 1), (-1, 1, 1), (-1, -1, -1)])
def test_like_signs_lower_the_weight(row_sign, col_sign, direction):
    config = TileConfig(rows=2, cols=2, lanes=1, device=ConstantStep(dw_min_std=0.0))
    planes = device_planes(config, 1)
    planes[Plane.WEIGHT][:] = 0
    row, col = np.array([row_sign << 16, 0]), np.array([0, col_sign << 16])
    after, coincidences = apply(config, planes, 1, 0, row, col, 3)
    moved = np.sign(after["WEIGHT"]).tolist()
    assert moved == [[0, direction], [0, 0]]
    assert coincidences == 3


def test_silent_lines_change_nothing():
    config = CONFIGS["tiny"]
    planes = device_planes(config, 1)
    row, col = np.zeros(config.rows, dtype=int), np.full(config.cols, 65536)
    after, coincidences = apply(config, planes, 1, 0, row, col, 63)
    assert coincidences == 0
    assert after["WEIGHT"] == planes[Plane.WEIGHT].tolist()


@pytest.mark.parametrize(("name", "moving"), [("linear", ["WEIGHT"]), ("writenoise", ["WEIGHT", "HIDDEN"])])
def test_only_weights_change(name, moving):
    config = CONFIGS[name]
    planes = device_planes(config, 1)
    row, col, bl = (values[0] for values in random_updates(config, 1, 1))
    after, _ = apply(config, planes, 1, 0, row, col, bl)
    changed = [plane.name for plane in planes if after[plane.name] != planes[plane].tolist()]
    assert changed == moving


def test_write_noise_is_drawn_anew_with_every_pulse_and_leaves_no_trace():
    """The hidden weights go where those of a device without write noise go."""
    config = CONFIGS["writenoise"]
    plain = replace(config, device=replace(config.device, write_noise_std=0.0))
    planes = device_planes(config, 2)
    planes[Plane.WEIGHT] = planes[Plane.HIDDEN].copy()
    row, col, _ = (values[0] for values in random_updates(config, 1, 2))
    row[0] = 0
    once, again = (apply(config, planes, 2, 0, row, col, bl)[0] for bl in (1, 2))
    expected = apply(plain, {plane: planes[plane] for plane in plain.planes}, 2, 0, row, col, 2)[0]
    assert again["HIDDEN"] == expected["WEIGHT"]
    drawn = [np.array(after["WEIGHT"]) - after["HIDDEN"] for after in (once, again)]
    assert (drawn[0][1:] != drawn[1][1:]).all()
    assert (drawn[1][1:] != 0).all()
    assert not drawn[1][0].any()
