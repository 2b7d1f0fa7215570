# SPDX-License-Identifier: Apache-2.0
"""The register map, as data: RTL bank, driver and documentation are made from it."""
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum, IntFlag

from golden.config import COUNTERS, ENGINES, MAX_BL, PINS_LATENCY, SETTINGS, TileConfig
from golden.device import PARAMETER_BITS

CONTRACT_VERSION = 2
FIRST_STATUS = 34
"""Registers from here on change nothing about an operation."""
FIRST_COUNTER = 64
FIRST_OPERATION_COUNTER = 128
_OF_ENGINE = {
    "managed": ("nm", "bm_passes", "bm_backward", "um", "bl", "ratio"),
    "programming": ("half_select", "verify_tolerance", "verify_reads", "verify_limit", "verify_pulses", "verify_gain",
                    "verify_patience"),
    "correction": ("correct",),
    "update": ("train", "um", "bl", "ratio"),
}
"""Registers that are there for an engine alone, and are left out with it."""


class Interrupt(IntFlag):
    """Bits of `irq_status` and `irq_enable`."""

    DONE = 1
    """An operation has been answered."""
    ERROR = 2
    """A packet has been answered with a status other than OK."""
    SATURATION = 4
    """A conversion of an operation saturated."""


class Access(Enum):
    """What a register does with reads and writes."""

    READ = "read"
    """Writes are refused."""
    WRITE = "read, write"
    """Holds what was written."""
    CLEAR = "read, clear"
    """Each bit that is written as 1 becomes 0."""
    COMMAND = "write"
    """Bits written as 1 act at once; it reads 0."""


@dataclass(frozen=True)
class Field:
    """A named group of bits of a register, from bit `lsb` up."""

    name: str
    lsb: int
    bits: int


@dataclass(frozen=True)
class Register:
    """A 32-bit register; what is written must lie in `minimum`..`maximum`, which is 2**bits - 1 without a `limit`.

    `values` are the names of its values from 0 on, where they are choices; `parts` its groups of bits, where there
    is more than one.
    """

    name: str
    index: int
    doc: str
    bits: int = 32
    reset: int = 0
    access: Access = Access.WRITE
    minimum: int = 0
    limit: int | None = None
    values: tuple[str, ...] = ()
    parts: tuple[Field, ...] = ()

    @property
    def fields(self) -> tuple[Field, ...]:
        """Its groups of bits, low ones first."""
        return self.parts or (Field("value", 0, self.bits),)

    @property
    def maximum(self) -> int:
        """Largest value."""
        return (1 << self.bits) - 1 if self.limit is None else self.limit

    @property
    def writable(self) -> bool:
        """Whether a write may be accepted."""
        return self.access is not Access.READ

    @property
    def stored(self) -> bool:
        """Whether it holds what was written: what a checkpoint saves."""
        return self.access is Access.WRITE


_INTERRUPTS = tuple(Field(str(interrupt.name).lower(), interrupt.bit_length() - 1, 1) for interrupt in Interrupt)


_LEFT_OUT = (*(Field(name, n, 1) for n, name in enumerate(COUNTERS)),
             *(Field(name, 24 + n, 1) for n, name in enumerate(ENGINES)), Field("operation_counters", 31, 1))


def left_out(config: TileConfig) -> int:
    """A bit of `_LEFT_OUT` for each part that a tile could have and has not."""
    has = {*config.counters, *config.engines, *(("operation_counters",) if config.operation_counters else ())}
    return sum(1 << part.lsb for part in _LEFT_OUT if part.name not in has)


_FIXED = tuple(Field(name, n, 1) for n, name in enumerate(SETTINGS))


def register_map(config: TileConfig) -> dict[str, Register]:
    """Registers of a tile by name, in the order of their index."""
    formats = config.code_bits | config.weight_bits << 8 | config.adc.bits << 16 | config.rounds << 24
    fastest_trial = 1 + (PINS_LATENCY if config.pins else 0)
    registers = [
        Register("contract", 0, "Version of the numeric contract", reset=CONTRACT_VERSION, access=Access.READ),
        Register("rows", 1, "Rows of the tile", reset=config.rows, access=Access.READ),
        Register("cols", 2, "Columns of the tile", reset=config.cols, access=Access.READ),
        Register("lanes", 3, "Multiply-accumulate lanes, and in bits 21..16 by how many slots the longest update is "
                             "shorter than 63", reset=config.lanes | MAX_BL - config.max_bl << 16, access=Access.READ,
                 parts=(Field("lanes", 0, 16), Field("shortened", 16, 6))),
        Register("formats", 4, "Input code, weight and ADC bits and Threefry rounds, one byte each, low first",
                 reset=formats, access=Access.READ, parts=(Field("code_bits", 0, 8), Field("weight_bits", 8, 8),
                                                           Field("adc_bits", 16, 8), Field("rounds", 24, 8))),
        Register("converter", 5, "Kind of ADC (0 sar, 1 ramp, 2 cco, 3 spi), in bits 23..8 the columns that share one, "
                                 "in bit 24 whether the array is behind pins, in bit 25 whether left_out is there, in "
                                 "bits 30..26 by how many bits parameters of devices are narrower than 18 (18: "
                                 "constants), in bit 31 whether fixed is there",
                 reset=(config.adc.kind.number | config.adc.columns_per_adc << 8 | config.pins << 24
                        | (left_out(config) > 0) << 25 | PARAMETER_BITS - config.parameter_bits << 26
                        | bool(config.fixed) << 31),
                 access=Access.READ,
                 parts=(Field("kind", 0, 8), Field("columns_per_adc", 8, 16), Field("pins", 24, 1),
                        Field("left_out", 25, 1), Field("narrowed", 26, 5), Field("fixed", 31, 1))),
        Register("left_out", 6, "What this tile leaves out: counters in bits 16..0, engines in bits 27..24, in bit 31 "
                                "all counters of the last operation", reset=left_out(config), access=Access.READ,
                 parts=_LEFT_OUT),
        Register("fixed", 7, "Settings that are fixed at what they are at reset, one bit each",
                 reset=sum(1 << field.lsb for field in _FIXED if field.name in config.fixed), access=Access.READ,
                 parts=_FIXED),
        Register("seed", 8, "Seed of all random numbers"),
        Register("event", 9, "Operation counter: the event that the next operation takes"),
        Register("t_precharge", 10, "Cycles of precharge before the window opens", bits=8),
        Register("t_settle", 11, "Cycles before the first slot", bits=8, reset=4, minimum=1),
        Register("t_slot", 12, "Cycles of a slot", bits=8, reset=1, minimum=1),
        Register("t_guard", 13, "Cycles at rest between a change of polarities and the first slot", bits=8),
        Register("t_hold", 14, "Cycles of sample-and-hold", bits=8, reset=4, minimum=1),
        Register("t_convert", 15, "Cycles of one step of the ADCs", bits=8, reset=fastest_trial, minimum=fastest_trial),
        Register("t_recover", 16, "Cycles of recovery behind an operation", bits=8),
        Register("watchdog", 17, "Most cycles to wait for the array; 0 waits for ever", reset=1 << 28),
        Register("encoding", 18, "Input codes: 0 pulse width, 1 bit-serial with shift-and-add behind the ADC, "
                                 "2 bit-serial with analog accumulation", bits=2, limit=2,
                 values=("width", "shift_and_add", "analog")),
        Register("train", 19, "Update trains: 0 stochastic, 1 mean-count, 2 deterministic-implicit, 3 words", bits=2,
                 values=("stochastic", "mean_count", "deterministic", "words")),
        Register("half_select", 20, "Bias of unselected lines while programming: 0 none, 1 V/2, 2 V/3", bits=2,
                 limit=2, values=("none", "half", "third")),
        Register("nm", 21, "Noise management: 0 none, 1 abs-max, 2 abs-max-pow2", bits=2, reset=1, limit=2,
                 values=("none", "abs_max", "abs_max_pow2")),
        Register("bm_passes", 22, "Most passes of bound management; 1 is without", bits=4, reset=5, minimum=1, limit=8),
        Register("bm_backward", 23, "Bound management of backward: 0 off, 1 on", bits=1, values=("off", "on")),
        Register("um", 24, "Update management: 0 off, 1 UM, 2 UM and UBLM", bits=2, reset=2, limit=2,
                 values=("off", "um", "um_and_ublm")),
        Register("bl", 25, "Slots of a managed update, or their limit with UBLM", bits=6, reset=31, minimum=1,
                 limit=config.max_bl),
        Register("ratio", 26, "Learning rate over dw_min, in units of 2^-16"),
        Register("verify_tolerance", 27, "Largest error of a converged weight, in 1/256 ADC LSB", bits=18, reset=256),
        Register("verify_reads", 28, "Reads that are averaged, as a power of two", bits=4, limit=8),
        Register("verify_limit", 29, "Most windows of pulses in program-and-verify", bits=8, reset=64, minimum=1),
        Register("verify_pulses", 30, "Most pulses to a cross-point in a window", bits=6, reset=31, minimum=1,
                 limit=MAX_BL),
        Register("verify_gain", 31, "Pulses per error, in units of 2^-16 pulses per 1/256 ADC LSB", bits=18, reset=256),
        Register("verify_patience", 32, "Windows in one direction without progress behind which a cross-point is stuck",
                 bits=8, reset=8, minimum=1),
        Register("correct", 33, "Digital correction of ADC codes: 0 off, 1 on", bits=1, values=("off", "on")),
        Register("irq_status", 34, "Interrupts that are pending: bit 0 done, 1 error, 2 saturation", bits=3,
                 access=Access.CLEAR, parts=_INTERRUPTS),
        Register("irq_enable", 35, "Interrupts that raise the line, bits as in irq_status", bits=3,
                 parts=_INTERRUPTS),
        Register("aborted_slots", 36, "Slots that an aborted operation has played", access=Access.READ),
        Register("control", 37, "Bit 0 aborts the operation that runs", bits=1, access=Access.COMMAND,
                 parts=(Field("abort", 0, 1),)),
    ]
    for n, name in enumerate(COUNTERS):
        registers += [Register(f"{name}_low", FIRST_COUNTER + 2 * n, f"Counter {name}, bits 31..0",
                               access=Access.READ),
                      Register(f"{name}_high", FIRST_COUNTER + 2 * n + 1, f"Counter {name}, bits 63..32",
                               access=Access.READ)]
    registers += [Register(f"operation_{name}", FIRST_OPERATION_COUNTER + n, f"Counter {name} of the last operation",
                           access=Access.READ) for n, name in enumerate(COUNTERS)]
    absent = _absent(config)
    return {register.name: replace(register, access=Access.READ) if register.name in config.fixed else register
            for register in registers if register.name not in absent}


def _absent(config: TileConfig) -> set[str]:
    """Names of the registers of what a tile leaves out; where that is nothing, `left_out` itself, as is `fixed`."""
    names = {name for engine, own in _OF_ENGINE.items() if engine not in config.engines for name in own}
    for name in COUNTERS:
        if name not in config.counters:
            names |= {f"{name}_low", f"{name}_high"}
        if name not in config.counters or not config.operation_counters:
            names.add(f"operation_{name}")
    itself = {"left_out": left_out(config), "fixed": config.fixed}
    return names | {name for name, is_there in itself.items() if not is_there}


def runs(registers: Iterable[Register]) -> list[range]:
    """Indices of the registers, in runs without a gap: what one GET may ask for."""
    indices = sorted(register.index for register in registers)
    starts = [i for i in indices if i - 1 not in indices]
    ends = [i + 1 for i in indices if i + 1 not in indices]
    return [range(start, end) for start, end in zip(starts, ends, strict=True)]
