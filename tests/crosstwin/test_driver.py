# SPDX-License-Identifier: Apache-2.0
"""A tile behind a link does exactly what the tile itself does."""
from dataclasses import replace

import numpy as np
import pytest

from crosstwin.driver import LinkedTile, LinkError
from crosstwin.links import ControllerLink
from golden.config import ALL, MAX_LEVEL, SETTINGS, Plane
from golden.presets import TILES
from golden.protocol import ProtocolError
from golden.tile import Tile

CONFIG = TILES["tiny"]


def pair(config=CONFIG, seed: int = 5):
    """The same populated tile twice: directly, and behind a link."""
    tiles = Tile(config), LinkedTile(config, ControllerLink(config))
    planes = config.populate(seed)
    planes[Plane.WEIGHT] = np.clip(np.random.default_rng(seed).integers(-40000, 40000, (config.rows, config.cols)),
                                   planes[Plane.W_MIN], planes[Plane.W_MAX])
    for tile in tiles:
        tile.set("seed", seed)
        for plane, values in planes.items():
            if plane in config.planes:
                tile.write_plane(plane, values)
    return tiles


def same(direct, linked) -> None:
    assert direct.counters() == linked.counters()
    for plane in direct.config.planes:
        np.testing.assert_array_equal(direct.read_plane(plane), linked.read_plane(plane))
    for name in direct.registers:
        assert direct.get(name) == linked.get(name), name


@pytest.mark.parametrize("config", [CONFIG, replace(TILES["softbounds"], rows=7, cols=3, lanes=2)], ids=["tiny", "7x3"])
@pytest.mark.parametrize("batch", [0, 1, 9])
def test_all_operations_equal_the_tile(config, batch):
    rng = np.random.default_rng(batch)
    direct, linked = pair(config)
    x = rng.integers(-63, 64, (batch, config.rows))
    d = rng.integers(-63, 64, (batch, config.cols))
    levels = [rng.integers(-MAX_LEVEL, MAX_LEVEL + 1, (batch, n)) for n in (config.rows, config.cols)]
    bl = rng.integers(1, 64, batch)
    for _ in range(2):
        for name, codes in (("forward", x), ("backward", d)):
            expected, actual = getattr(direct, name)(codes), getattr(linked, name)(codes)
            assert actual.dtype == np.int64
            np.testing.assert_array_equal(expected, actual)
        direct.update(*levels, bl)
        linked.update(*levels, bl)
    same(direct, linked)


PROGRAMMING = [
    lambda tile: tile.program(1, ALL, 70, True), lambda tile: tile.program(ALL, 2, 3, False),
    lambda tile: tile.symmetrize(ALL, ALL, 2), lambda tile: tile.sense(2, 3), lambda tile: tile.calibrate(0, 1),
    lambda tile: tile.verify(3, np.arange(-9000, 9000, 3000)),
]


def test_programming_equals_the_tile():
    direct, linked = pair()
    for command in PROGRAMMING:
        expected, actual = command(direct), command(linked)
        np.testing.assert_array_equal(expected, actual)
    same(direct, linked)


@pytest.mark.parametrize("command", [
    lambda tile: tile.program(5, 0, 1, True), lambda tile: tile.program(0, -2, 1, True),
    lambda tile: tile.program(0, 0, 0, True), lambda tile: tile.symmetrize(0, 0, 65536),
    lambda tile: tile.sense(0, 9), lambda tile: tile.calibrate(3, 0), lambda tile: tile.verify(0, [0] * 5)])
def test_bad_programming_is_refused_alike(command):
    messages = []
    for tile in pair():
        before = tile.counters()
        with pytest.raises(ValueError, match="must") as refused:
            command(tile)
        messages.append(str(refused.value))
        assert tile.counters() == before
    assert messages[0] == messages[1]


def test_rows_registers_and_reset_equal_the_tile():
    direct, linked = pair()
    for tile in (direct, linked):
        tile.write(Plane.WEIGHT, 2, [1, -2, 3, -4, 5, -6])
        tile.set("event", 2 ** 32 - 1)
        tile.set("t_slot", 3)
        tile.forward(np.ones((3, 5), dtype=int))
    np.testing.assert_array_equal(linked.read(Plane.WEIGHT, 2), [1, -2, 3, -4, 5, -6])
    assert linked.get("event") == 2
    same(direct, linked)
    direct.reset()
    linked.reset()
    same(direct, linked)


def test_registers_are_attributes():
    direct, linked = pair()
    for tile in (direct, linked):
        tile.registers.t_slot = 5
        tile.registers.event += 2
    assert (linked.registers.t_slot, linked.get("event")) == (5, 2)
    same(direct, linked)


def test_a_large_batch_is_cut_into_exchanges(monkeypatch):
    monkeypatch.setattr("crosstwin.driver._WORDS_AT_ONCE", 20)
    direct, linked = pair()
    codes = np.random.default_rng(1).integers(-63, 64, (11, CONFIG.rows))
    np.testing.assert_array_equal(direct.forward(codes), linked.forward(codes))


@pytest.mark.parametrize("call", [
    lambda tile: tile.forward(np.zeros((1, 4), dtype=int)), lambda tile: tile.forward(np.full(5, 64)),
    lambda tile: tile.forward(np.zeros(5)), lambda tile: tile.backward(np.full(6, -64)),
    lambda tile: tile.update(np.zeros(5, dtype=int), np.zeros(6, dtype=int), 0),
    lambda tile: tile.update(np.full(5, MAX_LEVEL + 1), np.zeros(6, dtype=int), 1),
    lambda tile: tile.update(np.zeros((2, 5), dtype=int), np.zeros(6, dtype=int), [1]),
    lambda tile: tile.write(Plane.WEIGHT, 5, np.zeros(6, dtype=int)), lambda tile: tile.read(Plane.SLOPE_UP, 0),
    lambda tile: tile.write_plane(Plane.WEIGHT, np.zeros((6, 5), dtype=int)), lambda tile: tile.set("rows", 3),
    lambda tile: tile.set("t_slot", 0), lambda tile: tile.get("nothing"), lambda tile: tile.set("seed", 2 ** 32),
])
def test_errors_are_those_of_the_tile_and_nothing_is_sent(call):
    direct, linked = pair()
    before = linked.counters()
    with pytest.raises((TypeError, ValueError)) as expected:
        call(direct)
    linked.link = None  # anything sent would fail otherwise
    with pytest.raises(expected.type) as actual:
        call(linked)
    assert str(actual.value) == str(expected.value)
    assert before == direct.counters()


@pytest.mark.parametrize(("changes", "name"), [({"rows": 6}, "rows"), ({"cols": 7}, "cols"), ({"lanes": 2}, "lanes"),
                                           ({"weight_bits": 16}, "formats"), ({"rounds": 20}, "formats"),
                                           ({"parameter_bits": 12}, "converter"), ({"max_bl": 40}, "lanes"),
                                           ({"fixed": ("t_hold",)}, "converter")])
def test_another_tile_at_the_far_end_is_refused(changes, name):
    with pytest.raises(LinkError, match=f"Register {name} of the linked tile must be"):
        LinkedTile(CONFIG, ControllerLink(replace(CONFIG, **changes)))


def test_an_error_status_is_explained():
    _, linked = pair()
    linked.link = ControllerLink(replace(CONFIG, rows=4))
    with pytest.raises(ProtocolError, match="FORWARD refused: Packet must have as many words"):
        linked.forward(np.zeros((2, 5), dtype=int))


@pytest.mark.parametrize("parts", [
    {"engines": ()}, {"engines": ("managed", "update")},
    {"engines": ("managed",), "counters": ("slots", "conversions", "chip_cycles")},
    {"counters": (), "operation_counters": False}, {"fixed": SETTINGS, "max_bl": 31}], ids=str)
def test_a_tile_that_leaves_parts_out_equals_the_tile(parts):
    direct, linked = pair(replace(CONFIG, **parts))
    for tile in (direct, linked):
        tile.forward(np.ones(CONFIG.rows, dtype=np.int64))
    same(direct, linked)
    assert direct.last_counters() == linked.last_counters()


def test_a_command_that_is_left_out_is_refused_alike():
    for tile in pair(replace(CONFIG, engines=())):
        with pytest.raises(ValueError, match="Command must be one that the tile has, not UPDATE_VECTOR, whose engine"):
            tile.update_vector(np.zeros(CONFIG.rows, dtype=np.int64), np.zeros(CONFIG.cols, dtype=np.int64))


@pytest.mark.parametrize(("there", "wanted", "name"), [
    ({"engines": ()}, {}, "converter"), ({}, {"engines": ()}, "converter"),
    ({"counters": ("slots",)}, {"counters": ("conversions",)}, "left_out"),
    ({"fixed": ("t_hold",)}, {"fixed": ("t_slot",)}, "fixed")])
def test_a_tile_that_leaves_out_other_parts_is_not_the_one(there, wanted, name):
    with pytest.raises(LinkError, match=f"Register {name} of the linked tile must be"):
        LinkedTile(replace(CONFIG, **wanted), ControllerLink(replace(CONFIG, **there)))
