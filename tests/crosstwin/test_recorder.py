# SPDX-License-Identifier: Apache-2.0
"""Recordings of a tile and their comparison."""
import numpy as np

from crosstwin import TILES
from crosstwin.recorder import Recorder, compare
from golden.tile import Tile


def recording(n: int) -> Recorder:
    recorder = Recorder(Tile(TILES["tiny"]))
    for _ in range(n):
        recorder.forward(np.zeros((2, 5), dtype=int))
        recorder.backward(np.zeros((2, 6), dtype=int))
    recorder.keep_weights()
    return recorder


def test_managed_operations_are_kept():
    recorder = Recorder(Tile(TILES["tiny"]))
    recorder.forward_vector(np.ones((2, 5), dtype=int))
    recorder.backward_vector(np.ones((3, 6), dtype=int))
    recorder.update_vector(np.ones((4, 5), dtype=int), np.ones((4, 6), dtype=int))
    assert [(block, values.shape) for block, values in recorder.outputs] == [
        ("FORWARD_VECTOR", (2, 6)), ("BACKWARD_VECTOR", (3, 5)), ("UPDATE_VECTOR", (4,))]


def test_equal_recordings():
    result = compare(recording(3), recording(3), "tile")
    assert (result.compared, result.mismatches, result.first) == (3 * 22 + 30, 0, None)


def test_a_difference_is_named():
    expected, actual = recording(2), recording(2)
    actual.outputs[3][1][1, 4] = -1
    expected.outputs[3][1][1, 4] = 5
    result = compare(expected, actual, "tile")
    assert result.mismatches == 1
    assert result.first == ("tile, BACKWARD, pass 3, before cycle 0, index [1, 4]: "
                            "expected 0x00000005, actual 0xffffffff")


def test_a_recording_that_breaks_off_differs():
    assert compare(recording(2), recording(1), "tile").mismatches >= 22
    assert compare(recording(1), recording(2), "tile").mismatches >= 22
