# SPDX-License-Identifier: Apache-2.0
"""Saving and restoring: replay gives the same bits, and a bad file changes nothing."""
from dataclasses import replace

import numpy as np
import pytest

from crosstwin import TILES, Twin
from crosstwin.checkpoint import CheckpointError
from crosstwin.driver import LinkedTile
from crosstwin.links import ControllerLink
from golden.tile import Tile

CONFIG = TILES["tiny"]


def work(twin: Twin) -> np.ndarray:
    """Something of everything."""
    rng = np.random.default_rng(8)
    results = [twin.forward(rng.uniform(-1, 1, (4, 5))).ravel()]
    twin.update(rng.uniform(-1, 1, (4, 5)), rng.uniform(-1, 1, (4, 6)), 0.05)
    results += [twin.backward(rng.uniform(-1, 1, (4, 6))).ravel(), twin.read().ravel()]
    return np.concatenate(results)


def started(seed: int = 2) -> Twin:
    twin = Twin(Tile(CONFIG), seed)
    twin.load(np.random.default_rng(seed).uniform(-0.5, 0.5, (5, 6)))
    twin.tile.set("t_hold", 9)
    work(twin)
    return twin


@pytest.mark.parametrize("other", [
    lambda: Twin(Tile(CONFIG), 77), lambda: Twin(LinkedTile(CONFIG, ControllerLink(CONFIG)), 78),
    lambda: Twin(Tile(replace(CONFIG, lanes=1)), 79),
], ids=["golden", "linked", "other lanes"])
def test_a_replay_gives_the_same_bits(tmp_path, other):
    twin = started()
    twin.save(tmp_path / "state.npz")
    expected = work(twin)
    again = other()
    again.restore(tmp_path / "state.npz")
    assert again.tile.get("t_hold") == 9
    np.testing.assert_array_equal(work(again), expected)
    again.load(np.full((5, 6), 1.9))
    twin.load(np.full((5, 6), 1.9))
    np.testing.assert_array_equal(again.read(), twin.read())
    assert [path.name for path in tmp_path.iterdir()] == ["state.npz"]


def refused(twin: Twin, path, sentence: str) -> None:
    before = twin.read(), twin.tile.get("event")
    with pytest.raises(CheckpointError, match=sentence) as error:
        twin.restore(path)
    assert "\n" not in str(error.value)
    np.testing.assert_array_equal(twin.read(), before[0])
    assert twin.tile.get("event") == before[1]


@pytest.mark.parametrize("keep", [0, 10, 0.5, 0.95])
def test_a_damaged_file_is_refused(tmp_path, keep):
    path = tmp_path / "state.npz"
    started().save(path)
    data = path.read_bytes()
    path.write_bytes(data[:keep if isinstance(keep, int) else int(keep * len(data))])
    refused(started(3), path, "must be a whole file written by save")


def test_a_flipped_byte_is_refused(tmp_path):
    path = tmp_path / "state.npz"
    started().save(path)
    data = bytearray(path.read_bytes())
    for place in range(60, len(data), 97):
        changed = data.copy()
        changed[place] ^= 0x10
        path.write_bytes(changed)
        twin = Twin(Tile(CONFIG), 3)
        try:
            twin.restore(path)
        except CheckpointError:
            continue
        # what got through changed nothing but the file's own bookkeeping
        np.testing.assert_array_equal(twin.read(), started().read())


def test_a_missing_file_and_one_of_something_else_are_refused(tmp_path):
    refused(started(), tmp_path / "none.npz", "No such file")
    np.savez(tmp_path / "else.npz", a=1)
    refused(started(), tmp_path / "else.npz", "must be a whole file written by save")


def test_another_configuration_is_refused(tmp_path):
    started().save(tmp_path / "state.npz")
    other = Twin(Tile(replace(CONFIG, code_bits=6)))
    refused(other, tmp_path / "state.npz", "must be of this configuration, .*code_bits=6")


def test_values_that_the_tile_cannot_hold_are_refused(tmp_path):
    path = tmp_path / "state.npz"
    started().save(path)
    content = dict(np.load(path))
    content["plane_WEIGHT"][0, 0] = 1 << 20
    np.savez(path, **content)
    refused(started(), path, "must hold what the tile can, but: Values of plane WEIGHT")


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "state.npz"
    started().save(path)
    before = path.read_bytes()

    def full(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(OSError, match="No space left"):
        started(9).save(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["state.npz"]
