# SPDX-License-Identifier: Apache-2.0
"""Random tile configurations, drawn as `crosstwin.stimulus` draws packets for them."""
from dataclasses import replace

import numpy as np

from golden.adc import AdcConfig, AdcKind
from golden.config import COUNTERS, ENGINES, LEAST_MAX_BL, MAX_BL, MIN_PARAMETER_BITS, SETTINGS, TileConfig
from golden.device import (
    MAX_WRITE_SIGMA,
    PARAMETER_BITS,
    ConstantStep,
    Device,
    LinearStep,
    PiecewiseStep,
    SoftBounds,
    StepEngine,
)
from golden.formats import Format

_WHOLE = 0.7
"""Share of the tiles that leave nothing out."""

_FOLDED = 0.25
"""Share of the tiles that are folded."""

_ROLLED = 0.3
"""Share of the folded tiles that are rolled."""

_NARROW = 0.4
"""Share of the tiles whose devices have narrow parameters or constant ones."""


def draw_config(rng: np.random.Generator) -> TileConfig:
    """A tile configuration; most are small, one in eight has up to 70 rows or columns."""
    rows, cols = (int(n) for n in rng.integers(2, 71 if rng.random() < 0.125 else 25, 2))
    fields = {"rows": rows, "cols": cols, "lanes": int(rng.integers(1, cols + 1)),
              "code_bits": int(rng.integers(2, 10)), "weight_bits": int(rng.integers(8, 19)),
              "rounds": int(rng.integers(13, 21)), "device": _device(rng), **_parts(rng)}
    fields |= _parameters(rng, fields["device"], fields["weight_bits"])
    if rng.random() < _FOLDED:
        engines = fields.get("engines", ENGINES)
        fields |= {"folded": True, "engines": [name for name in engines if name != "programming"]}
        if rng.random() < _ROLLED:
            quiet = replace(fields["device"], dw_min_std=0.0, write_noise_std=0.0)
            fields |= {"rolled": True, "device": quiet, "lanes": 1 << int(fields["lanes"]).bit_length() - 1}
    while True:
        try:
            return TileConfig(adc=_adc(rng, max(rows, cols)), **fields)
        except ValueError:
            continue  # these weights and codes cannot scale to the bound, or a folded tile cannot have the converter


def _parts(rng: np.random.Generator) -> dict:
    """What a tile has of what it may leave out: mostly all, else any engines, none, some or all counters and settings,
    and shorter updates.
    """
    if rng.random() < _WHOLE:
        return {}
    share = rng.choice([0, 0.5, 1])
    engines = [engine for engine in ENGINES if rng.random() < 0.5]
    if "programming" in engines and "update" not in engines:
        engines.append("update")
    return {"engines": engines, "max_bl": int(rng.integers(LEAST_MAX_BL, MAX_BL + 1)),
            "fixed": [name for name in SETTINGS if rng.random() < 1 - share],
            "counters": [name for name in COUNTERS if rng.random() < share],
            "operation_counters": bool(rng.random() < 0.5)}


def _parameters(rng: np.random.Generator, device: Device, weight_bits: int) -> dict:
    """Width of the parameters: at least what the device's steps need, or 0, with devices that are alike."""
    if rng.random() >= _NARROW:
        return {}
    bits = int(rng.choice([0, 0, *range(MIN_PARAMETER_BITS, PARAMETER_BITS)]))
    if bits == 0:
        return {"device": device.alike(), "parameter_bits": 0}
    return {"parameter_bits": max(bits, StepEngine(device, Format(weight_bits, frac=weight_bits - 2)).least_bits)}


def _adc(rng, longest: int) -> AdcConfig:
    """A converter whose bound lies about the output of random codes and weights: few codes saturate, few are 0."""
    kind = AdcKind(str(rng.choice(list(AdcKind), p=[0.4, 0.2, 0.2, 0.2])))
    is_counting = kind in (AdcKind.RAMP, AdcKind.CCO)
    bits = int(rng.integers(4, 8 if is_counting else 17 if kind is AdcKind.SPI else 15))
    largest = (1 << (bits - 1)) - 1

    def sometimes(share: float, low: float, high: float) -> float:
        return float(rng.uniform(low, high)) if rng.random() < share else 0.0

    own: dict = {}
    if kind in (AdcKind.SAR, AdcKind.RAMP):
        own = {"comparator_offset": sometimes(0.4, 0, min(25, 0.2 * largest)),
               "comparator_noise": sometimes(0.4, 0, min(15.9, 0.2 * largest))}
    match kind:
        case AdcKind.SAR:
            own["capacitor_spread"] = sometimes(0.4, 0, 0.2)
        case AdcKind.RAMP:
            own["bow"] = sometimes(0.5, -1, 1) * min(25.0, largest / 4)
        case AdcKind.CCO:
            own["phase_noise"] = int(rng.integers(2))
    steps = AdcConfig(kind=kind, bits=bits).steps
    most = min(longest, max(1, 600 // steps))  # emulation takes all rounds
    return AdcConfig(kind=kind, bits=bits, bound=float(longest ** 0.5 * 2.0 ** rng.uniform(-4, 2)),
                     columns_per_adc=int(rng.choice([1, most, rng.integers(1, most + 1)])),
                     noise=sometimes(0.85, 0, min(15.9, 0.3 * largest)), gain_spread=sometimes(0.7, 0, 0.2),
                     offset_spread=sometimes(0.7, 0, min(25, 0.2 * largest)), **own)


def _device(rng) -> Device:
    def share(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    common = {
        "dw_min": float(10.0 ** rng.uniform(-4, -0.5)), "dw_min_dtod": share(0, 0.6),
        "dw_min_std": share(0, 1.5 if rng.random() < 0.9 else 6.9) if rng.random() < 0.8 else 0.0,
        "up_down": share(-0.8, 0.8) if rng.random() < 0.5 else 0.0, "up_down_dtod": share(0, 0.2),
        "w_max": share(0.05, 1.95), "w_min": -share(0.05, 2.0),
        "w_max_dtod": share(0, 0.5), "w_min_dtod": share(0, 0.5),
    }
    if rng.random() < 0.4:
        common["write_noise_std"] = float(10.0 ** rng.uniform(-3, -0.01) * MAX_WRITE_SIGMA) / common["dw_min"]
    match int(rng.integers(4)):
        case 0:
            return ConstantStep(**common)
        case 1:
            return LinearStep(**common, gamma_up=share(0, 1.2), gamma_down=share(0, 1.2),
                              gamma_up_dtod=share(0, 0.3), gamma_down_dtod=share(0, 0.3))
        case 2:
            return SoftBounds(**common)
        case _:
            up, down = (tuple(float(node) for node in rng.uniform(0, high, 17)) for high in rng.choice([1.5, 3.99], 2))
            return PiecewiseStep(**common, up=up, down=down)
