# SPDX-License-Identifier: Apache-2.0
"""Technologies: the physical figures that turn counts of pulses and conversions into seconds and joules.

A technology is a TOML file, `title` and one table a figure. A figure's unit is the end of its name:

    [read_voltage_v]
    value = 0.4
    source = "where it is from, or how it was derived"
    verified = false    # left out where the source itself was read

What a technology has no figure for is left out of its energy, and said to be so; it never counts as nothing.
"""
import tomllib
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

REQUIRED = {
    "clock_hz": "clock of the tile controller: one chip cycle",
    "device_resistance_ohm": "mean resistance of a cross-point, all its devices together",
    "read_voltage_v": "on a line that is on in forward and backward",
}
OPTIONAL = {
    "update_voltage_v": "across a cross-point in a coincidence; each of its lines carries half of it",
    "program_voltage_v": "across a selected cross-point in a programming slot",
    "line_capacitance_f": "of a line, per cross-point",
    "digital_energy_j": "of the digital half, per chip cycle",
    "static_power_w": "of the whole tile, whatever it does",
    "sar_power_w": "of a successive-approximation ADC, without its bits and column",
    "sar_bit_power_w": "more of it per bit",
    "sar_column_power_w": "more of it times exp(-sar_column_decay * log10(column resistance in ohm))",
    "sar_column_decay": "see sar_column_power_w",
    "sar_cycle_s": "of a trial; a conversion takes one more than it has bits",
    "ramp_energy_j": "of a conversion of a single-slope ramp ADC",
    "cco_energy_j": "of a conversion of a current-controlled-oscillator ADC",
    "spi_energy_j": "of a conversion of an external serial ADC",
}
_KEYS = {"value": True, "source": True, "verified": False}
"""Keys of a figure, and whether each must be there."""


@dataclass(frozen=True)
class Figure:
    """A physical figure in the SI unit that its name ends with, and where it is from."""

    value: float
    source: str
    verified: bool = True


@dataclass(frozen=True)
class Technology:
    """Figures by name; those in REQUIRED are there, those in OPTIONAL may be."""

    name: str
    title: str
    figures: dict[str, Figure] = field(hash=False)

    def __getitem__(self, name: str) -> float:
        return self.figures[name].value

    def has(self, *names: str) -> bool:
        """Whether all these figures are there."""
        return all(name in self.figures for name in names)


def names() -> list[str]:
    """Technologies that come with CrossTwin."""
    return sorted(path.name.removesuffix(".toml") for path in resources.files(__name__).iterdir()
                  if path.name.endswith(".toml"))


def load(name: str) -> Technology:
    """The technology of that name, or of that .toml file; ValueError says in a sentence what is wrong."""
    if name in names():
        text = resources.files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    elif not name.endswith(".toml"):
        raise ValueError(f"Technology must be one of {', '.join(names())} or a .toml file, not {name!r}")
    else:
        try:
            text = Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"Technology {name} must be a text file that can be read, but: "
                             f"{getattr(error, 'strerror', None) or error}") from None
    try:
        return from_dict(Path(name).stem, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"Technology {name} must be TOML, but: {error}") from None
    except ValueError as error:
        raise ValueError(f"Technology {name}: {error}") from None


def from_dict(name: str, content: dict) -> Technology:
    """A technology from the contents of its file; ValueError names the figure that is missing, unknown or wrong."""
    known = REQUIRED | OPTIONAL
    title = content.get("title")
    if not isinstance(title, str) or not title:
        raise ValueError(f"title must be a text, not {title!r}")
    for key in content:
        if key != "title" and key not in known:
            raise ValueError(f"Figures must be of {', '.join(known)}, not {key!r}")
    for key in REQUIRED:
        if key not in content:
            raise ValueError(f"{key} must be given: {REQUIRED[key]}")
    return Technology(name, title, {key: _figure(key, content[key]) for key in known if key in content})


def _figure(name: str, table) -> Figure:
    if not isinstance(table, dict):
        raise ValueError(f"{name} must be a table with {' and '.join(_KEYS)}, not {table!r}")
    for key in table:
        if key not in _KEYS:
            raise ValueError(f"Keys of {name} must be of {', '.join(_KEYS)}, not {key!r}")
    value, source, verified = table.get("value"), table.get("source"), table.get("verified", True)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ValueError(f"{name} must have a value above 0, not {value!r}")
    if not isinstance(source, str) or not source:
        raise ValueError(f"{name} must have a source, a text, not {source!r}")
    if not isinstance(verified, bool):
        raise ValueError(f"verified of {name} must be true or false, not {verified!r}")
    return Figure(float(value), source, verified)
