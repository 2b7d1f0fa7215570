# SPDX-License-Identifier: Apache-2.0
"""The devices at the cross-points: what each preset is physically, and the step that one pulse makes.

A device model is a set of physical parameters in units of the normalized weight. `populate` draws the
parameters of every device (d2d) and rounds them to the integer planes that the hardware holds, in words of
`parameter_bits`; where all devices are alike, there may be no planes, and the parameters are constants.
`StepEngine` is the arithmetic of one pulse, the same for every model:

    mean   = round(step * table(w)) + round(slope * w)
    delta  = round(mean * (1 + sigma * xi))
    w      = clip(w + delta  or  w - delta,  w_min, w_max)

with `step` and `slope` per device and direction, `table` per direction (left out where it is 1), and every
round half to even. With write noise, w is the hidden, persistent weight, and each pulse draws anew the weight that
multiplies, saturate(w + round(write_sigma * xi')). Sources: reference equations of aihwkit (MIT),
`rpu_pulsed_device.cpp`, `rpu_constantstep_device.cpp`, `rpu_linearstep_device.cpp`; presets `presets/devices.py`.
"""
import math
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Self

import numpy as np

from golden.formats import Format, round_half_even, saturate
from golden.noise import GAUSSIAN_FRAC, Stream, gaussian, uniform_lines

PARAMETER_BITS = 18
"""Widest words of a device's parameters: all bits that steps, slopes and bounds have."""
STEP = Format(16, signed=False)
"""Mean step of a device, in units of 2**-step_frac weight LSBs; narrower in narrower words."""
SLOPE = Format(16)
"""Change of the step over one unit of weight, in units of 2**slope_unit step LSBs; narrower in narrower words."""
SLOPE_UNIT = 3
"""Of slopes in words of 16 bits; of narrower ones what their devices need."""
MEAN = Format(18)
"""Mean step at the present weight, in step LSBs."""
TABLE = Format(16, frac=14, signed=False)
"""Node of a state table: factor on the step."""
TABLE_SEGMENTS_LOG2 = 4
"""The whole weight range [-2, 2) in 16 segments, 17 nodes."""
SIGMA = Format(15, frac=12, signed=False)
"""Cycle-to-cycle standard deviation, relative to the step: at most 7."""
GAIN = Format(18, frac=12)
"""1 + sigma * xi."""
WRITE_SIGMA = Format(17, frac=2, signed=False)
"""Standard deviation of the write noise, in weight LSBs."""
MAX_WRITE_SIGMA = 0.49
"""In units of the normalized weight: what WRITE_SIGMA holds of the finest weights."""
MAX_STEP_FRAC = 8
_EXTREME_XI = 4.4
_LEAST_BOUND = 0.25
"""Share of the mean bound down to which the slopes of soft bounds fit narrow words: bits spent on the few devices below
would be lost to all others."""
_TABLES = ("up", "down")


@dataclass(frozen=True, kw_only=True)
class Device:
    """Physical parameters that all device models share; all in units of the normalized weight.

    `dw_min` is the mean step, `*_dtod` relative standard deviations from device to device, `dw_min_std` the
    relative cycle-to-cycle deviation (c2c) of each step. `up_down` > 0 shrinks the down step by that
    fraction of dw_min, < 0 the up step. `write_noise_std` is the deviation, in units of dw_min, of the weight that
    multiplies from the one that the pulses have reached; it is drawn anew with every pulse. ValueError where a
    parameter is out of its range.
    """

    dw_min: float = 0.001
    dw_min_dtod: float = 0.3
    dw_min_std: float = 0.3
    up_down: float = 0.0
    up_down_dtod: float = 0.01
    w_max: float = 0.6
    w_min: float = -0.6
    w_max_dtod: float = 0.3
    w_min_dtod: float = 0.3
    write_noise_std: float = 0.0

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in _TABLES:
                continue
            if isinstance(value, bool) or not isinstance(value, float | int):
                raise TypeError(f"Device parameter {field.name} must be a number, not {value!r}")
            if not math.isfinite(value):
                raise ValueError(f"Device parameter {field.name} must be finite, not {value}")
        if not 0 < self.dw_min <= 1:
            raise ValueError(f"Device parameter dw_min must be in 0..1 and above 0, not {self.dw_min}")
        if not 0 <= self.dw_min_std <= 7:  # 1 + 7 * 4.33 is what GAIN holds
            raise ValueError(f"Device parameter dw_min_std must be in 0..7, not {self.dw_min_std}")
        if not 0 <= self.write_noise_std * self.dw_min <= MAX_WRITE_SIGMA:
            raise ValueError(f"Device parameter write_noise_std must be in 0..{MAX_WRITE_SIGMA} / dw_min "
                             f"({MAX_WRITE_SIGMA / self.dw_min:g}), not {self.write_noise_std}")
        if not 0 < self.w_max < 2:
            raise ValueError(f"Device parameter w_max must be above 0 and below 2, not {self.w_max}")
        if not -2 <= self.w_min < 0:
            raise ValueError(f"Device parameter w_min must be at least -2 and below 0, not {self.w_min}")
        for field in fields(self):
            if field.name.endswith("_dtod") and not 0 <= getattr(self, field.name) <= 2:
                raise ValueError(f"Device parameter {field.name} must be in 0..2, not {getattr(self, field.name)}")

    @property
    def spreads(self) -> tuple[str, ...]:
        """Names of the parameters by which one device differs from another."""
        return tuple(field.name for field in fields(self) if field.name.endswith("_dtod") and getattr(self, field.name))

    def alike(self) -> Self:
        """The same devices without any spread."""
        return replace(self, **dict.fromkeys(self.spreads, 0.0))

    @property
    def largest_step(self) -> float:
        """What the step of next to no device exceeds."""
        return self.dw_min * (1 + abs(self.up_down) + _EXTREME_XI * (self.dw_min_dtod + self.up_down_dtod))

    @property
    def largest_slope(self) -> float:
        """The same of the change of the step over one unit of weight."""
        return 0.0

    @property
    def has_slope(self) -> bool:
        """Whether the step depends linearly on the weight."""
        return False

    @property
    def table(self) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
        """Factor on the (up, down) step at the 17 nodes -2, -1.75, ..., 2 of the weight; None where it is 1."""
        return None

    def slopes(self, step_up, step_down, w_max, w_min, xi):
        """Slopes (up, down) of the step over the weight; `xi(n)` draws the n-th Gaussian of every device."""
        return np.zeros_like(step_up), np.zeros_like(step_down)


@dataclass(frozen=True, kw_only=True)
class ConstantStep(Device):
    """Every pulse makes the same mean step, wherever the weight is."""


@dataclass(frozen=True, kw_only=True)
class LinearStep(Device):
    """The step shrinks linearly towards the bound: by `gamma` (+ gamma_dtod * xi) of itself at the mean bound."""

    gamma_up: float = 0.0
    gamma_down: float = 0.0
    gamma_up_dtod: float = 0.05
    gamma_down_dtod: float = 0.05

    @property
    def has_slope(self) -> bool:
        return True

    @property
    def largest_slope(self) -> float:
        up = (abs(self.gamma_up) + _EXTREME_XI * self.gamma_up_dtod) / self.w_max
        down = (abs(self.gamma_down) + _EXTREME_XI * self.gamma_down_dtod) / -self.w_min
        return self.largest_step * max(up, down)

    def slopes(self, step_up, step_down, w_max, w_min, xi):
        gamma_up = np.abs(self.gamma_up + self.gamma_up_dtod * xi(4))
        gamma_down = np.abs(self.gamma_down + self.gamma_down_dtod * xi(5))
        return -gamma_up * step_up / self.w_max, -gamma_down * step_down / self.w_min


@dataclass(frozen=True, kw_only=True)
class SoftBounds(Device):
    """The step shrinks linearly to nothing at the device's own bound."""

    @property
    def has_slope(self) -> bool:
        return True

    @property
    def largest_slope(self) -> float:
        w_max = self.w_max * max(1 - _EXTREME_XI * self.w_max_dtod, _LEAST_BOUND)
        w_min = -self.w_min * max(1 - _EXTREME_XI * self.w_min_dtod, _LEAST_BOUND)
        return self.largest_step / min(w_max, w_min)

    def slopes(self, step_up, step_down, w_max, w_min, xi):
        return -step_up / w_max, -step_down / w_min


@dataclass(frozen=True, kw_only=True)
class PiecewiseStep(Device):
    """The step follows a table of the weight, the same for all devices, with linear interpolation.

    `up` and `down` hold the factor on the step at 17 weights from -2 to 2 in steps of 0.25, each in 0..3.99.
    """

    up: tuple[float, ...] = (1.0,) * 17
    down: tuple[float, ...] = (1.0,) * 17

    def __post_init__(self):
        super().__post_init__()
        for name in _TABLES:  # hashable, whatever sequence it came as
            object.__setattr__(self, name, tuple(float(node) for node in getattr(self, name)))
        for name, nodes in (("up", self.up), ("down", self.down)):
            if len(nodes) != (1 << TABLE_SEGMENTS_LOG2) + 1:
                raise ValueError(f"Device table {name} must have 17 nodes, not {len(nodes)}")
            if not all(0 <= node <= TABLE.max * TABLE.lsb for node in nodes):
                raise ValueError(f"Device table {name} must hold factors in 0..3.99, not {nodes}")

    @property
    def table(self):
        return self.up, self.down


@dataclass(frozen=True)
class StepEngine:
    """The integer arithmetic of one pulse, for a device model on weights of a given format.

    `parameter_bits` is the width of a device's parameters, or 0 for constants of full width, the `nominal` ones.
    """

    device: Device
    weight: Format
    parameter_bits: int = PARAMETER_BITS

    @cached_property
    def step(self) -> Format:
        """Steps, in units of 2**-step_frac weight LSBs."""
        return Format(self._bits(STEP), signed=False)

    @cached_property
    def slope(self) -> Format:
        """Slopes, in units of 2**slope_unit step LSBs per unit of weight."""
        return Format(self._bits(SLOPE))

    @cached_property
    def bound(self) -> Format:
        """Bounds: the upper bits of weights."""
        bits = self._bits(self.weight)
        return Format(bits, frac=bits - 2)

    def _bits(self, widest: Format) -> int:
        return min(self.parameter_bits or PARAMETER_BITS, widest.bits)

    @property
    def bound_shift(self) -> int:
        """Left shift of a bound to a weight."""
        return self.weight.bits - self.bound.bits

    @cached_property
    def step_frac(self) -> int:
        """Bits of the step behind the weight's LSB: as many, up to 8, as let the largest step fit its word."""
        frac = math.frexp(self.step.max / (self.device.largest_step * 2.0 ** self.weight.frac))[1] - 1
        return min(max(frac, 0), MAX_STEP_FRAC)

    @property
    def least_bits(self) -> int:
        """Fewest bits that hold the largest step in whole weight LSBs; in the widest words it may saturate."""
        return min(math.ceil(self.device.largest_step * 2.0 ** self.weight.frac).bit_length(), STEP.bits)

    @cached_property
    def slope_unit(self) -> int:
        """Bits of the step's LSB before the slope's: in narrow words as few as let the largest slope fit."""
        if self.slope.bits == SLOPE.bits:
            return SLOPE_UNIT
        largest = self.device.largest_slope * 2.0 ** (self.weight.frac + self.step_frac)
        return max(math.frexp(largest / self.slope.max)[1], 0)

    @cached_property
    def sigma(self) -> int:
        """Cycle-to-cycle deviation as a code of SIGMA; 0 leaves the noise out."""
        return int(SIGMA.quantize(self.device.dw_min_std))

    @cached_property
    def write_sigma(self) -> int:
        """Write noise as a code of WRITE_SIGMA; 0 leaves it out."""
        deviation = self.device.write_noise_std * self.device.dw_min
        return int(WRITE_SIGMA.quantize(deviation * 2.0 ** self.weight.frac))

    @cached_property
    def table(self) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
        """Nodes of the (up, down) state table as codes of TABLE."""
        if self.device.table is None:
            return None
        up, down = (tuple(int(code) for code in TABLE.quantize(nodes)) for nodes in self.device.table)
        return up, down

    @property
    def slope_shift(self) -> int:
        """Right shift of slope * w to step LSBs."""
        return self.weight.frac - self.slope_unit

    def mean(self, w, up, step, slope):
        """Mean step at weights `w` in step LSBs; `up` is a boolean array, the rest int64 arrays of one shape."""
        mean = step
        if self.table is not None:
            segment_bits = self.weight.bits - TABLE_SEGMENTS_LOG2
            position = w - self.weight.min
            segment, fraction = position >> segment_bits, position & ((1 << segment_bits) - 1)
            nodes = np.array(self.table, dtype=np.int64)[1 - up.astype(np.int64), :]
            start = np.take_along_axis(nodes, segment[..., None], -1)[..., 0]
            end = np.take_along_axis(nodes, segment[..., None] + 1, -1)[..., 0]
            factor = start + round_half_even((end - start) * fraction, segment_bits)
            mean = round_half_even(mean * factor, TABLE.frac)
        if self.device.has_slope:
            mean = mean + round_half_even(slope * w, self.slope_shift)
        return saturate(mean, MEAN)

    def pulse(self, w, up, step, slope, w_max, w_min, xi):
        """Weights after one pulse each, in the direction `up`; `xi` are Gaussians, ignored where sigma is 0."""
        mean = self.mean(w, up, step, slope)
        if self.sigma:
            gain = (1 << GAIN.frac) + round_half_even(self.sigma * xi, GAUSSIAN_FRAC)
            delta = round_half_even(mean * gain, GAIN.frac + self.step_frac)
        else:
            delta = round_half_even(mean, self.step_frac)
        return np.clip(np.where(up, w + delta, w - delta), w_min << self.bound_shift, w_max << self.bound_shift)

    def apparent(self, w, xi):
        """Weights that multiply, from the persistent ones `w` and a Gaussian each; only with write noise."""
        noise = round_half_even(self.write_sigma * xi, GAUSSIAN_FRAC + WRITE_SIGMA.frac)
        return saturate(w + noise, self.weight)

    def populate(self, rows: int, cols: int, seed: int, rounds: int) -> dict[str, np.ndarray]:
        """Draw the parameters of rows x cols devices; int64 planes by name, each of shape (rows, cols).

        There are none where the parameters are constants.
        """
        def xi(parameter: int):
            draws = uniform_lines(seed, Stream.DEVICE, 0, np.arange(rows), cols, parameter, rounds)
            return gaussian(draws) / 2.0 ** GAUSSIAN_FRAC

        return self._parameters(xi) if self.parameter_bits else {}

    @cached_property
    def nominal(self) -> dict[str, int]:
        """The parameters of devices without spread, by the names of their planes."""
        return {name: int(value) for name, value in self._parameters(lambda _: 0.0).items()}

    def _parameters(self, xi) -> dict[str, np.ndarray]:
        """Parameters of devices by name; `xi(n)` draws the n-th Gaussian of every one.

        Source: `PulsedRPUDevice::populate` of aihwkit with enforce_consistency.
        """
        device = self.device
        gain = 1 + device.dw_min_dtod * xi(0)
        asymmetry = device.up_down_dtod * xi(1)
        step_up = np.abs(device.dw_min * (min(device.up_down, 0) + gain + asymmetry))
        step_down = np.abs(device.dw_min * (gain - asymmetry - max(device.up_down, 0)))
        least = self.bound.lsb
        w_max = np.clip(np.abs(device.w_max * (1 + device.w_max_dtod * xi(2))), least, self.bound.max * least)
        w_min = np.clip(-np.abs(device.w_min * (1 + device.w_min_dtod * xi(3))), -2, -least)
        planes = {
            "step_up": self._step_code(step_up), "step_down": self._step_code(step_down),
            "w_max": self.bound.quantize(w_max), "w_min": self.bound.quantize(w_min),
        }
        if device.has_slope:
            scale = 2.0 ** (self.weight.frac + self.step_frac - self.slope_unit)
            up, down = device.slopes(step_up, step_down, w_max, w_min, xi)
            planes |= {"slope_up": self.slope.quantize(up * scale), "slope_down": self.slope.quantize(down * scale)}
        return planes

    def _step_code(self, step):
        return self.step.quantize(step * 2.0 ** (self.weight.frac + self.step_frac))
