# SPDX-License-Identifier: Apache-2.0
"""Random packets for a tile, good and malformed.

Everything is drawn from (seed, configuration number) alone, with numpy's generator: this is stimulus, and no
bit of any model depends on how it was drawn.
"""
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from crosstwin import aborts
from crosstwin import malformed_stimulus as malformed
from crosstwin import programming_stimulus as programming
from golden.config import MAX_LEVEL, VECTOR, Plane, TileConfig
from golden.protocol import Opcode, packet, packets
from golden.pulses import Train
from golden.registers import Register, register_map, runs

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



@dataclass(frozen=True)
class Operation:
    """Words to send at once, and what they are called in a report; `wait` cycles later an ABORT, if given."""

    name: str
    words: np.ndarray
    wait: int | None = None


def draw_operations(rng: np.random.Generator, config: TileConfig, count: int) -> Iterator[Operation]:
    """The preparation of a tile (reset, registers, all planes), then `count` random operations."""
    yield Operation("RESET", packet(Opcode.RESET))
    registers = register_map(config)
    seed = int(rng.integers(0, 1 << 32))
    event = int(rng.choice([0, (1 << 32) - int(rng.integers(1, 40)), int(rng.integers(0, 1 << 32))]))
    for name, value in {"seed": seed, "event": event}.items():
        yield _set(registers, name, value)
    for register in registers.values():
        if register.name.startswith("t_") and register.writable:
            yield _set(registers, register.name, register.minimum + int(rng.integers(4 if rng.random() < 0.9 else 20)))
    for name in _writable(registers, "encoding", "half_select", "irq_enable"):
        yield _set(registers, name, int(rng.integers(registers[name].maximum + 1)))
    for name in _writable(registers, *_MANAGED):
        yield _set_randomly(rng, registers[name])
    for name, value in programming.settings(rng, registers).items():
        yield _set(registers, name, value)
    planes = config.populate(seed) | programming.planes(rng, config)
    for plane in (Plane.WEIGHT, Plane.HIDDEN):
        if plane in config.planes:
            planes[plane] = np.clip(_weights(rng, config), *config.bounds(planes))
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
        if kind == "update" and rng.random() < 0.3 and registers["train"].writable:
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


def _writable(registers, *names: str) -> list[str]:
    """Those of the names that are registers of the tile, and not fixed."""
    return [name for name in names if name in registers and registers[name].writable]


def _any_set(rng, registers) -> Operation:
    """Any writable register to any value that it takes; short times, and a watchdog that stays silent."""
    managed = _writable(registers, *_MANAGED)
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
    most = train.most_slots(config)
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
    return Operation(*malformed.spoiled(rng, config, good.name, good.words))
