# SPDX-License-Identifier: Apache-2.0
"""Time, energy and TOPS from counters: each equation by hand, and the figures that the literature gives."""
import json
import math
from dataclasses import replace

import numpy as np
import pytest

from crosstwin import cli, energy, technology
from crosstwin.driver import LinkedTile
from crosstwin.links import ControllerLink
from crosstwin.opening import open
from crosstwin.technology import Figure, Technology
from crosstwin.twin import Twin
from golden.adc import AdcConfig
from golden.config import COUNTERS, TileConfig
from golden.presets import TILES
from golden.registers import register_map
from tests.crosstwin.command_line import status_of

CONFIG = TileConfig(rows=5, cols=7, lanes=2)
FIGURES = {"clock_hz": 2e9, "device_resistance_ohm": 1e6, "read_voltage_v": 0.5, "update_voltage_v": 1.5,
           "program_voltage_v": 3.0, "line_capacitance_f": 1e-15, "digital_energy_j": 2e-13, "static_power_w": 1e-3,
           "sar_power_w": 4e-6, "sar_bit_power_w": 1e-6, "sar_column_power_w": 0.1, "sar_column_decay": 2.0,
           "sar_cycle_s": 1e-9, "ramp_energy_j": 7e-12, "cco_energy_j": 8e-12, "spi_energy_j": 9e-12}
NO_COUNTS = dict.fromkeys(COUNTERS, 0)


def near(value: float, share: float = 1e-12):
    """Equal but for rounding; pytest's own least tolerance is a picojoule."""
    return pytest.approx(value, rel=share, abs=0)


def of(**figures) -> Technology:
    """A technology with other figures, or with None left out."""
    return Technology("test", "Test", {name: Figure(value, "made up") for name, value in (FIGURES | figures).items()
                                       if value is not None})


def stood(**values) -> dict[str, int]:
    """Registers at their reset values, but for some."""
    return {name: register_map(CONFIG)[name].reset for name in energy.SETTINGS} | values


def cost(counts: dict[str, int], registers=None, made: Technology | None = None,
         config: TileConfig = CONFIG) -> energy.Cost:
    return energy.cost(made or of(), config, registers or stood(), NO_COUNTS | counts)


SLOT = 3 / 2e9
"""Three cycles of 2 GHz."""


@pytest.mark.parametrize(("counts", "contribution", "joules"), [
    ({"row_pulses": 10}, "read, rows", 10 * 7 * 0.5 ** 2 / 1e6 * SLOT),
    ({"col_pulses": 10}, "read, columns", 10 * 5 * 0.5 ** 2 / 1e6 * SLOT),
    ({"row_pulses": 10, "update_row_pulses": 10}, "update, single lines", 10 * 7 * 0.75 ** 2 / 1e6 * SLOT),
    ({"row_pulses": 10, "update_row_pulses": 10, "col_pulses": 4, "update_col_pulses": 4, "coincidences": 40},
     "update, single lines", (10 * 7 + 4 * 5 - 80) * 0.75 ** 2 / 1e6 * SLOT),
    ({"coincidences": 3}, "update, coincidences", 3 * 1.5 ** 2 / 1e6 * SLOT),
    ({"program_pulses": 6}, "programming", 6 * 9 / 1e6 * SLOT),
    ({"half_selects": 6}, "half-selects", 6 * 1.5 ** 2 / 1e6 * SLOT),
    ({"row_pulses": 9, "update_row_pulses": 4}, "row lines", 1e-15 * 7 * (5 * 0.5 ** 2 + 4 * 0.75 ** 2)),
    ({"col_pulses": 9, "update_col_pulses": 4}, "column lines", 1e-15 * 5 * (5 * 0.5 ** 2 + 4 * 0.75 ** 2)),
    ({"conversions": 11}, "conversions",
     11 * (4e-6 + 9e-6 + 0.1 * math.exp(-2 * math.log10(1e6 / 7))) * 10 * 1e-9),
    ({"chip_cycles": 100}, "digital", 100 * 2e-13),
    ({"chip_cycles": 100}, "static", 100 / 2e9 * 1e-3),
])
def test_contributions(counts, contribution, joules):
    found = cost(counts, stood(t_slot=3, half_select=1))
    assert found.energy_j[contribution] == near(joules)
    assert found.total_j == near(sum(found.energy_j.values()))
    assert not found.left_out


def test_a_third_of_the_voltage_on_half_selects():
    thirds, halves, nothing = (cost({"half_selects": 6}, stood(half_select=n)).energy_j["half-selects"]
                               for n in (2, 1, 0))
    assert halves == near(thirds * 9 / 4)
    assert nothing == 0


@pytest.mark.parametrize(("kind", "joules"), [("ramp", 7e-12), ("cco", 8e-12), ("spi", 9e-12)])
def test_conversions_of_other_kinds(kind, joules):
    config = replace(CONFIG, adc=AdcConfig(kind=kind))
    assert cost({"conversions": 3}, config=config).energy_j["conversions"] == near(3 * joules)
    without = cost({"conversions": 3}, config=config, made=of(**{f"{kind}_energy_j": None}))
    assert without.energy_j["conversions"] is None
    assert without.left_out == ["conversions"]


@pytest.mark.parametrize(("missing", "counts", "contribution"), [
    ("update_voltage_v", {"coincidences": 1}, "update, coincidences"),
    ("program_voltage_v", {"program_pulses": 1}, "programming"),
    ("line_capacitance_f", {"row_pulses": 1}, "row lines"),
    ("digital_energy_j", {"chip_cycles": 1}, "digital"), ("static_power_w", {"chip_cycles": 1}, "static"),
    ("sar_power_w", {"conversions": 1}, "conversions"),
])
def test_what_has_no_figure_is_left_out_and_said_to_be(missing, counts, contribution):
    assert cost(counts, made=of(**{missing: None})).energy_j[contribution] is None
    assert contribution in cost(counts, made=of(**{missing: None})).left_out
    assert cost({}, made=of(**{missing: None})).left_out == []


def test_time_operations_and_their_ratios():
    found = cost({"forwards": 2, "backwards": 3, "updates": 4, "retries": 9, "chip_cycles": 4000})
    assert found.latency_s == 2e-6
    assert found.operations == 2 * 5 * 7 * 9
    assert found.tops == near(630 / 2e-6 / 1e12)
    assert found.power_w == near(found.total_j / 2e-6)
    assert found.tops_per_w == near(630 / found.total_j / 1e12)
    assert found.tops_per_w == near(found.tops / found.power_w)
    nothing = cost({})
    assert (nothing.tops, nothing.tops_per_w, nothing.power_w, nothing.total_j) == (None, None, None, 0)


def test_costs_of_tiles_add_up():
    one, other = cost({"forwards": 1, "chip_cycles": 10}), cost({"updates": 1, "chip_cycles": 30, "coincidences": 5})
    both = energy.add([one, other])
    assert both.latency_s == one.latency_s + other.latency_s
    assert both.total_j == near(one.total_j + other.total_j)
    assert both.operations == one.operations + other.operations
    assert both.counters["chip_cycles"] == 40
    assert energy.add([one, cost({"chip_cycles": 1}, made=of(static_power_w=None))]).left_out == ["static"]


def test_419_tops_of_a_4096_array_in_80_ns():
    """2 * 4096^2 / 80 ns: the tile of Gokmen and Vlasov 2016, from the chip time of a default forward."""
    config = TILES["default"]
    registers = {name: register_map(config)[name].reset for name in energy.SETTINGS}
    peak = energy.peak_tops(technology.load("rpu"), config, registers)
    assert peak * (4096 / config.rows) ** 2 == pytest.approx(419.4, abs=0.05)
    with open("golden", "default") as twin:
        twin.forward(np.full(64, 0.1))
        assert twin.ledger("rpu").total.tops == near(peak)
        assert twin.ledger("rpu").total.latency_s == 80e-9


def test_sar_energy_of_neurosim_at_32_nm():
    """9 bits at a high column resistance: (8.8998 + 9 * 1.1294) uW for 10 ns, 0.19 pJ."""
    joules = energy.conversion_energy(technology.load("rpu"), TILES["default"])
    assert joules == near((8.8998 + 9 * 1.1294) * 1e-6 * 10e-9, 0.02)


def test_a_linked_tile_states_what_golden_does():
    config = TILES["tiny"]
    statements = []
    for twin in (open("golden", config), Twin(LinkedTile(config, ControllerLink(config)))):
        with twin:
            twin.forward(np.ones(config.rows))
            twin.update(np.ones(config.rows), np.ones(config.cols), 0.01)
            statements.append(twin.ledger("pcm22"))
    assert statements[0] == statements[1]
    total, last = statements[0]
    assert (total.counters["forwards"], last.counters["forwards"], last.counters["updates"]) == (1, 0, 1)
    assert 0 < last.latency_s < total.latency_s
    assert "update, coincidences" in last.left_out


@pytest.mark.parametrize("workload", ["forward", "backward", "update", "train"])
def test_the_command_prints_what_it_costs(workload, capsys):
    arguments = ["energy", "--config", "tiny", "--workload", workload, "--steps", "3", "--set", "t_slot=2"]
    assert cli.main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["total"]["operations"] == 2 * 5 * 6 * 3 * (3 if workload == "train" else 1)
    assert found["total"]["energy_j"] > 0
    assert found["total"]["latency_s"] >= found["last"]["latency_s"] > 0
    assert "device_resistance_ohm" in found["unverified"]
    assert cli.main(arguments) == 0
    printed = capsys.readouterr().out
    assert "TOPS/W" in printed
    assert "Left out, without a figure in this technology: " in printed


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["--technology", "cmos"], "Technology must be one of pcm22, rpu or a .toml file, not 'cmos'"),
    (["--config", "huge"], "Configuration must be one of "),
    (["--set", "t_slot"], "must be REGISTER=VALUE, not 't_slot'"),
    (["--config", "tiny", "--set", "speed=3"], "Register must be one of "),
    (["--config", "tiny", "--set", "t_slot=0"], "Register t_slot must be in 1..255, not 0"),
])
def test_bad_input_is_one_sentence(arguments, sentence, capsys):
    assert status_of(["energy", *arguments]) == 2
    printed = capsys.readouterr().err
    assert sentence in printed
    assert printed.count("\n") == 1
