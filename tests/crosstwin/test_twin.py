# SPDX-License-Identifier: Apache-2.0
"""The object that users hold: real numbers in and out, and errors of one clear sentence."""
from dataclasses import replace

import numpy as np
import pytest

from crosstwin import TILES, Management, Twin
from crosstwin.driver import LinkedTile
from crosstwin.links import ControllerLink
from golden.adc import AdcConfig
from golden.device import ConstantStep
from golden.management import NoiseManagement, UpdateManagement
from golden.tile import Tile

CONFIG = TILES["tiny"]
QUIET = replace(CONFIG, adc=AdcConfig(bits=14, bound=8.0, noise=0.0), code_bits=9,
                device=ConstantStep(dw_min=0.002, dw_min_dtod=0.0, dw_min_std=0.0, up_down_dtod=0.0, w_max=1.5,
                                    w_min=-1.5, w_max_dtod=0.0, w_min_dtod=0.0))


def random(*shape, seed: int = 0, spread: float = 0.4) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-spread, spread, shape)


def test_products_are_near_the_real_ones_without_noise():
    weights, x, d = random(5, 6), random(20, 5, seed=1), random(20, 6, seed=2)
    with Twin(Tile(QUIET)) as twin:
        twin.load(weights)
        np.testing.assert_allclose(twin.read(), weights, atol=2.0 ** -17)
        np.testing.assert_allclose(twin.forward(x), x @ weights, atol=0.004)
        np.testing.assert_allclose(twin.backward(d), d @ weights.T, atol=0.004)
        assert twin.forward(x[0]).shape == (6,)
        assert twin.forward(x[:0]).shape == (0, 6)


def test_an_update_descends_by_the_outer_product_in_the_mean():
    x, d = np.array([1, 0.5, -0.5, 0, 1]), np.array([0.5, -1, 0, 0.25, 1, -0.5])
    with Twin(Tile(QUIET), management=Management(bl=63)) as twin:
        twin.load(np.zeros((5, 6)))
        twin.update(np.tile(x, (200, 1)), np.tile(d, (200, 1)), 0.004)
        np.testing.assert_allclose(twin.read(), -200 * 0.004 * np.outer(x, d), atol=0.1)
        assert twin.counters()["updates"] == 200


def test_an_update_of_nothing_plays_no_slot():
    twin = Twin(Tile(CONFIG))
    for x, d, rate in ((np.zeros(5), np.ones(6), 0.1), (np.ones(5), np.zeros(6), 0.1), (np.ones(5), np.ones(6), 0)):
        twin.update(x, d, rate)
    counters = twin.counters()
    assert (counters["updates"], counters["slots"], counters["chip_cycles"]) == (3, 0, 0)


def test_a_batch_gives_the_bits_of_its_vectors_one_at_a_time():
    config = replace(CONFIG, adc=replace(CONFIG.adc, bound=0.3))
    together, apart = Twin(Tile(config), 4), Twin(Tile(config), 4)
    x, d = random(9, 5), random(9, 6)
    for twin in (together, apart):
        twin.load(random(5, 6))
    np.testing.assert_array_equal(together.forward(x), [apart.forward(one) for one in x])
    np.testing.assert_array_equal(together.backward(d), [apart.backward(one) for one in d])
    together.update(x, d, 0.01)
    for one_x, one_d in zip(x, d, strict=True):
        apart.update(one_x, one_d, 0.01)
    np.testing.assert_array_equal(together.read(), apart.read())
    assert together.counters() == apart.counters()
    assert together.counters()["retries"] > 0


def test_management_and_learning_rate_are_the_tiles_registers():
    management = Management(nm=NoiseManagement.ABS_MAX_POW2, bm_passes=2, bm_backward=True,
                            um=UpdateManagement.UM, bl=7)
    tile = Tile(CONFIG)
    twin = Twin(tile, 4, management)
    assert [tile.get(name) for name in ("nm", "bm_passes", "bm_backward", "um", "bl")] == [2, 2, 1, 1, 7]
    twin.update(np.ones(5), np.ones(6), 0.01)
    assert tile.get("ratio") == round(0.01 / CONFIG.device.dw_min * 65536)
    assert twin.counters()["slots"] == 7


def test_the_learning_rate_is_written_when_it_differs(tmp_path):
    tile = Tile(CONFIG)
    twin, written = Twin(tile, 4), []
    tile.set, keep = lambda name, value: written.append((name, value)) or keep(name, value), tile.set
    twin.save(tmp_path / "state")
    for rate in (0.01, 0.01, 0.02):
        twin.update(np.ones(5), np.ones(6), rate)
    assert [name for name, _ in written] == ["ratio"] * 2
    twin.restore(tmp_path / "state")
    written.clear()
    twin.update(np.ones(5), np.ones(6), 0.02)
    assert [name for name, _ in written] == ["ratio"]


def test_weights_beyond_a_devices_bounds_are_clipped_to_them():
    twin = Twin(Tile(CONFIG), seed=3)
    bounds = CONFIG.engine.populate(5, 6, 3, CONFIG.rounds)
    for value, name in ((1.99, "w_max"), (-1.99, "w_min")):
        twin.load(np.full((5, 6), value))
        np.testing.assert_array_equal(twin.read(), np.clip(CONFIG.weight.real(bounds[name]), -1.99, 1.99)
                                      if name == "w_min" else CONFIG.weight.real(bounds[name]))


@pytest.mark.parametrize(("bits", "lsb"), [(9, 2.0 ** -7), (0, 2.0 ** -16)])
def test_bounds_of_narrow_and_of_constant_parameters(bits, lsb, tmp_path):
    """Still those of the devices, before and after a checkpoint."""
    device = replace(CONFIG.device, w_max=0.71) if bits else replace(CONFIG.device, w_max=0.71).alike()
    twin = Twin(Tile(replace(CONFIG, device=device, parameter_bits=bits)), seed=3)
    exact = replace(CONFIG, device=device).engine.populate(5, 6, 3, CONFIG.rounds)["w_max"] / 2 ** 16
    for _ in range(2):
        twin.load(np.full((5, 6), 1.99))
        np.testing.assert_allclose(twin.read(), exact, atol=lsb / 2)
        twin.save(tmp_path / "state")
        twin.restore(tmp_path / "state")


def test_it_is_the_same_behind_a_link():
    twins = Twin(Tile(CONFIG), 4), Twin(LinkedTile(CONFIG, ControllerLink(CONFIG)), 4)
    results = []
    for twin in twins:
        twin.load(random(5, 6))
        results.append([twin.forward(random(7, 5, spread=3)), twin.backward(random(7, 6)),
                        twin.update(random(7, 5), random(7, 6), 0.01), twin.read()])
    for golden, linked in zip(*results, strict=True):
        np.testing.assert_array_equal(golden, linked)
    assert twins[0].counters() == twins[1].counters()
    assert twins[0].chip_time_s == twins[0].counters()["chip_cycles"] / 1e9


@pytest.mark.parametrize(("call", "sentence"), [
    (lambda t: t.load(np.zeros((6, 5))), r"Weights must have shape \(5, 6\), not \(6, 5\)"),
    (lambda t: t.load(np.full((5, 6), 2.0)), "Weights must be above -2 and below 2, not 2"),
    (lambda t: t.load(np.full((5, 6), -2.5)), "Weights must be above -2 and below 2, not -2.5"),
    (lambda t: t.load(np.full((5, 6), np.nan)), "Weights must be finite numbers, not nan"),
    (lambda t: t.forward(np.zeros(6)), r"x must have shape \(5,\) or \(batch, 5\), not \(6,\)"),
    (lambda t: t.forward([np.inf] * 5), "x must be finite numbers, not inf"),
    (lambda t: t.backward(np.zeros((1, 2, 6))), "d must have shape"),
    (lambda t: t.backward([np.nan] * 6), "d must be finite numbers, not nan"),
    (lambda t: t.update(np.zeros((2, 5)), np.zeros((3, 6)), 0.1), "Batch sizes of x and d must agree, not be 2 and 3"),
    (lambda t: t.update(np.zeros(5), np.zeros(6), -0.1), "Learning rate must be a finite number of at least 0"),
    (lambda t: t.update(np.zeros(5), np.zeros(6), np.nan), "Learning rate must be a finite number of at least 0"),
])
def test_bad_values_are_refused_and_change_nothing(call, sentence):
    twin = Twin(Tile(CONFIG))
    twin.load(random(5, 6))
    before = twin.read(), twin.counters()
    with pytest.raises(ValueError, match=sentence):
        call(twin)
    np.testing.assert_array_equal(twin.read(), before[0])
    assert twin.counters() == before[1]


def test_words_are_no_numbers():
    with pytest.raises(TypeError, match="x must be an array of real numbers, not list"):
        Twin(Tile(CONFIG)).forward(["a"] * 5)


def test_a_seed_has_32_bits():
    with pytest.raises(ValueError, match=r"Register seed must be in 0\.\.4294967295"):
        Twin(Tile(CONFIG), seed=-1)


def test_a_real_array_is_used_but_not_loaded():
    config = replace(TILES["tiny"], pins=True)
    with Twin(LinkedTile(config, ControllerLink(config))) as twin:
        assert np.abs(twin.forward(np.ones(config.rows))).max() < 1
        with pytest.raises(ValueError, match="Planes must belong to an emulated array"):
            twin.load(np.zeros((config.rows, config.cols)))


def test_a_twin_without_managed_vectors_opens_and_says_what_it_cannot_do():
    with Twin(Tile(replace(TILES["tiny"], engines=()))) as twin:
        twin.load(np.full((5, 6), 0.5))
        with pytest.raises(ValueError, match="Command must be one that the tile has, not FORWARD_VECTOR"):
            twin.forward(np.zeros(5))
        with pytest.raises(ValueError, match="Command must be one that the tile has, not CALIBRATE"):
            twin.calibrate()
