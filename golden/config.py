# SPDX-License-Identifier: Apache-2.0
"""The configuration of a tile: everything that both the model and the hardware are derived from."""
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import NamedTuple

import numpy as np

from golden.adc import GAIN, Adc, AdcConfig
from golden.correction import CORRECTION_GAIN
from golden.device import PARAMETER_BITS, Device, StepEngine
from golden.formats import Format, divide_half_even
from golden.threefry import MAX_ROUNDS, MIN_ROUNDS

MAX_BL = 63
"""Most slots of an update train, of any tile."""
LEAST_MAX_BL = 31
"""What every tile can do of them: a train that is given as a word has as many."""
LEVEL = Format(18, symmetric=True)
"""Signed pulse probability of a line in an update, in units of 2**-16; its magnitude is at most 2**16."""
MAX_LEVEL = 1 << 16
PINS_LATENCY = 3
"""Cycles from the digital half to pins and back: a register on the way out, a synchronizer of two on the way in."""
MAX_READS_LOG2 = 8
MIN_PARAMETER_BITS = 8
ALL = -1
"""Row or column of a programming command that means all of them."""
VECTOR = Format(24, frac=16)
"""Real vectors at the driver's side of input and output management."""


class Plane(IntEnum):
    """Loadable state of a tile, by its number on the bus."""

    WEIGHT = 0
    STEP_UP = 1
    STEP_DOWN = 2
    W_MAX = 3
    W_MIN = 4
    SLOPE_UP = 5
    SLOPE_DOWN = 6
    ADC_GAIN = 7
    ADC_OFFSET = 8
    HIDDEN = 9
    """Persistent weights of devices with write noise, whose WEIGHT is what multiplies."""
    ADC_DAC = 10
    """Deviations of the capacitors of successive approximation with mismatch, a row a bit."""
    COMPARATOR = 11
    """Offsets of the comparators, where they have any."""
    CORRECTION_OFFSET = 12
    CORRECTION_GAIN = 13
    """Digital correction of the outputs, where the register `correct` says so."""


DIGITAL = (Plane.CORRECTION_OFFSET, Plane.CORRECTION_GAIN)
"""Planes of the digital half, which a tile with a real array has as well."""


ENGINES = ("managed", "programming", "correction", "update")
"""Parts that a tile may leave out: the commands of managed vectors, those of programming, the digital correction, and
updates, with the parameters of the devices. Raw forward and backward are always there."""
COUNTERS = ("forwards", "backwards", "updates", "programs", "slots", "row_pulses", "col_pulses", "coincidences",
            "program_pulses", "half_selects", "conversions", "saturations", "retries", "chip_cycles",
            "emulation_cycles", "update_row_pulses", "update_col_pulses")
"""64-bit counters since the last reset, low word first; and the same of the last operation alone, 32 bits. Pulses are
slots in which a line was on, but for programming; those of updates are counted once more by themselves, as their
voltage is another one."""


SETTINGS = ("t_precharge", "t_settle", "t_slot", "t_guard", "t_hold", "t_convert", "t_recover", "watchdog", "encoding",
            "train", "half_select", "nm", "bm_passes", "bm_backward", "um", "bl", "ratio", "verify_tolerance",
            "verify_reads", "verify_limit", "verify_pulses", "verify_gain", "verify_patience", "correct", "irq_enable")
"""Registers that say how operations go, which a tile may have fixed at what they are at reset: it needs no logic then
for what they could be otherwise. Seed and event can always be written."""


class PlaneShape(NamedTuple):
    """Format of a plane's words, and how many of them."""

    format: Format
    rows: int
    cols: int


def check_int(name: str, value, low: int, high: int):
    """TypeError unless `value` is an integer, ValueError unless it is in low..high."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an integer, not {value!r}")
    if not low <= value <= high:
        raise ValueError(f"{name} must be in {low}..{high}, not {value}")


def _choice(what: str, names, choices: tuple[str, ...]) -> tuple[str, ...]:
    """Some of the choices, each at most once, in the order of all."""
    if isinstance(names, str) or not isinstance(names, Collection):
        raise TypeError(f"{what} must be a collection of names, not {names!r}")
    for name in names:
        if name not in choices:
            raise ValueError(f"{what} must be of {', '.join(choices)}, not {name!r}")
    return tuple(name for name in choices if name in names)


@dataclass(frozen=True, kw_only=True)
class TileConfig:
    """One tile: R rows x C columns of devices, P multiply-accumulate lanes, and its converters.

    Parameters: `rows`, `cols` in 2..1024; `lanes` in 1..cols (cols need not be a multiple); `code_bits` of input
    and error codes in 2..9; `weight_bits` in 8..18; `rounds` of Threefry in 13..32; `max_bl`, slots of the
    longest update, in 31..63; `pins` where a real array is
    behind the analog port, whose planes nobody can load, and not an emulator; `folded` where lines travel in beats to
    an array with its own pulse drivers and converters, and not over a wire a line: the same bits, and logic that does
    not grow with the lines, but ideal converters (sar or spi, apart from noise, gain and offset) and no programming
    commands; `rolled`, of folded tiles, where draws and gains take several cycles each in little logic, line after
    line, and not one in pipelines: the same bits, but no noise of steps and writes; the `engines` (of ENGINES) and
    `counters` (of COUNTERS) that it has, and whether it has `operation_counters`, those of the last operation alone:
    what a small device leaves out; the `fixed` registers (of SETTINGS); `parameter_bits` in 8..18 of the words that
    hold the devices' parameters, or 0 where all devices are alike: constants, which take no memory. TypeError for a
    wrong kind, ValueError for a wrong range. Hashable: the key of build caches and the id of tests.
    """

    rows: int = 64
    cols: int = 64
    lanes: int = 16
    code_bits: int = 7
    weight_bits: int = 18
    adc: AdcConfig = field(default_factory=AdcConfig)
    device: Device = field(default_factory=Device)
    rounds: int = MIN_ROUNDS
    max_bl: int = MAX_BL
    pins: bool = False
    folded: bool = False
    rolled: bool = False
    engines: tuple[str, ...] = ENGINES
    counters: tuple[str, ...] = COUNTERS
    operation_counters: bool = True
    fixed: tuple[str, ...] = ()
    parameter_bits: int = PARAMETER_BITS

    def __post_init__(self):
        check_int("Row count", self.rows, 2, 1024)
        check_int("Column count", self.cols, 2, 1024)
        check_int("Lane count", self.lanes, 1, 1024)
        if self.lanes > self.cols:
            raise ValueError(f"Lane count must be at most the column count {self.cols}, not {self.lanes}")
        check_int("Input code width", self.code_bits, 2, 9)
        check_int("Weight width", self.weight_bits, 8, 18)
        check_int("Threefry rounds", self.rounds, MIN_ROUNDS, MAX_ROUNDS)
        check_int("Most slots of an update", self.max_bl, LEAST_MAX_BL, MAX_BL)
        if not isinstance(self.adc, AdcConfig):
            raise TypeError(f"ADC configuration must be an AdcConfig, not {self.adc!r}")
        for name, value in (("Pins", self.pins), ("Folded", self.folded), ("Rolled", self.rolled),
                            ("Operation counters", self.operation_counters)):
            if not isinstance(value, bool):
                raise TypeError(f"{name} must be true or false, not {value!r}")
        object.__setattr__(self, "engines", _choice("Engines", self.engines, ENGINES))
        object.__setattr__(self, "counters", _choice("Counters", self.counters, COUNTERS))
        object.__setattr__(self, "fixed", _choice("Fixed registers", self.fixed, SETTINGS))
        if self.folded and self.pins:
            raise ValueError("A folded tile must be one without pins")
        if "programming" in self.engines and "update" not in self.engines:
            raise ValueError(f"Engines with programming must be with update, not {', '.join(self.engines)}")
        if self.folded and "programming" in self.engines:
            raise ValueError(f"Engines of a folded tile must be without programming, not {', '.join(self.engines)}")
        if self.folded and not self.adc.is_ideal:
            raise ValueError("Converters of a folded tile must be sar or spi without mismatch, offsets and noise of "
                             f"comparators, not {self.adc!r}")
        if not isinstance(self.device, Device):
            raise TypeError(f"Device must be a Device, not {self.device!r}")
        self._check_rolled()
        self._check_parameters()
        if self.adc.columns_per_adc > self.n_converters:
            raise ValueError(f"ADC columns_per_adc must be at most the lines of the longer side, "
                             f"{self.n_converters}, not {self.adc.columns_per_adc}")
        _ = self.converter  # refuses a bound that the converters cannot scale to

    def _check_rolled(self):
        if not self.rolled:
            return
        if not self.folded:
            raise ValueError("A rolled tile must be folded")
        if self.lanes & (self.lanes - 1):
            raise ValueError(f"Lane count of a rolled tile must be a power of two, not {self.lanes}")
        if "update" in self.engines and (self.engine.sigma or self.engine.write_sigma):
            raise ValueError("Device of a rolled tile must have dw_min_std and write_noise_std 0, not "
                             f"{self.device.dw_min_std:g} and {self.device.write_noise_std:g}")

    def _check_parameters(self):
        check_int("Parameter width", self.parameter_bits, 0, PARAMETER_BITS)
        if self.parameter_bits == 0 and self.device.spreads:
            raise ValueError(f"Parameter width must be above 0 for devices that differ in "
                             f"{', '.join(self.device.spreads)}, not 0")
        if 0 < self.parameter_bits < MIN_PARAMETER_BITS:
            raise ValueError(f"Parameter width must be 0 or in {MIN_PARAMETER_BITS}..{PARAMETER_BITS}, "
                             f"not {self.parameter_bits}")
        if 0 < self.parameter_bits < self.engine.least_bits:
            raise ValueError(f"Parameter width must be at least {self.engine.least_bits}, for steps of up to "
                             f"{self.device.largest_step * 2.0 ** self.weight.frac:.4g} weight LSBs, "
                             f"not {self.parameter_bits}")

    @cached_property
    def code(self) -> Format:
        """Input and error codes."""
        return Format(self.code_bits, symmetric=True)

    @cached_property
    def weight(self) -> Format:
        """Weights: [-2, 2)."""
        return Format(self.weight_bits, frac=self.weight_bits - 2)

    @cached_property
    def charge(self) -> Format:
        """The exact charge of a line: sum of width x weight over the longer side."""
        largest = max(self.rows, self.cols) * self.code.max * -self.weight.min
        return Format(largest.bit_length() + 1)

    @cached_property
    def output(self) -> Format:
        """What a line gives: an ADC code, or with bit-serial inputs the codes of all bits, shifted and added."""
        return Format(self.adc.bits + self.code_bits - 1, symmetric=True)

    @cached_property
    def reference(self) -> int:
        """The reference charge that calibration measures: half of full scale, as near as charges come."""
        half = divide_half_even(self.adc.code.max << 7 + self.converter.shift, self.converter.nominal_gain)
        return min(half, self.charge.max)

    @property
    def n_converters(self) -> int:
        """Lines that are converted, those of the longer side: columns use them in forward, rows in backward."""
        return max(self.rows, self.cols)

    @property
    def n_adcs(self) -> int:
        """Physical converters: number m takes lines m * columns_per_adc + 0, 1, ... by turns."""
        return -(-self.n_converters // self.adc.columns_per_adc)

    @property
    def way_registers(self) -> int:
        """Registers of the RTL on a long way or between two steps: one, or none at a rolled tile's clock."""
        return int(not self.rolled)

    @property
    def chunks(self) -> int:
        """Groups of P columns."""
        return -(-self.cols // self.lanes)

    @property
    def converter_chunks(self) -> int:
        """Groups of P converted lines."""
        return -(-self.n_converters // self.lanes)

    @cached_property
    def engine(self) -> StepEngine:
        return StepEngine(self.device, self.weight, self.parameter_bits)

    @cached_property
    def converter(self) -> Adc:
        return Adc(self.adc, self.weight.lsb / self.code.max)

    @cached_property
    def planes(self) -> dict[Plane, PlaneShape]:
        """The planes that this tile's array has: parameters only where devices differ, slopes and hidden weights only
        where the device model needs them.
        """
        formats, engine = {Plane.WEIGHT: self.weight}, self.engine
        if "update" in self.engines:
            if self.parameter_bits:
                formats |= {Plane.STEP_UP: engine.step, Plane.STEP_DOWN: engine.step,
                            Plane.W_MAX: engine.bound, Plane.W_MIN: engine.bound}
                if self.device.has_slope:
                    formats |= {Plane.SLOPE_UP: engine.slope, Plane.SLOPE_DOWN: engine.slope}
            if engine.write_sigma:
                formats[Plane.HIDDEN] = self.weight
        shapes = {plane: PlaneShape(fmt, self.rows, self.cols) for plane, fmt in formats.items()}
        shapes |= {Plane.ADC_GAIN: PlaneShape(GAIN, 1, self.n_converters),
                   Plane.ADC_OFFSET: PlaneShape(self.adc.offset, 1, self.n_converters)}
        if "correction" in self.engines:
            shapes |= {Plane.CORRECTION_OFFSET: PlaneShape(self.adc.offset, 1, self.n_converters),
                       Plane.CORRECTION_GAIN: PlaneShape(CORRECTION_GAIN, 1, self.n_converters)}
        if self.adc.capacitor_spread:
            shapes[Plane.ADC_DAC] = PlaneShape(self.adc.offset, self.adc.bits, self.n_converters)
        if self.adc.comparator_offset:
            shapes[Plane.COMPARATOR] = PlaneShape(self.adc.offset, 1, self.n_converters)
        return dict(sorted(shapes.items()))

    @property
    def loadable(self) -> dict[Plane, PlaneShape]:
        """The planes that commands reach: behind pins those of the digital correction alone."""
        return {plane: shape for plane, shape in self.planes.items() if plane in DIGITAL or not self.pins}

    @cached_property
    def constants(self) -> dict[Plane, np.ndarray]:
        """What the planes of the devices' parameters would hold where there are none, as all devices are alike."""
        nominal = {} if self.parameter_bits else self.engine.nominal
        return {Plane[name.upper()]: np.full((self.rows, self.cols), value) for name, value in nominal.items()}

    def bounds(self, planes: Mapping[Plane, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """The least and the largest weight (R, C) of every device, from the planes of a tile."""
        w_min, w_max = ({**planes, **self.constants}[plane] << self.engine.bound_shift
                        for plane in (Plane.W_MIN, Plane.W_MAX))
        return w_min, w_max

    def populate(self, seed: int) -> dict[Plane, np.ndarray]:
        """Draw all devices and converters: every plane but WEIGHT, HIDDEN and those of the correction, int64."""
        drawn = (self.engine.populate(self.rows, self.cols, seed, self.rounds)
                 | self.converter.populate(self.n_converters, seed, self.rounds))
        return {Plane[name.upper()]: values for name, values in drawn.items()}
