# SPDX-License-Identifier: Apache-2.0
"""How much a tile does: cycles of operations, simulated on its RTL; and the same operations on aihwkit, timed.

Cycles are counted twice: `cycles`, from a command's acceptance to its end, by the counter `emulation_cycles`; and
`stream_cycles`, from one command's first word to the next one's, so with a word a cycle in and out, of commands one
behind the other. No cycle depends on what the planes hold, as long as no converter saturates and bound management
repeats nothing: so the planes are left zero, as they are in a new tile.
"""
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from crosstwin import mnist
from crosstwin.driver import LinkedTile
from crosstwin.links import VerilatedLink
from golden import management
from golden.config import MAX_LEVEL, VECTOR, TileConfig
from golden.management import NoiseManagement
from golden.pulses import Encoding
from golden.registers import register_map

BL = 31
MEANS = (1.0, 0.05)
"""Coincidences of an update at a cross-point."""
_UPDATES = 4
_VECTORS = 256
"""Of a peer's batch."""
_PEER_SCRIPT = Path(__file__).with_name("peer.py")
_PEER_TIMEOUT = 1800
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Operation(NamedTuple):
    """What is measured: `kind` is forward, backward or update, `inputs` the names of its vectors.

    `managed` by the tile (or by aihwkit) itself, with noise and bound management, or update and BL management; or raw.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    managed: bool
    coincidences: float = 0.0
    bl: int = BL


@dataclass(frozen=True)
class Inputs:
    """Real vectors in +-1 by name, and what the images are. `image_rows` is how many rows an image's block has."""

    vectors: dict[str, np.ndarray]
    source: str
    image_rows: int


class Cycles(NamedTuple):
    """Mean cycles of an operation: from acceptance to end, and from command to command in a stream of them."""

    cycles: float
    stream_cycles: float


def operations(config: TileConfig) -> list[Operation]:
    """What the tile can do of what is measured."""
    found = []
    for managed in (False, True) if "managed" in config.engines else (False,):
        label = ", managed" if managed else ""
        found += [Operation(f"forward, dense{label}", "forward", ("dense",), managed),
                  Operation(f"forward, images{label}", "forward", ("images",), managed),
                  Operation(f"backward, dense{label}", "backward", ("errors",), managed)]
        if "update" in config.engines:
            found += [Operation(f"update, {mean:g}{label}", "update", ("row_signs", "col_signs"), managed, mean)
                      for mean in MEANS]
    return found


def draw(config: TileConfig, n_images: int, seed: int = 0) -> Inputs:
    """Vectors for all operations.

    Images are cut into blocks of as many pixels as there are rows; what is left over is not used, and where there are
    more rows than pixels the others are zero. In updates all lines have the same magnitude.
    """
    rows, cols = config.rows, config.cols
    rng = np.random.default_rng(seed)
    images, source = mnist.load(n_images)
    used = min(rows, mnist.N_PIXELS)
    blocks = images[:, :mnist.N_PIXELS // used * used].reshape(-1, used)
    return Inputs({
        "dense": rng.uniform(-1, 1, (_VECTORS, rows)), "errors": rng.uniform(-1, 1, (_VECTORS, cols)),
        "images": np.pad(blocks, ((0, 0), (0, rows - used))),
        "row_signs": rng.choice([-1.0, 1.0], (_VECTORS, rows)), "col_signs": rng.choice([-1.0, 1.0], (_VECTORS, cols)),
    }, source, used)


def settings(config: TileConfig) -> dict[str, int]:
    """Registers for the least cycles, but for fixed ones: all times at their minimum, and codes in a window of one
    slot a bit.
    """
    registers = register_map(config)
    times = {name: register.minimum for name, register in registers.items() if name.startswith("t_")}
    wanted = times | {"encoding": Encoding.SERIAL_ANALOG.value}
    return {name: value for name, value in wanted.items() if registers[name].writable}


def work(config: TileConfig, inputs: Inputs, operation: Operation) -> int:
    """Cross-points of an operation: multiply-accumulates, or those that an update passes over, pulsed or not."""
    return (inputs.image_rows if "images" in operation.inputs else config.rows) * config.cols


def simulate(config: TileConfig, chosen: Sequence[Operation], inputs: Inputs, step: Callable[[], None] = lambda: None,
             quiet: bool = False) -> dict[str, Cycles]:
    """Cycles by operation, of the verilated RTL with `settings`."""
    if "emulation_cycles" not in config.counters:  # which changes no other cycle
        config = replace(config, counters=(*config.counters, "emulation_cycles"))
    link, found = VerilatedLink(config, quiet=quiet), {}
    tile = LinkedTile(config, link)
    try:
        for name, value in settings(config).items():
            tile.set(name, value)
        for operation in chosen:
            job, batch = _job(tile, operation, inputs)
            before = tile.counters()["emulation_cycles"]
            begin = link.cycles
            job()
            stream_cycles = link.cycles - begin
            cycles = tile.counters()["emulation_cycles"] - before
            found[operation.name] = Cycles(cycles / batch, stream_cycles / batch)
            step()
    finally:
        tile.close()
    return found


def _job(tile: LinkedTile, operation: Operation, inputs: Inputs) -> tuple[Callable[[], object], int]:
    """A batch of an operation in one exchange, its settings already written; and how many these are."""
    config = tile.config
    vectors = [np.rint(inputs.vectors[name] * 2 ** VECTOR.frac).astype(np.int64) for name in operation.inputs]
    if operation.inputs != ("images",):
        vectors = [each[:_UPDATES] for each in vectors]
    batch = len(vectors[0])
    if operation.kind == "update":
        if operation.managed:
            tile.set("ratio", round(operation.coincidences * 2 ** management.RATIO_FRAC))
            tile.set("bl", operation.bl)
            return lambda: tile.update_vector(*vectors), batch
        level = round((operation.coincidences / operation.bl) ** 0.5 * MAX_LEVEL)
        rows, cols = (np.sign(each) * level for each in vectors)
        return lambda: tile.update(rows, cols, np.full(batch, operation.bl)), batch
    if operation.managed:
        call = tile.forward_vector if operation.kind == "forward" else tile.backward_vector
        return lambda: call(vectors[0]), batch
    codes = management.encode(config, vectors[0], management.scales(vectors[0], NoiseManagement.ABS_MAX))
    call = tile.forward if operation.kind == "forward" else tile.backward
    return lambda: call(codes), batch


def run_peer(python: str, device: str, chosen: Sequence[Operation], inputs: Inputs) -> dict:
    """Operations a second of aihwkit under an interpreter that has it, by name and batch; RuntimeError."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "work.npz"
        script = shutil.copy(_PEER_SCRIPT, folder)  # away from this package, whose modules are not the peer's
        given: dict[str, Any] = {name: vectors[:_VECTORS] for name, vectors in inputs.vectors.items()}
        described = json.dumps([operation._asdict() for operation in chosen])
        np.savez(file, operations=described, device=device, **given)
        env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
        try:
            done = subprocess.run([python, script, str(file)], env=env | _ONE_THREAD, capture_output=True,
                                  text=True, check=False, timeout=_PEER_TIMEOUT)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise RuntimeError(f"{python} must measure aihwkit, but: {error}") from None
    lines = done.stdout.strip().splitlines() or [""]
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise RuntimeError(f"{python} must measure aihwkit, but: {said[-1]}")
    try:
        return json.loads(lines[-1])
    except ValueError:
        raise RuntimeError(f"{python} must print what it measured, not {lines[-1][:80]!r}") from None


def compare(config: TileConfig, inputs: Inputs, chosen: Sequence[Operation], cycles: dict[str, Cycles],
            clock_mhz: float | None, peers: dict[str, dict]) -> list[dict]:
    """A row an operation: its cycles, work a second at the clock, and what each peer does, with the ratio to it and
    the clock at which it would be 1.
    """
    rows = []
    for operation in chosen:
        each, amount = cycles[operation.name], work(config, inputs, operation)
        row = {"operation": operation.name, "work": amount, "cycles": each.cycles, "stream_cycles": each.stream_cycles,
               "per_s": None, "stream_per_s": None, "peers": {}}
        if clock_mhz is not None:
            row |= {"per_s": amount / each.cycles * clock_mhz * 1e6,
                    "stream_per_s": amount / each.stream_cycles * clock_mhz * 1e6}
        for label, peer in peers.items():
            rates = peer["operations_per_s"][operation.name]
            batch = max(rates, key=rates.__getitem__)
            per_s = rates[batch] * amount
            row["peers"][label] = {"per_s": per_s, "batch": int(batch),
                                   "ratio": None if row["per_s"] is None else row["per_s"] / per_s,
                                   "equal_at_mhz": per_s * each.cycles / amount / 1e6}
        rows.append(row)
    return rows
