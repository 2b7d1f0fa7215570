# SPDX-License-Identifier: Apache-2.0
"""From a tile's counters to time, energy, TOPS and TOPS/W, with the figures of a technology.

Operations are counted as the field does: a multiply-accumulate is two. A forward or backward is R x C of them, and so
is an update, in which every cross-point multiplies its row's and its column's value and accumulates the product,
whether or not pulses coincide there. Repeats by bound management are not counted again: they cost, but give nothing.
`docs/ledger.md` has the equations.
"""
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from crosstwin.technology import Technology
from golden import prediction
from golden.adc import AdcKind
from golden.config import TileConfig

OPERATIONS_PER_MAC = 2
_HALF_SELECT = {0: 0.0, 1: 1 / 2, 2: 1 / 3}
"""Share of the programming voltage across a half-selected cross-point, by the register half_select."""


@dataclass(frozen=True)
class Cost:
    """What counters stand for in a technology.

    `energy_j` by contribution, None where the technology has no figure for it; `peak_tops` of forwards one after the
    other without repeats.
    """

    counters: dict[str, int]
    latency_s: float
    energy_j: dict[str, float | None]
    operations: int
    peak_tops: float

    @property
    def total_j(self) -> float:
        """Energy of all contributions that there are figures for."""
        return math.fsum(energy for energy in self.energy_j.values() if energy is not None)

    @property
    def left_out(self) -> list[str]:
        """Contributions without a figure: `total_j` is without them."""
        return [name for name, energy in self.energy_j.items() if energy is None]

    @property
    def power_w(self) -> float | None:
        """Average power; None of no time."""
        return self.total_j / self.latency_s if self.latency_s else None

    @property
    def tops(self) -> float | None:
        """Achieved 10^12 operations a second; None of no time."""
        return self.operations / self.latency_s / 1e12 if self.latency_s else None

    @property
    def tops_per_w(self) -> float | None:
        """10^12 operations a joule; None of no energy."""
        return self.operations / self.total_j / 1e12 if self.total_j else None

    def summary(self) -> dict:
        """All of it, for JSON."""
        return {"counters": self.counters, "latency_s": self.latency_s, "energy_j": self.total_j,
                "contributions_j": self.energy_j, "left_out": self.left_out, "power_w": self.power_w,
                "operations": self.operations, "tops": self.tops, "peak_tops": self.peak_tops,
                "tops_per_w": self.tops_per_w}


class Statement(NamedTuple):
    """What a tile has cost: since its counters were cleared, and its last operation alone."""

    total: Cost
    last: Cost


SETTINGS = ("t_precharge", "t_settle", "t_slot", "t_guard", "t_hold", "t_convert", "t_recover", "encoding",
            "half_select")
"""Registers on which time and energy depend, where the tile has them."""


def settings(tile) -> dict[str, int]:
    """The registers of SETTINGS as they stand."""
    return {name: tile.get(name) for name in SETTINGS if name in tile.registers}


def statement(technology: Technology, tile) -> Statement:
    """What a tile has cost, if its registers of SETTINGS have stood as they stand now all the while."""
    registers = settings(tile)
    return Statement(*(cost(technology, tile.config, registers, counters)
                       for counters in (tile.counters(), tile.last_counters())))


def cost(technology: Technology, config: TileConfig, registers: Mapping[str, int], counters: Mapping[str, int]) -> Cost:
    """What `counters` cost on a tile whose registers, by name, stood as in `registers` all the while."""
    latency = counters["chip_cycles"] / technology["clock_hz"]
    multiplications = counters["forwards"] + counters["backwards"] + counters["updates"]
    operations = OPERATIONS_PER_MAC * config.rows * config.cols * multiplications
    slot = registers["t_slot"] / technology["clock_hz"]
    energy = (_device_energy(technology, config, registers, counters, slot) | _line_energy(technology, config, counters)
              | {"conversions": _scaled(counters["conversions"], conversion_energy(technology, config)),
                 "digital": _scaled(counters["chip_cycles"], _figure(technology, "digital_energy_j")),
                 "static": _scaled(latency, _figure(technology, "static_power_w"))})
    return Cost(dict(counters), latency, energy, operations, peak_tops(technology, config, registers))


def add(costs: list[Cost]) -> Cost:
    """The cost of several tiles that work one after the other; the peak is that of the fastest."""
    energy = {name: None if any(cost.energy_j[name] is None for cost in costs)
              else math.fsum(cost.energy_j[name] or 0 for cost in costs) for name in costs[0].energy_j}
    counters = {name: sum(cost.counters[name] for cost in costs) for name in costs[0].counters}
    return Cost(counters, sum(cost.latency_s for cost in costs), energy, sum(cost.operations for cost in costs),
                max(cost.peak_tops for cost in costs))


def peak_tops(technology: Technology, config: TileConfig, registers: Mapping[str, int]) -> float:
    """10^12 operations a second of forwards one after the other."""
    seconds = prediction.multiply_cycles(config, registers) / technology["clock_hz"]
    return OPERATIONS_PER_MAC * config.rows * config.cols / seconds / 1e12


def conversion_energy(technology: Technology, config: TileConfig) -> float | None:
    """Joules of one conversion; None if the technology has no figure for the tile's kind of ADC.

    A SAR's column resistance is that of all cross-points of the longer side side by side.
    """
    if config.adc.kind is not AdcKind.SAR:
        return _figure(technology, f"{config.adc.kind}_energy_j")
    if not technology.has("sar_power_w", "sar_bit_power_w", "sar_cycle_s"):
        return None
    power = technology["sar_power_w"] + technology["sar_bit_power_w"] * config.adc.bits
    if technology.has("sar_column_power_w", "sar_column_decay"):
        column = technology["device_resistance_ohm"] / max(config.rows, config.cols)
        power += technology["sar_column_power_w"] * math.exp(-technology["sar_column_decay"] * math.log10(column))
    return power * (config.adc.bits + 1) * technology["sar_cycle_s"]


def _device_energy(technology, config: TileConfig, registers, counters, slot: float) -> dict[str, float | None]:
    """V^2 / R over the slots that cross-points have a voltage across them."""
    def pulse(voltage: float | None, share: float = 1.0) -> float | None:
        return None if voltage is None else (share * voltage) ** 2 / technology["device_resistance_ohm"] * slot

    read, update = technology["read_voltage_v"], _figure(technology, "update_voltage_v")
    program = _figure(technology, "program_voltage_v")
    half = _HALF_SELECT[registers.get("half_select", 0)]
    coincidences = counters["coincidences"]
    single = (counters["update_row_pulses"] * config.cols + counters["update_col_pulses"] * config.rows
              - 2 * coincidences)
    return {
        "read, rows": _scaled((counters["row_pulses"] - counters["update_row_pulses"]) * config.cols, pulse(read)),
        "read, columns": _scaled((counters["col_pulses"] - counters["update_col_pulses"]) * config.rows, pulse(read)),
        "update, single lines": _scaled(single, pulse(update, 1 / 2)),
        "update, coincidences": _scaled(coincidences, pulse(update)),
        "programming": _scaled(counters["program_pulses"], pulse(program)),
        "half-selects": _scaled(counters["half_selects"], pulse(program, half)),
    }


def _line_energy(technology: Technology, config: TileConfig, counters) -> dict[str, float | None]:
    """C V^2 of a line in every slot in which it is on: the most that its driver can take."""
    capacitance = _figure(technology, "line_capacitance_f")

    def charge(cross_points: int, voltage: float | None) -> float | None:
        if not cross_points:
            return 0.0
        return None if capacitance is None or voltage is None else cross_points * capacitance * voltage ** 2

    read, update = technology["read_voltage_v"], _figure(technology, "update_voltage_v")
    half = None if update is None else update / 2
    lines = {}
    for label, side, length in (("row lines", "row", config.cols), ("column lines", "col", config.rows)):
        updating = counters[f"update_{side}_pulses"]
        reading, stepping = (charge((counters[f"{side}_pulses"] - updating) * length, read),
                             charge(updating * length, half))
        lines[label] = None if reading is None or stepping is None else reading + stepping
    return lines


def _figure(technology: Technology, name: str) -> float | None:
    return technology[name] if technology.has(name) else None


def _scaled(count: float, each: float | None) -> float | None:
    """None only of something that happened and has no figure."""
    return 0.0 if not count else None if each is None else count * each
