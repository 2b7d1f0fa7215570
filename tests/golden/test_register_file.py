# SPDX-License-Identifier: Apache-2.0
import copy
from collections.abc import Mapping

import pytest

from golden.registers import register_map
from golden.tile import Tile
from tests.support import CONFIGS

CONFIG = CONFIGS["tiny"]


def test_attributes_are_what_get_and_set_are():
    tile = Tile(CONFIG)
    assert tile.registers.rows == CONFIG.rows
    tile.registers.t_slot = 7
    tile.registers.seed += 5
    assert (tile.get("t_slot"), tile.get("seed"), tile.registers.t_slot) == (7, 5, 7)
    for name, register in tile.registers.items():
        if name not in ("t_slot", "seed"):
            assert getattr(tile.registers, name) == register.reset, name


@pytest.mark.parametrize(("name", "value", "error", "sentence"), [
    ("rows", 3, ValueError, "Register must be a writable one, not rows"),
    ("t_slot", 0, ValueError, "Register t_slot must be .*, not 0"),
    ("t_slott", 1, AttributeError, "t_slott"), ("nothing", None, AttributeError, "nothing"),
])
def test_mistakes_are_refused(name, value, error, sentence):
    tile = Tile(CONFIG)
    before = {each: tile.get(each) for each in tile.registers}
    with pytest.raises(error, match=sentence):
        setattr(tile.registers, name, value)
    if error is AttributeError:
        with pytest.raises(AttributeError, match=name):
            getattr(tile.registers, name)
    assert before == {each: tile.get(each) for each in tile.registers}


def test_declarations_are_the_map():
    assert dict(Tile(CONFIG).registers) == register_map(CONFIG)


def test_docstrings_say_what_the_map_says():
    kind = type(Tile(CONFIG).registers)
    assert kind.t_slot.__doc__ == "Cycles of a slot. Access: read, write; 1 at reset; 1..255."
    assert kind.rows.__doc__ == f"Rows of the tile. Access: read; {CONFIG.rows} at reset."


def test_no_register_hides_a_method_of_the_mapping():
    assert not set(register_map(CONFIG)) & set(dir(Mapping))


def test_a_copy_has_registers_of_its_own():
    tile = Tile(CONFIG)
    other = copy.deepcopy(tile)
    other.registers.seed = 9
    assert (tile.registers.seed, other.registers.seed) == (0, 9)
