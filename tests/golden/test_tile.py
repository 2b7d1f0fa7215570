# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import pytest

from golden import accelerate, compiled
from golden.adc import AdcConfig
from golden.config import MAX_LEVEL, Plane, TileConfig
from golden.device import ConstantStep
from golden.management import NoiseManagement, UpdateManagement, learning_ratio, update_levels
from golden.pulses import Encoding, Train, encoded_pulses, encoded_slots
from golden.tile import Tile
from tests.golden import reference
from tests.support import (
    CONFIGS,
    PARAMETERS,
    loaded_tile,
    managed_vectors,
    random_codes,
    random_config,
    random_updates,
    state,
)

EVERY = CONFIGS | PARAMETERS


def reference_planes(tile: Tile) -> dict[str, list]:
    return {plane.name: values.tolist() for plane, values in (tile.planes | tile.config.constants).items()}


@pytest.fixture(params=["numba", "numpy"])
def either(request, monkeypatch):
    """Both ways of an update."""
    if request.param == "numpy":
        monkeypatch.setattr(accelerate, "update", None)
        monkeypatch.setattr(compiled, "lines", None)
    elif accelerate.update is None:
        pytest.skip("numba is not installed")


def assert_operations_equal_the_reference(config: TileConfig, seed: int):
    tile = loaded_tile(config, seed)
    planes, first = reference_planes(tile), 2 ** 32 - 3
    tile.set("event", first)
    events = [(first + n) % 2 ** 32 for n in range(9)]

    xs, ds = random_codes(config, 3, config.rows, seed), random_codes(config, 3, config.cols, seed)
    transposed = [list(row) for row in zip(*planes["WEIGHT"], strict=True)]
    forwards = [reference.convert(config, reference.charge(x, planes["WEIGHT"]), planes, seed, event)
                for x, event in zip(xs.tolist(), events[:3], strict=True)]
    backwards = [reference.convert(config, reference.charge(d, transposed), planes, seed, event)
                 for d, event in zip(ds.tolist(), events[3:6], strict=True)]
    assert tile.forward(xs).tolist() == forwards
    assert tile.backward(ds).tolist() == backwards

    rows, cols, bls = random_updates(config, 3, seed)
    counts = [reference.update(config, planes, seed, event, *levels) for event, levels in
              zip(events[6:], zip(rows.tolist(), cols.tolist(), bls.tolist(), strict=True), strict=True)]
    tile.update(rows, cols, bls)
    assert reference_planes(tile) == planes

    outputs = [code for vector in forwards + backwards for code in vector]
    row_pulses, col_pulses, coincidences = (sum(count) for count in zip(*counts, strict=True))
    window = 4 + config.code.max * 1 + 4 + config.adc.bits * 1
    assert tile.counters() == {
        "forwards": 3, "backwards": 3, "updates": 3, "programs": 0, "coincidences": coincidences,
        "slots": 6 * config.code.max + int(bls.sum()), "program_pulses": 0, "half_selects": 0, "retries": 0,
        "row_pulses": int(np.abs(xs).sum()) + row_pulses, "col_pulses": int(np.abs(ds).sum()) + col_pulses,
        "update_row_pulses": row_pulses, "update_col_pulses": col_pulses,
        "conversions": 3 * (config.rows + config.cols),
        "saturations": sum(abs(code) == config.adc.code.max for code in outputs),
        "chip_cycles": 6 * window + 3 * 4 + int(bls.sum()), "emulation_cycles": 0}
    assert tile.get("event") == (first + 9) % 2 ** 32


@pytest.mark.parametrize("name", EVERY)
def test_operations_equal_the_reference(name, either):
    assert_operations_equal_the_reference(EVERY[name], 21)


@pytest.mark.parametrize("seed", range(300, 312))
def test_operations_of_any_configuration_equal_the_reference(seed):
    assert_operations_equal_the_reference(random_config(seed), seed)


@pytest.mark.parametrize("name", CONFIGS)
def test_batch_equals_one_at_a_time(name):
    config = CONFIGS[name]
    together, apart = loaded_tile(config, 2), loaded_tile(config, 2)
    xs, ds = random_codes(config, 5, config.rows, 2), random_codes(config, 5, config.cols, 3)
    rows, cols, bls = random_updates(config, 5, 4)
    together.update(rows, cols, bls)
    for row, col, bl in zip(rows, cols, bls, strict=True):
        apart.update(row, col, bl)
    assert together.forward(xs).tolist() == [apart.forward(x)[0].tolist() for x in xs]
    assert together.backward(ds).tolist() == [apart.backward(d)[0].tolist() for d in ds]
    assert state(together) == state(apart)


def test_empty_batch_does_nothing(either):
    config = CONFIGS["tiny"]
    tile = loaded_tile(config, 1)
    no_rows, no_cols, no_bl = (np.zeros(shape, dtype=int)
                               for shape in ((0, config.rows), (0, config.cols), 0))
    before = state(tile)
    assert tile.forward(no_rows).shape == (0, config.cols)
    assert tile.backward(no_cols).shape == (0, config.rows)
    tile.update(no_rows, no_cols, no_bl)
    assert state(tile) == before


@pytest.mark.parametrize("event", [0, 12345, 2 ** 32 - 1])
def test_one_operation_replays_from_seed_and_event(event):
    config = CONFIGS["tiny"]
    x = random_codes(config, 4, config.rows, 5)[3]
    row, col, bl = (values[0] for values in random_updates(config, 2, 5))
    original = loaded_tile(config, 5)
    original.forward(random_codes(config, 7, config.rows, 6))
    original.set("event", event)
    weights = original.planes[Plane.WEIGHT].copy()
    output = original.forward(x)
    original.update(row, col, bl)

    replay = loaded_tile(config, 5)
    replay.planes[Plane.WEIGHT][:] = weights
    replay.set("event", event)
    assert (replay.forward(x) == output).all()
    replay.set("event", (event + 1) % 2 ** 32)
    replay.update(row, col, bl)
    assert reference_planes(replay) == reference_planes(original)


def test_event_wraps_within_a_batch_of_each_operation(either):
    config = CONFIGS["tiny"]
    operations = {"forward": (random_codes(config, 4, config.rows, 1),),
                  "backward": (random_codes(config, 4, config.cols, 1),),
                  "update": random_updates(config, 4, 1)}
    for name, arguments in operations.items():
        wrapping, apart = loaded_tile(config, 1), loaded_tile(config, 1)
        wrapping.set("event", 2 ** 32 - 2)
        together = getattr(wrapping, name)(*arguments)
        one_by_one = []
        for event, *vector in zip((2 ** 32 - 2, 2 ** 32 - 1, 0, 1), *arguments, strict=True):
            apart.set("event", event)
            one_by_one.append(getattr(apart, name)(*vector))
        assert together is None or (together == np.concatenate(one_by_one)).all()
        assert state(wrapping) == state(apart)
        assert wrapping.get("event") == 2


@pytest.mark.parametrize("register", ["seed", "event"])
def test_seed_and_event_change_the_noise(register):
    config = CONFIGS["table"]
    x = random_codes(config, 4, config.rows, 1)[3]
    tile, other = loaded_tile(config, 1), loaded_tile(config, 1)
    other.set(register, tile.get(register) + 1)
    assert (tile.forward(x) != other.forward(x)).any()


def test_backward_is_forward_of_the_transposed():
    config = TileConfig(rows=6, cols=6, lanes=2, adc=AdcConfig(bound=2.0, noise=0.0))
    tile, transposed = loaded_tile(config, 1), loaded_tile(config, 1)
    transposed.planes[Plane.WEIGHT] = tile.planes[Plane.WEIGHT].T.copy()
    codes = random_codes(config, 10, 6, 1)
    assert (tile.backward(codes) == transposed.forward(codes)).all()


def test_lanes_do_not_matter():
    tiles = [loaded_tile(replace(CONFIGS["tiny"], lanes=lanes), 1) for lanes in (1, 3, 6)]
    for tile in tiles:
        tile.update(*random_updates(tile.config, 4, 1))
        tile.forward(random_codes(tile.config, 4, tile.config.rows, 1))
    assert len({str(reference_planes(tile)) + str(tile.counters()) for tile in tiles}) == 1


def test_without_noise_the_output_is_the_product():
    config = TileConfig(rows=8, cols=8, lanes=4, adc=AdcConfig(bits=14, bound=8.0, noise=0.0))
    tile = loaded_tile(config, 4)
    codes = random_codes(config, 20, 8, 4)
    exact = codes / config.code.max @ config.weight.real(tile.planes[Plane.WEIGHT])
    assert np.abs(tile.forward(codes) * config.adc.lsb - exact).max() < 0.75 * config.adc.lsb


@pytest.mark.parametrize("x_sign", [1, -1])
@pytest.mark.parametrize("um", UpdateManagement)
def test_expected_update_is_the_negative_gradient(um, x_sign):
    """E[dw] = -learning rate * x * d, over 4,000 updates of a device without spread."""
    n, learning_rate = 4000, 2e-4
    device = ConstantStep(dw_min=0.0001, dw_min_dtod=0, dw_min_std=0.3, up_down_dtod=0, w_max=1.9, w_min=-1.9,
                          w_max_dtod=0, w_min_dtod=0)
    config = TileConfig(rows=5, cols=6, lanes=2, device=device)
    tile = loaded_tile(config, 1)
    tile.planes[Plane.WEIGHT][:] = 0
    x = x_sign * np.array([65536, -32768, 16384, 0, 4096])
    d = np.array([65536, -65536, 9830, -26214, 0, 1])
    ratio = learning_ratio(learning_rate, device.dw_min)
    tile.set("ratio", ratio)
    tile.set("um", um)
    bl = tile.update_vector(np.tile(x, (n, 1)), np.tile(d, (n, 1)))
    assert set(bl.tolist()) == {2 if um is UpdateManagement.UBLM else 31}
    (rows,), (cols,), (bl,) = update_levels(x[None], d[None], ratio, um, 31)
    step = config.engine.populate(1, 1, 1, 13)["step_up"][0, 0] / 2.0 ** (config.engine.step_frac + 16)
    mean = tile.planes[Plane.WEIGHT] / 2 ** 16 / n
    expected = -learning_rate * step / device.dw_min * np.outer(x, d) / 2 ** 32
    p = np.abs(np.outer(rows, cols)) / 2 ** 32
    deviation = step * np.sqrt(bl * p * (1 - p + 0.3 ** 2) / n)
    assert (np.abs(mean - expected) <= 5 * deviation + step * bl * 2.0 ** -15).all()


SETTINGS = [{"nm": 0, "bm_passes": 5}, {"nm": 1, "bm_passes": 1}, {"nm": 1, "bm_passes": 8, "bm_backward": 1},
            {"nm": 2, "bm_passes": 3, "bm_backward": 1}]


def assert_managed_equal_the_reference(config: TileConfig, seed: int, settings: dict[str, int]) -> tuple[int, int]:
    """And the retries and saturations there were."""
    tile = loaded_tile(config, seed)
    planes, first = reference_planes(tile), 2 ** 32 - 9
    for name, value in {"event": first, **settings}.items():
        tile.set(name, value)
    xs, ds = managed_vectors(12, config.rows, seed), managed_vectors(12, config.cols, seed + 1)
    passes = settings["bm_passes"]
    forwards = [reference.managed(config, x, planes, seed, (first + n) % 2 ** 32, settings["nm"], passes)
                for n, x in enumerate(xs.tolist())]
    backwards = [reference.managed(config, d, planes, seed, (first + 12 + n) % 2 ** 32, settings["nm"],
                                   passes if settings.get("bm_backward") else 1, True)
                 for n, d in enumerate(ds.tolist())]
    assert tile.forward_vector(xs).tolist() == [values for values, _, _ in forwards]
    assert tile.backward_vector(ds).tolist() == [values for values, _, _ in backwards]
    n_passes = [len(asked) for _, asked, _ in forwards], [len(asked) for _, asked, _ in backwards]
    pulses = [sum(abs(code) for _, asked, _ in each for codes in asked for code in codes)
              for each in (forwards, backwards)]
    retries = sum(map(sum, n_passes)) - 24
    saturations = sum(saturated for _, _, saturated in forwards + backwards)
    window = 4 + config.code.max + 4 + config.adc.bits
    assert tile.counters() == {
        "forwards": 12, "backwards": 12, "updates": 0, "programs": 0, "coincidences": 0,
        "slots": (24 + retries) * config.code.max, "program_pulses": 0, "half_selects": 0, "retries": retries,
        "row_pulses": pulses[0], "col_pulses": pulses[1],
        "conversions": sum(n_passes[0]) * config.cols + sum(n_passes[1]) * config.rows,
        "saturations": saturations, "chip_cycles": (24 + retries) * window, "emulation_cycles": 0,
            "update_row_pulses": 0, "update_col_pulses": 0}
    assert tile.get("operation_retries") == n_passes[1][-1] - 1
    assert tile.get("event") == (first + 24) % 2 ** 32
    return retries, saturations


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("name", CONFIGS)
def test_managed_operations_equal_the_reference(name, settings):
    assert_managed_equal_the_reference(CONFIGS[name], 21, settings)


@pytest.mark.parametrize("bound", [0.02, 0.1, 0.5])
def test_bound_management_repeats_what_saturates(bound):
    config = replace(CONFIGS["tiny"], adc=AdcConfig(bound=bound, noise=0.3))
    unbound = assert_managed_equal_the_reference(config, 5, SETTINGS[1])
    retries, saturations = assert_managed_equal_the_reference(config, 5, SETTINGS[2])
    assert unbound[0] == 0
    assert retries >= 10
    assert saturations > unbound[1] > 0


@pytest.mark.parametrize("um", UpdateManagement)
@pytest.mark.parametrize("name", CONFIGS)
def test_managed_updates_equal_the_reference(name, um, either):
    config = CONFIGS[name]
    tile = loaded_tile(config, 4)
    planes, first, ratio = reference_planes(tile), 2 ** 32 - 3, 3_000_000
    for register, value in {"event": first, "ratio": ratio, "um": um, "bl": 23, "t_settle": 9}.items():
        tile.set(register, value)
    xs, ds = managed_vectors(10, config.rows, 1), managed_vectors(10, config.cols, 2)[::-1].copy()
    ds[2] = 1  # so that there are updates with one of both at the rails
    counts, slots = np.zeros(3, dtype=int), []
    for n, (x, d) in enumerate(zip(xs.tolist(), ds.tolist(), strict=True)):
        levels = reference.update_levels(x, d, ratio, um, 23)
        slots.append(levels[2])
        counts += reference.update(config, planes, 4, (first + n) % 2 ** 32, *levels)
    assert tile.update_vector(xs, ds).tolist() == slots
    assert 0 in slots
    assert reference_planes(tile) == planes
    counters = tile.counters()
    assert [counters[name] for name in ("row_pulses", "col_pulses", "coincidences")] == counts.tolist()
    assert counters["slots"] == sum(slots)
    assert counters["chip_cycles"] == sum(9 + n for n in slots if n)
    assert (counters["updates"], tile.get("event")) == (10, (first + 10) % 2 ** 32)


@pytest.mark.parametrize("name", CONFIGS)
def test_managed_batch_equals_one_at_a_time(name):
    config = replace(CONFIGS[name], adc=replace(CONFIGS[name].adc, bound=0.5 if name != "narrow" else 1.0))
    together, apart = loaded_tile(config, 2), loaded_tile(config, 2)
    for tile in (together, apart):
        tile.set("ratio", 1 << 20)
    xs, ds = managed_vectors(9, config.rows, 2), managed_vectors(9, config.cols, 3)
    assert together.update_vector(xs, ds).tolist() == [int(apart.update_vector(x, d)[0])
                                                       for x, d in zip(xs, ds, strict=True)]
    assert together.forward_vector(xs).tolist() == [apart.forward_vector(x)[0].tolist() for x in xs]
    assert together.backward_vector(ds).tolist() == [apart.backward_vector(d)[0].tolist() for d in ds]
    assert state(together) == state(apart)


@pytest.mark.parametrize("nm", NoiseManagement)
def test_a_managed_forward_measures_the_product(nm):
    """Without noise, to the resolution of DAC and ADC."""
    config = TileConfig(rows=20, cols=12, lanes=4, code_bits=9, adc=AdcConfig(bits=14, bound=4.0, noise=0.0))
    tile = loaded_tile(config, 3)
    tile.set("nm", nm)
    weights = tile.planes[Plane.WEIGHT] / 2 ** 16
    x = np.random.default_rng(3).uniform(-1, 1, (30, 20)) * np.logspace(-1, 0, 30)[:, None]
    y = tile.forward_vector(np.rint(x * 65536).astype(int)) / 65536
    scale = {NoiseManagement.NONE: 1, NoiseManagement.ABS_MAX: np.abs(x).max(axis=1, keepdims=True),
             NoiseManagement.ABS_MAX_POW2: 2 * np.abs(x).max(axis=1, keepdims=True)}[nm]
    passes = 1 + tile.counters()["retries"] / 30
    assert passes < 2
    error = scale * 2 * (np.abs(weights).sum(axis=0) / 2 / 255 + 4 / 8191)
    assert (np.abs(y - x @ weights) <= error).all()


def test_managed_updates_know_no_words():
    xs, ds = managed_vectors(20, 5, 1)[8:], managed_vectors(20, 6, 2)[8:]
    tiles = [loaded_tile(CONFIGS["tiny"], 4) for _ in range(4)]
    for kind, tile in enumerate(tiles):
        tile.set("ratio", 3_000_000)
        tile.set("train", kind)
        tile.update_vector(xs, ds)
    stochastic, mean_count, _, words = (reference_planes(tile) for tile in tiles)
    assert words == stochastic != mean_count


def test_empty_managed_batch_does_nothing(either):
    config = CONFIGS["tiny"]
    tile = loaded_tile(config, 1)
    no_rows, no_cols = np.zeros((0, config.rows), dtype=int), np.zeros((0, config.cols), dtype=int)
    before = state(tile)
    assert tile.forward_vector(no_rows).shape == (0, config.cols)
    assert tile.backward_vector(no_cols).shape == (0, config.rows)
    assert tile.update_vector(no_rows, no_cols).shape == (0,)
    assert state(tile) == before


@pytest.mark.parametrize(("method", "arguments", "message"), [
    ("forward_vector", [[0] * 6], r"Vectors must have shape \(5,\) or \(batch, 5\), not \(6,\)"),
    ("forward_vector", [[1 << 23] + [0] * 4], "Vectors must be in -8388608..8388607, not 8388608"),
    ("backward_vector", [[-(1 << 23) - 1] + [0] * 5], "Vectors must be in -8388608..8388607, not -8388609"),
    ("update_vector", [[0] * 5, [0] * 5], r"d must have shape \(6,\) or \(batch, 6\), not \(5,\)"),
    ("update_vector", [[[0] * 5] * 2, [0] * 6], "Batch sizes of x and d must agree, not be 2 and 1")])
def test_bad_vectors(method, arguments, message):
    tile = loaded_tile(CONFIGS["tiny"], 1)
    before = state(tile)
    with pytest.raises(ValueError, match=f"^{message}$"):
        getattr(tile, method)(*map(np.array, arguments))
    assert state(tile) == before


def test_new_tile_does_not_move():
    tile = Tile(CONFIGS["tiny"])
    tile.update(*random_updates(tile.config, 5, 1))
    assert not tile.planes[Plane.WEIGHT].any()
    assert tile.counters()["coincidences"] > 0


def test_reset_keeps_planes_only():
    tile = loaded_tile(CONFIGS["tiny"], 3)
    tile.set("t_slot", 9)
    tile.update(*random_updates(tile.config, 2, 1))
    planes = reference_planes(tile)
    tile.reset()
    assert reference_planes(tile) == planes
    assert not any(tile.counters().values())
    assert [tile.get(name) for name in ("seed", "event", "t_slot", "t_settle", "t_hold", "t_convert")] == [
        0, 0, 1, 4, 4, 1]


def test_chip_time_follows_the_registers():
    tile = loaded_tile(CONFIGS["tiny"], 3)
    for name, value in (("t_slot", 3), ("t_settle", 11), ("t_hold", 7), ("t_convert", 5)):
        tile.set(name, value)
    tile.forward(np.zeros((2, 5), dtype=int))
    assert tile.counters()["chip_cycles"] == 2 * (11 + 63 * 3 + 7 + 9 * 5)
    tile.update(np.zeros(5, dtype=int), np.zeros(6, dtype=int), 31)
    assert tile.counters()["chip_cycles"] == 2 * (11 + 63 * 3 + 7 + 9 * 5) + 11 + 31 * 3


def test_counters_read_as_two_words():
    tile = Tile(CONFIGS["tiny"])
    tile.ledger.total["coincidences"] = 0x1_2345_6789_ABCD
    assert (tile.get("coincidences_high"), tile.get("coincidences_low")) == (0x12345, 0x6789ABCD)


def test_planes_are_their_rows():
    tile, other = loaded_tile(CONFIGS["softbounds"], 1), Tile(CONFIGS["softbounds"])
    for plane, shape in tile.config.planes.items():
        whole = tile.read_plane(plane)
        assert whole.tolist() == [tile.read(plane, row).tolist() for row in range(shape.rows)]
        other.write_plane(plane, whole)
        whole[:] = 0
    assert reference_planes(other) == reference_planes(tile)


def test_read_and_write_copy():
    tile = loaded_tile(CONFIGS["tiny"], 1)
    row = tile.read(Plane.WEIGHT, 2)
    row[:] = 1
    tile.write(Plane.WEIGHT, 3, row)
    row[:] = 2
    assert tile.read(Plane.WEIGHT, 3).tolist() == [1] * 6
    assert tile.read(Plane.WEIGHT, 2).tolist() != [2] * 6


@pytest.mark.parametrize(("name", "value"),
                         [("seed", 2 ** 32 - 1), ("event", 7), ("t_slot", 255), ("t_hold", 1)])
def test_set_and_get(name, value):
    tile = Tile(CONFIGS["tiny"])
    tile.set(name, value)
    assert tile.get(name) == value


ZERO_ROW, ZERO_COL = np.zeros(5, dtype=int), np.zeros(6, dtype=int)


@pytest.mark.parametrize(("operation", "error", "message"), [
    (lambda t: t.forward(np.zeros(6, int)), ValueError,
     r"Codes must have shape \(5,\) or \(batch, 5\), not \(6,\)"),
    (lambda t: t.forward(np.zeros((1, 1, 5), int)), ValueError, "Codes must have shape .*"),
    (lambda t: t.forward(3), ValueError, "Codes must have shape .*"),
    (lambda t: t.forward(np.full(5, 64)), ValueError, r"Codes must be in -63\.\.63, not 64"),
    (lambda t: t.forward(np.full((2, 5), -64)), ValueError, r"Codes must be in -63\.\.63, not -64"),
    (lambda t: t.forward([0.5] * 5), TypeError, "Codes must be integers, not float64"),
    (lambda t: t.forward([float("nan")] * 5), TypeError, "Codes must be integers, not float64"),
    (lambda t: t.backward(np.zeros(5, int)), ValueError,
     r"Codes must have shape \(6,\) or \(batch, 6\), not \(5,\)"),
    (lambda t: t.backward(np.full(6, 99)), ValueError, r"Codes must be in -63\.\.63, not 99"),
    (lambda t: t.update(ZERO_COL, ZERO_COL, 1), ValueError,
     r"Levels must have shape \(5,\) or .*, not \(6,\)"),
    (lambda t: t.update(ZERO_ROW, ZERO_ROW, 1), ValueError,
     r"Levels must have shape \(6,\) or .*, not \(5,\)"),
    (lambda t: t.update(ZERO_ROW + MAX_LEVEL + 1, ZERO_COL, 1), ValueError,
     r"Levels must be in .*65536, not 65537"),
    (lambda t: t.update(ZERO_ROW, ZERO_COL - MAX_LEVEL - 1, 1), ValueError,
     r"Levels must be in .*65536, not -65537"),
    (lambda t: t.update(ZERO_ROW, ZERO_COL * 1.0, 1), TypeError, "Levels must be integers, not float64"),
    (lambda t: t.update(ZERO_ROW, ZERO_COL, 0), ValueError, r"BL must be in 1\.\.63, not 0"),
    (lambda t: t.update(ZERO_ROW, ZERO_COL, 64), ValueError, r"BL must be in .*63, not 64"),
    (lambda t: t.update(ZERO_ROW, ZERO_COL, 1.0), TypeError, "BL must be integers, not float64"),
    (lambda t: t.update(np.zeros((2, 5), int), ZERO_COL, 1), ValueError,
     "Batch sizes of rows, columns and BL must agree, not be 2, 1 and 1"),
    (lambda t: t.write(Plane.WEIGHT, 0, ZERO_ROW), ValueError,
     r"A row of plane WEIGHT must have shape \(6,\), not \(5,\)"),
    (lambda t: t.write(Plane.WEIGHT, 5, ZERO_COL), ValueError,
     r"Row of plane WEIGHT must be in 0\.\.4, not 5"),
    (lambda t: t.write(Plane.WEIGHT, -1, ZERO_COL), ValueError,
     r"Row of plane WEIGHT must be in 0\.\.4, not -1"),
    (lambda t: t.write(Plane.WEIGHT, 0, ZERO_COL + 131072), ValueError,
     r"Values of plane WEIGHT must be in .*"),
    (lambda t: t.write(Plane.STEP_UP, 0, ZERO_COL - 1), ValueError,
     r"Values of plane STEP_UP must be in 0\.\.65535, not -1"),
    (lambda t: t.write(Plane.WEIGHT, 0, ZERO_COL * 1.0), TypeError,
     "Values of plane WEIGHT must be integers, not float64"),
    (lambda t: t.write(Plane.SLOPE_UP, 0, ZERO_COL), ValueError, "Plane must be one of .*"),
    (lambda t: t.write_plane(Plane.WEIGHT, np.zeros((6, 5), int)), ValueError,
     r"Plane WEIGHT must have shape \(5, 6\), not \(6, 5\)"),
    (lambda t: t.read_plane(Plane.SLOPE_UP), ValueError, "Plane must be one of .*"),
    (lambda t: t.read(9, 0), ValueError, "Plane must be one of .*, not 9"),
    (lambda t: t.set("rows", 5), ValueError, "Register must be a writable one, not rows"),
    (lambda t: t.set("speed", 5), ValueError, "Register must be one of .*, not 'speed'"),
    (lambda t: t.get("speed"), ValueError, "Register must be one of .*, not 'speed'"),
    (lambda t: t.set("seed", 2 ** 32), ValueError,
     r"Register seed must be in 0\.\.4294967295, not 4294967296"),
    (lambda t: t.set("seed", -1), ValueError, r"Register seed must be in 0\.\.4294967295, not -1"),
    (lambda t: t.set("t_slot", 0), ValueError, r"Register t_slot must be in 1\.\.255, not 0"),
    (lambda t: t.set("t_slot", 256), ValueError, r"Register t_slot must be in 1\.\.255, not 256"),
    (lambda t: t.set("seed", 1.5), TypeError, "Register seed must be integers, not float64"),
    (lambda t: t.set("seed", True), TypeError, "Register seed must be integers, not bool")])
def test_error_is_one_message_and_changes_nothing(operation, error, message):
    tile = loaded_tile(CONFIGS["tiny"], 1)
    before = state(tile)
    with pytest.raises(error, match=f"^{message}$"):
        operation(tile)
    assert state(tile) == before
    tile.update(ZERO_ROW, ZERO_COL, 1)
    assert tile.get("event") == 1


def test_one_bad_vector_stops_the_whole_batch():
    tile = loaded_tile(CONFIGS["tiny"], 1)
    before = state(tile)
    rows = np.full((3, 5), MAX_LEVEL)
    rows[2, 4] = MAX_LEVEL + 1
    with pytest.raises(ValueError, match="Levels must be in"):
        tile.update(rows, np.full((3, 6), MAX_LEVEL), [31] * 3)
    assert state(tile) == before


def test_no_plane_is_reached_behind_pins():
    tile = Tile(replace(CONFIGS["tiny"], pins=True))
    weights = tile.planes[Plane.WEIGHT]
    for operation in (lambda: tile.read(Plane.WEIGHT, 0), lambda: tile.write_plane(Plane.WEIGHT, weights)):
        with pytest.raises(ValueError, match="Planes must belong to an emulated array, not to a real one behind pins"):
            operation()


@pytest.mark.parametrize("name", ["tiny", "softbounds", "narrow"])
def test_bit_serial_outputs_equal_the_reference(name):
    """Each bit is converted by itself, with noise of its own, and shifted and added; rails count in every bit."""
    config = CONFIGS[name]
    tile, codes = loaded_tile(config, 3), random_codes(config, 4, config.rows, 3)
    planes, event, width = reference_planes(tile), 77, config.code_bits - 1
    tile.set("event", event)
    tile.set("encoding", Encoding.SERIAL)
    outputs, rails = [], 0
    for n, vector in enumerate(codes.tolist()):
        total = [0] * config.cols
        for bit in reversed(range(width)):
            part = [(abs(x) >> bit & 1) * (-1 if x < 0 else 1) for x in vector]
            found = reference.convert(config, reference.charge(part, planes["WEIGHT"]), planes, 3, event + n, bit << 3)
            rails += sum(abs(code) == config.adc.code.max for code in found)
            total = [2 * t + code for t, code in zip(total, found, strict=True)]
        outputs.append(total)
    assert tile.forward(codes).tolist() == outputs
    assert config.output.holds(outputs)
    assert tile.counters()["saturations"] == rails
    assert tile.counters()["conversions"] == 4 * width * config.cols
    assert tile.counters()["slots"] == 4 * width


def test_analog_accumulation_gives_the_bits_of_pulse_width():
    tiles = [loaded_tile(CONFIGS["tiny"], 3) for _ in range(2)]
    tiles[1].set("encoding", Encoding.SERIAL_ANALOG)
    codes = random_codes(CONFIGS["tiny"], 5, 5, 3)
    assert tiles[0].forward(codes).tolist() == tiles[1].forward(codes).tolist()
    assert tiles[1].counters()["slots"] == 5 * 6


@pytest.mark.parametrize("train", Train, ids=lambda train: train.name)
def test_an_update_in_parts_is_the_whole_one(train):
    """Wherever it is cut: weights, counters and, at the end, the event."""
    config, rng = CONFIGS["tiny"], np.random.default_rng(1)
    rows, cols, _ = (values[2] for values in random_updates(config, 3, 4))
    if train is Train.WORDS:
        rows, cols = (rng.integers(-1 << 31, 1 << 31, n) for n in (config.rows, config.cols))
    whole = loaded_tile(config, 3)
    whole.set("train", train)
    whole.update(rows, cols, 12)
    for first, second in ((0, 0), (0, 5), (3, 3), (4, 11), (11, 11)):
        tile = loaded_tile(config, 3)
        tile.set("train", train)
        tile.abort_update(rows, cols, 12, first)
        assert tile.counters()["slots"] == first
        tile.abort_update(rows, cols, 12, second, first)
        assert (tile.get("event"), tile.counters()["updates"]) == (0, 0)
        tile.resume_update(rows, cols, 12, second)
        assert reference_planes(tile) == reference_planes(whole)
        found, wanted = tile.counters(), whole.counters()
        assert found.pop("chip_cycles") == wanted.pop("chip_cycles") + 2 * 4
        assert found == wanted
        assert tile.get("event") == 1


@pytest.mark.parametrize("encoding", Encoding, ids=lambda encoding: encoding.name)
def test_an_aborted_multiplication_counts_what_was_played(encoding):
    config = CONFIGS["tiny"]
    codes = random_codes(config, 4, config.rows, 1)[3]
    for slots in range(encoded_slots(config, encoding)):
        tile = loaded_tile(config, 3)
        tile.set("encoding", encoding)
        for name, value in {"t_precharge": 5, "t_slot": 3, "t_guard": 2, "t_recover": 7}.items():
            tile.set(name, value)
        tile.abort_forward(codes, slots)
        window, converted = 5 + 4 + 2 + 7, slots if encoding is Encoding.SERIAL else 0
        counters = tile.counters()
        assert counters["slots"] == slots
        assert counters["row_pulses"] == encoded_pulses(config, codes, encoding, slots).sum()
        assert counters["conversions"] == converted * config.cols
        assert counters["chip_cycles"] == window * (1 + converted) + 3 * slots + converted * (4 + 9)
        assert (counters["forwards"], tile.get("event")) == (0, 0)
    with pytest.raises(ValueError, match="Slots played must be in "):
        tile.abort_backward(random_codes(config, 4, config.cols, 1)[3], encoded_slots(config, encoding))
