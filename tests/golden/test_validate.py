# SPDX-License-Identifier: Apache-2.0
"""The messages themselves are tested through `Tile` in test_tile.py."""
import numpy as np
import pytest

from golden import validate
from golden.config import Plane
from golden.registers import register_map
from tests.support import CONFIGS

TINY = CONFIGS["tiny"]


@pytest.mark.parametrize("kind", [list, tuple, np.int8, np.uint16, np.int64])
def test_any_integers_become_int64_batches(kind):
    values = [1, 2, 3, 0, 5]
    given = kind(values) if kind in (list, tuple) else np.array(values, dtype=kind)
    codes = validate.codes(TINY, given, 5)
    assert codes.dtype == np.int64
    assert codes.tolist() == [values]
    assert not np.shares_memory(codes, given)


def test_update_returns_batches():
    rows, cols, bl = validate.update(TINY, [0] * 5, np.zeros((1, 6), dtype=int), 31)
    assert (rows.shape, cols.shape, bl.tolist()) == ((1, 5), (1, 6), [31])


@pytest.mark.parametrize("shape", [(5,), (6, 5), (5, 6, 1), (4, 6)])
def test_plane_must_have_its_shape(shape):
    with pytest.raises(ValueError, match=r"^Plane WEIGHT must have shape \(5, 6\), not \("):
        validate.plane(TINY, Plane.WEIGHT, np.zeros(shape, dtype=int))


def test_plane_must_hold_its_format():
    values = np.zeros((5, 6), dtype=int)
    assert validate.plane(TINY, 0, values).shape == (5, 6)
    values[4, 5] = 65536
    with pytest.raises(ValueError, match=r"^Values of plane STEP_UP must be in 0\.\.65535, not 65536$"):
        validate.plane(TINY, Plane.STEP_UP, values)


@pytest.mark.parametrize("name", [name for name, r in register_map(TINY).items() if r.writable])
def test_register_limits(name):
    registers = register_map(TINY)
    register = registers[name]
    for value in (register.minimum, register.maximum, np.int64(register.minimum)):
        assert validate.register_value(registers, name, value) == value
    for value in (register.minimum - 1, register.maximum + 1):
        with pytest.raises(ValueError, match=f"^Register {name} must be "):
            validate.register_value(registers, name, value)
