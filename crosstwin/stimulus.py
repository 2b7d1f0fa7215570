# SPDX-License-Identifier: Apache-2.0
"""Random tile configurations and random packets for them, good and malformed.

Everything is drawn from (seed, configuration number) alone, with numpy's generator: this is stimulus, and no
bit of any model depends on how it was drawn.
"""
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from crosstwin import aborts
from crosstwin import programming_stimulus as programming
from golden.adc import AdcConfig, AdcKind
from golden.config import COUNTERS, ENGINES, MAX_LEVEL, VECTOR, Plane, TileConfig
from golden.device import MAX_WRITE_SIGMA, ConstantStep, Device, LinearStep, PiecewiseStep, SoftBounds
from golden.formats import Format
from golden.protocol import FIRST, LAST, PROGRAMMING, Opcode, packet, packets, payload_length, served
from golden.pulses import Train
from golden.registers import Register, register_map, runs

_WORD = Format(32, signed=False)
_SHARES = {"forward": 14, "backward": 10, "update": 16, "forward_vector": 14, "backward_vector": 8, "update_vector": 14,
           "write": 8, "read": 6, "get": 5, "set": 4, "reset": 1, "malformed": 8, "abort": 1, "resume": 1,
           "program": 14}
_OF_ENGINE = {"forward_vector": {"managed"}, "backward_vector": {"managed"}, "update_vector": {"managed", "update"},
              "program": {"programming"}, "update": {"update"}}
"""Kinds of operations that need engines which a tile may leave out."""
_UNABORTED = ("write", "read", "get", "set", "reset", "malformed", "abort", "resume")
_ABORTED = 0.15
"""Share of the other operations that an ABORT is to meet."""
_LONGEST_WAIT_LOG2 = 11
_MANAGED = ("nm", "bm_passes", "bm_backward", "um", "bl", "ratio")
_WHOLE = 0.7
"""Share of the tiles that leave nothing out."""

_FOLDED = 0.25
"""Share of the tiles that are folded."""


@dataclass(frozen=True)
class Operation:
    """Words to send at once, and what they are called in a report; `wait` cycles later an ABORT, if given."""

    name: str
    words: np.ndarray
    wait: int | None = None


def draw_config(rng: np.random.Generator) -> TileConfig:
    """A tile configuration; most are small, one in eight has up to 70 rows or columns."""
    rows, cols = (int(n) for n in rng.integers(2, 71 if rng.random() < 0.125 else 25, 2))
    fields = {"rows": rows, "cols": cols, "lanes": int(rng.integers(1, cols + 1)),
              "code_bits": int(rng.integers(2, 10)), "weight_bits": int(rng.integers(8, 19)),
              "rounds": int(rng.integers(13, 21)), "device": _device(rng), **_parts(rng)}
    if rng.random() < _FOLDED:
        engines = fields.get("engines", ENGINES)
        fields |= {"folded": True, "engines": [name for name in engines if name != "programming"]}
    while True:
        try:
            return TileConfig(adc=_adc(rng, max(rows, cols)), **fields)
        except ValueError:
            continue  # these weights and codes cannot scale to the bound, or a folded tile cannot have the converter


def _parts(rng: np.random.Generator) -> dict:
    """What a tile has of what it may leave out: mostly all, else any engines, and none, some or all counters."""
    if rng.random() < _WHOLE:
        return {}
    share = rng.choice([0, 0.5, 1])
    engines = [engine for engine in ENGINES if rng.random() < 0.5]
    if "programming" in engines and "update" not in engines:
        engines.append("update")
    return {"engines": engines,
            "counters": [name for name in COUNTERS if rng.random() < share],
            "operation_counters": bool(rng.random() < 0.5)}


def draw_operations(rng: np.random.Generator, config: TileConfig, count: int) -> Iterator[Operation]:
    """The preparation of a tile (reset, registers, all planes), then `count` random operations."""
    yield Operation("RESET", packet(Opcode.RESET))
    registers = register_map(config)
    seed = int(rng.integers(0, 1 << 32))
    event = int(rng.choice([0, (1 << 32) - int(rng.integers(1, 40)), int(rng.integers(0, 1 << 32))]))
    for name, value in {"seed": seed, "event": event}.items():
        yield _set(registers, name, value)
    for register in registers.values():
        if register.name.startswith("t_"):
            yield _set(registers, register.name, register.minimum + int(rng.integers(4 if rng.random() < 0.9 else 20)))
    for name in _present(registers, "encoding", "half_select", "irq_enable"):
        yield _set(registers, name, int(rng.integers(registers[name].maximum + 1)))
    for name in _present(registers, *_MANAGED):
        yield _set_randomly(rng, registers[name])
    for name, value in programming.settings(rng, registers).items():
        yield _set(registers, name, value)
    planes = config.populate(seed) | programming.planes(rng, config)
    for plane in (Plane.WEIGHT, Plane.HIDDEN):
        if plane in config.planes:
            planes[plane] = np.clip(_weights(rng, config), planes[Plane.W_MIN], planes[Plane.W_MAX])
    for plane in config.loadable:
        values = planes[plane]
        words = packets(Opcode.WRITE, np.full(len(values), plane), np.arange(len(values)), values)
        yield Operation(f"WRITE all of {plane.name}", words.reshape(-1))

    kinds = _kinds(config)
    shares = np.array([_SHARES[kind] for kind in kinds])
    train = Train.STOCHASTIC
    for _ in range(count):
        kind = rng.choice(kinds, p=shares / shares.sum())
        if kind == "malformed":
            yield _malformed(rng, config)
            continue
        if kind == "update" and rng.random() < 0.3:
            train = Train(int(rng.integers(len(Train))))
            yield _set(registers, "train", train)
        operation = _update(rng, config, train) if kind == "update" else _good(rng, config, str(kind))
        if kind not in _UNABORTED and aborts.can_place(config) and rng.random() < _ABORTED:
            yield from _aborted(rng, operation)
        else:
            yield operation
        if kind == "reset":
            train = Train.STOCHASTIC


def readback(config: TileConfig) -> Iterator[Operation]:
    """Reads of all planes, writable registers and counters."""
    for plane, shape in config.loadable.items():
        words = packets(Opcode.READ, np.full(shape.rows, plane), np.arange(shape.rows), np.zeros((shape.rows, 0)))
        yield Operation(f"final READ of {plane.name}", words.reshape(-1))
    for run in _gettable(config):
        yield Operation(f"final GET of registers {run.start}..{run.stop - 1}",
                        packet(Opcode.GET, len(run), run.start))


def _gettable(config: TileConfig) -> list[range]:
    """Runs of neighboring registers, without emulation cycles, which are the hardware's alone."""
    return runs(register for register in register_map(config).values()
                if "emulation_cycles" not in register.name)


def _kinds(config: TileConfig) -> list[str]:
    """Kinds of operations that the tile can do."""
    absent = [kind for kind, engines in _OF_ENGINE.items() if not engines <= set(config.engines)]
    return [kind for kind in _SHARES if kind not in absent and (config.loadable or kind not in ("write", "read"))]


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


def _weights(rng, config: TileConfig) -> np.ndarray:
    spread = rng.choice([0.1, 0.5, 2.0]) / config.weight.lsb
    values = rng.normal(0, spread, (config.rows, config.cols))
    return np.clip(np.rint(values), config.weight.min, config.weight.max).astype(np.int64)


def _vector(rng, n: int, largest: int) -> np.ndarray:
    """Signed integers up to +-largest: dense, sparse, one-hot, extreme, small or all zero."""
    dense = rng.integers(-largest, largest + 1, n)
    match int(rng.integers(8)):
        case 0:
            return np.zeros(n, dtype=np.int64)
        case 1:
            return np.where(np.arange(n) == rng.integers(n), dense, 0)
        case 2:
            return largest * rng.integers(-1, 2, n)
        case 3:
            return np.full(n, rng.choice([-largest, largest]))
        case 4:
            return rng.integers(-max(1, largest // 64), max(1, largest // 64) + 1, n)
        case 5 | 6:
            return np.where(rng.random(n) < rng.uniform(0.05, 0.5), dense, 0)
        case _:
            return dense


def _real_vector(rng, n: int) -> np.ndarray:
    """VECTOR codes of any order of magnitude, of single LSBs, at the rails, one-hot or zero."""
    if rng.random() < 0.1:
        return rng.choice([VECTOR.min, VECTOR.max, 0], n)
    return np.maximum(_vector(rng, n, int(2.0 ** rng.uniform(0, 23))), VECTOR.min)


def _ratio(rng) -> int:
    """Learning rates from none to far beyond what any train can hold, about one step of the device as often."""
    return int(rng.choice([0, (1 << 32) - 1, int(2.0 ** rng.uniform(0, 32)), *(int(2.0 ** rng.uniform(10, 24)),) * 4]))


def _set(registers, name: str, value: int) -> Operation:
    return Operation(f"SET {name}", packet(Opcode.SET, 0, registers[name].index, [value]))


def _present(registers, *names: str) -> list[str]:
    """Those of the names that are registers of the tile."""
    return [name for name in names if name in registers]


def _any_set(rng, registers) -> Operation:
    """Any writable register to any value that it takes; short times, and a watchdog that stays silent."""
    managed = _present(registers, *_MANAGED)
    names = managed if managed and rng.random() < 0.4 else \
        [register.name for register in registers.values() if register.writable and register.name != "watchdog"]
    return _set_randomly(rng, registers[str(rng.choice(names))])


def _set_randomly(rng, register: Register) -> Operation:
    largest = 8 if register.name.startswith("t_") else programming.LARGEST.get(register.name, register.maximum)
    value = _ratio(rng) if register.name == "ratio" else int(rng.integers(register.minimum, largest, endpoint=True))
    return _set({register.name: register}, register.name, value)


def _good(rng, config: TileConfig, kind: str) -> Operation:
    match kind:
        case "forward":
            return Operation("FORWARD", packet(Opcode.FORWARD, payload=_vector(rng, config.rows, config.code.max)))
        case "backward":
            return Operation("BACKWARD", packet(Opcode.BACKWARD, payload=_vector(rng, config.cols, config.code.max)))
        case "update":
            return _update(rng, config, Train.STOCHASTIC)
        case "forward_vector" | "backward_vector":
            opcode, n = (Opcode.FORWARD_VECTOR, config.rows) if kind == "forward_vector" else \
                (Opcode.BACKWARD_VECTOR, config.cols)
            return Operation(opcode.name, packet(opcode, payload=_real_vector(rng, n)))
        case "update_vector":
            vectors = [_real_vector(rng, n) for n in (config.rows, config.cols)]
            return Operation("UPDATE_VECTOR", packet(Opcode.UPDATE_VECTOR, payload=np.concatenate(vectors)))
        case "get":
            gettable = _gettable(config)
            run = gettable[rng.integers(len(gettable))]
            first = int(rng.integers(run.start, run.stop))
            count = int(rng.integers(1, run.stop - first + 1))
            return Operation(f"GET of registers {first}..{first + count - 1}", packet(Opcode.GET, count, first))
        case "set":
            return _any_set(rng, register_map(config))
        case "reset":
            return Operation("RESET", packet(Opcode.RESET))
        case "abort":  # behind a GET, so that it meets no operation: where it would cut one is the hardware's affair
            return Operation("GET and ABORT", np.concatenate([packet(Opcode.GET, 1, 0), packet(Opcode.ABORT)]))
        case "program":
            return Operation(*programming.command(rng, config))
        case "resume":
            return Operation("RESUME of nothing", packet(Opcode.RESUME))
    plane = Plane(int(rng.choice(list(config.loadable))))
    shape = config.loadable[plane]
    row = int(rng.integers(shape.rows))
    if kind == "read":
        return Operation(f"READ of {plane.name} row {row}", packet(Opcode.READ, plane, row))
    low, high = (shape.format.min, shape.format.max) if rng.random() < 0.5 else \
        (shape.format.min // 8, shape.format.max // 8)
    return Operation(f"WRITE of {plane.name} row {row}",
                     packet(Opcode.WRITE, plane, row, rng.integers(low, high + 1, shape.cols)))


def _aborted(rng, operation: Operation) -> Iterator[Operation]:
    """An operation that an ABORT follows, and RESUMEs, of which each but the last is aborted as well."""
    yield Operation("GET", packet(Opcode.GET, 1, 0))  # ends a packet that was cut short
    while True:
        wait = int(2.0 ** rng.uniform(0, _LONGEST_WAIT_LOG2))
        yield Operation(f"{operation.name}, an ABORT {wait} cycles later", operation.words, wait)
        operation = Operation("RESUME", packet(Opcode.RESUME))
        if rng.random() < 0.7:
            break
    if rng.random() < 0.8:
        yield operation


def _update(rng, config: TileConfig, train: Train) -> Operation:
    most = train.most_slots
    bl = int(rng.choice([1, most, int(rng.integers(1, most + 1)), int(rng.integers(1, 9))]))
    if train is Train.WORDS:
        is_on = rng.random((config.rows + config.cols, 32)) < rng.uniform(0.02, 0.7)
        values = np.packbits(is_on, axis=1, bitorder="little").view("<i4")[:, 0]
    else:
        values = np.concatenate([_vector(rng, n, MAX_LEVEL) for n in (config.rows, config.cols)])
    return Operation(f"UPDATE by {train.name}, BL {bl}", packet(Opcode.UPDATE, bl, payload=values))


def _malformed(rng, config: TileConfig) -> Operation:
    """A packet with something wrong about it: a tile must say so, and change nothing."""
    good = _good(rng, config, str(rng.choice([kind for kind in _kinds(config) if kind not in ("reset", "malformed")])))
    words = good.words.copy()
    plain = words & np.uint64(0xFFFFFFFF)
    opcode, argument = int(plain[0]) >> 24, int(plain[0]) >> 16 & 0xFF
    wrong = str(rng.choice(["opcode", "argument", "length", "value", "framing"]))
    match wrong:
        case "opcode":
            opcodes = (0, *Opcode, 19, 255, int(rng.integers(19, 256)))
            bad = int(rng.choice([n for n in opcodes if n not in served(config)]))
            words[0] = np.uint64(FIRST | (int(words[0]) & LAST) | bad << 24 | int(plain[0]) & 0xFFFFFF)
        case "argument":
            return _bad_argument(rng, config)
        case "length":
            length = payload_length(config, opcode, argument)
            other = int(rng.choice([n for n in {0, 1, length - 1, length + 1, length + 7} if n >= 0 and n != length]))
            payload = rng.integers(0, 3, other) if rng.random() < 0.5 else np.resize(plain[1:], other) \
                if len(plain) > 1 else np.zeros(other)
            words = packet(opcode, argument, int(plain[0]) & 0xFFFF, np.asarray(payload).astype(np.int64))
        case "value":
            if not payload_length(config, opcode, argument):
                return _bad_argument(rng, config)
            return Operation("a bad value in " + good.name, _bad_value(rng, config, opcode, words))
        case "framing":
            return Operation("bad framing of " + good.name, _bad_framing(rng, words))
    return Operation(f"a bad {wrong} in {good.name}", words)


def _bad_argument(rng, config: TileConfig) -> Operation:
    registers = {register.index: register for register in register_map(config).values()}
    absent = [n for n in range(160) if n not in registers]
    match int(rng.integers(7)):
        case 0:
            planes = [n for n in range(16) if n not in config.loadable] + [255]
            words = packet(int(rng.choice([Opcode.READ, Opcode.WRITE])), int(rng.choice(planes)), 0)
        case 1 if config.loadable:
            plane = Plane(int(rng.choice(list(config.loadable))))
            row = config.loadable[plane].rows + int(rng.choice([0, 1, 64, 40000]))
            words = packet(int(rng.choice([Opcode.READ, Opcode.WRITE])), plane, row)
        case 2:
            bl = int(rng.choice([0, 64, 128, 255]))
            words = packet(Opcode.UPDATE, bl, payload=np.zeros(config.rows + config.cols))
        case 3:
            readable = [index for index, register in registers.items() if not register.writable]
            words = packet(Opcode.SET, 0, int(rng.choice([*readable, *absent, 1000])), [1])
        case 4:
            words = programming.bad_argument(rng, config)
        case 5:
            words = packet(Opcode.GET, 0, int(rng.integers(0, 5)))
        case _:
            first, count = ((6, 2), (int(rng.choice(absent)), 1), (37, 2), (38, 1), (97, 2), (65535, 1),
                            (8, 255))[rng.integers(7)]
            words = packet(Opcode.GET, count, first)
    return Operation("a bad argument", words)


def _bad_value(rng, config: TileConfig, opcode: int, words: np.ndarray) -> np.ndarray:
    """One payload word just, or far, beyond its format; a zero where a register must not be."""
    where = 1 + int(rng.integers(len(words) - 1))
    argument, index = int(words[0]) >> 16 & 0xFF, int(words[0]) & 0xFFFF
    match opcode:
        case Opcode.FORWARD | Opcode.BACKWARD:
            low, high = config.code.min, config.code.max
        case Opcode.UPDATE:
            low, high = -MAX_LEVEL, MAX_LEVEL
        case Opcode.FORWARD_VECTOR | Opcode.BACKWARD_VECTOR | Opcode.UPDATE_VECTOR:
            low, high = VECTOR.min, VECTOR.max
        case Opcode.WRITE:
            low, high = config.loadable[Plane(argument)].format.min, config.loadable[Plane(argument)].format.max
        case _ if opcode in PROGRAMMING:
            low, high = programming.bounds(config, opcode, where - 1)
        case _:
            register = next(r for r in register_map(config).values() if r.index == index)
            low, high = register.minimum, register.maximum
    beyond = [low - 1, high + 1, -(1 << 31), (1 << 31) - 1]
    value = int(rng.choice([v for v in beyond if v < low or v > high]))
    words = words.copy()
    words[where] = np.uint64(value & _WORD.max | int(words[where]) & (FIRST | LAST))
    return words


def _bad_framing(rng, words: np.ndarray) -> np.ndarray:
    """Words without first, a packet cut short, or a first within one; the next good packet must be heard again."""
    first, last = np.uint64(FIRST), np.uint64(LAST)
    match int(rng.integers(4)):
        case 0:  # no first
            words[0] &= ~first
        case 1:  # no last: the next packet's first ends it
            words[-1] &= ~last
        case 2:  # a first in the middle
            words[rng.integers(len(words))] |= first
            if len(words) > 1:
                words[-1] |= first
        case _:  # cut short without last
            words = words[:int(rng.integers(1, len(words) + 1))].copy()
            words[-1] &= ~last
    return words
