# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import pytest

from golden.config import COUNTERS, SETTINGS, TileConfig
from golden.presets import DEVICES
from golden.registers import CONTRACT_VERSION, Access, register_map
from tests.support import CONFIGS


@pytest.mark.parametrize("name", CONFIGS)
def test_indices_are_unique_ordered_and_keyed_by_name(name):
    registers = register_map(CONFIGS[name])
    indices = [r.index for r in registers.values()]
    assert indices == sorted(set(indices))
    assert all(name == r.name for name, r in registers.items())


@pytest.mark.parametrize("name", CONFIGS)
def test_reset_values_fit(name):
    for register in register_map(CONFIGS[name]).values():
        assert register.reset < 2 ** register.bits
        assert register.minimum <= register.reset <= register.maximum < 2 ** register.bits
        assert register.doc


def test_description_of_the_tile():
    config = TileConfig(rows=5, cols=6, lanes=4, code_bits=9, weight_bits=16, rounds=20)
    registers = register_map(config)
    assert [registers[n].reset for n in ("contract", "rows", "cols", "lanes")] == [CONTRACT_VERSION, 5, 6, 4]
    assert registers["formats"].reset == 0x14_09_10_09


def test_pins_slow_a_trial_down_and_show_in_the_identity():
    inside, outside = register_map(TileConfig()), register_map(TileConfig(pins=True))
    differing = {name for name in inside if inside[name] != outside[name]}
    assert differing == {"converter", "t_convert"}
    assert outside["converter"].reset == inside["converter"].reset | 1 << 24
    assert (outside["t_convert"].minimum, outside["t_convert"].reset) == (4, 4)


@pytest.mark.parametrize(("bits", "narrowed"), [(18, 0), (17, 1), (9, 9), (0, 18)])
def test_the_width_of_parameters_shows_in_the_identity(bits, narrowed):
    device = DEVICES["EcRam"].alike()
    wide, found = register_map(TileConfig(device=device)), register_map(TileConfig(device=device, parameter_bits=bits))
    assert found["converter"].reset == wide["converter"].reset | narrowed << 26
    assert found | {"converter": wide["converter"]} == wide


def test_counters_are_pairs_of_words():
    registers = register_map(TileConfig())
    for n, counter in enumerate(COUNTERS):
        assert registers[f"{counter}_low"].index == 64 + 2 * n
        assert registers[f"{counter}_high"].index == 65 + 2 * n
        assert registers[f"operation_{counter}"].index == 128 + n
        assert not registers[f"{counter}_low"].writable


def test_writable_registers():
    registers = register_map(TileConfig())
    listed = list(registers)
    assert [r.name for r in registers.values() if r.writable] == [
        name for name in listed[listed.index("seed"):listed.index("forwards_low")] if name != "aborted_slots"]
    assert [r.name for r in registers.values() if r.writable and not r.stored] == ["irq_status", "control"]


def test_fields_lie_side_by_side_within_their_register():
    for register in register_map(TileConfig()).values():
        masks = [((1 << field.bits) - 1) << field.lsb for field in register.fields]
        assert sum(masks) == np.bitwise_or.reduce(masks) <= (1 << register.bits) - 1
        assert not register.writable or register.maximum <= sum(masks)
        assert len({field.name for field in register.fields}) == len(register.fields)


def test_named_values_are_all_of_a_register():
    found = [register for register in register_map(TileConfig()).values() if register.values]
    assert {"encoding", "train", "nm"} <= {register.name for register in found}
    for register in found:
        assert len(set(register.values)) == register.maximum + 1


@pytest.mark.parametrize(("parts", "absent", "bits"), [
    ({"engines": ("programming", "correction", "update")},
     {"nm", "bm_passes", "bm_backward", "um", "bl", "ratio"}, 1 << 24),
    ({"engines": ("managed", "correction", "update")},
     {"half_select", *(name for name in register_map(TileConfig()) if name.startswith("verify_"))}, 1 << 25),
    ({"engines": ("managed", "programming", "update")}, {"correct"}, 1 << 26),
    ({"engines": ("managed", "correction")},
     {"train", "um", "bl", "ratio", "half_select", *(name for name in register_map(TileConfig())
                                                     if name.startswith("verify_"))}, 0b1010 << 24),
    ({"counters": COUNTERS[1:]}, {"forwards_low", "forwards_high", "operation_forwards"}, 1),
    ({"operation_counters": False}, {f"operation_{name}" for name in COUNTERS}, 1 << 31),
])
def test_registers_of_what_is_left_out_are_not_there(parts, absent, bits):
    """All others are as ever, and the tile says what it has not."""
    whole, found = register_map(TileConfig()), register_map(TileConfig(**parts))
    assert whole.keys() - found.keys() == absent
    assert found.keys() - whole.keys() == {"left_out"}
    assert (found["left_out"].index, found["left_out"].reset) == (6, bits)
    assert {name for name in whole.keys() & found.keys() if whole[name] != found[name]} == {"converter"}
    assert found["converter"].reset == whole["converter"].reset | 1 << 25


@pytest.mark.parametrize("fixed", [("t_slot",), ("train", "watchdog", "irq_enable"), SETTINGS])
def test_fixed_settings_are_as_at_reset_and_cannot_be_written(fixed):
    """All others are as ever, and the tile says which they are."""
    whole, found = register_map(TileConfig()), register_map(TileConfig(fixed=fixed))
    assert found.keys() - whole.keys() == {"fixed"}
    assert (found["fixed"].index, found["fixed"].reset) == (7, sum(1 << SETTINGS.index(name) for name in fixed))
    assert found["converter"].reset == whole["converter"].reset | 1 << 31
    assert {name for name in whole if whole[name] != found[name]} == {"converter", *fixed}
    for name in fixed:
        assert found[name] == replace(whole[name], access=Access.READ)
        assert (found[name].writable, found[name].stored) == (False, False)


def test_settings_are_the_registers_that_hold_what_is_written_but_for_seed_and_event():
    stored = [register.name for register in register_map(TileConfig()).values() if register.stored]
    assert ["seed", "event", *SETTINGS] == stored


@pytest.mark.parametrize("max_bl", [31, 40, 63])
def test_the_longest_update_shows_in_the_identity_and_limits_its_setting(max_bl):
    found = register_map(TileConfig(lanes=5, max_bl=max_bl))
    assert found["lanes"].reset == 5 | 63 - max_bl << 16
    assert (found["bl"].reset, found["bl"].maximum) == (31, max_bl)
