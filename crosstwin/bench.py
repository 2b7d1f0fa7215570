# SPDX-License-Identifier: Apache-2.0
"""How fast the twin computes: `python -m crosstwin.bench [--json]`.

(1) The verilated 64 x 64 tile of 16 lanes in this process, a long mixed workload in one exchange, beside a bare
C++ loop over the same model at rest (`spin`). (2) The golden model on 256 x 256 devices, batches of 256.
"""
import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median

import numpy as np

from crosstwin import console
from crosstwin.driver import LinkedTile
from crosstwin.links import VerilatedLink
from crosstwin.opening import make_tile
from crosstwin.twin import Twin
from golden import protocol
from golden.config import MAX_LEVEL, TileConfig
from golden.presets import TILES
from golden.protocol import Opcode

REPEATS = 5
_BATCH = 256


def timed(job: Callable[[], object]) -> float:
    """Seconds of one call."""
    begin = time.perf_counter()
    job()
    return time.perf_counter() - begin


def workload(config: TileConfig, n: int, seed: int = 1) -> np.ndarray:
    """Words of n rounds of forward, backward and update with random codes and levels."""
    rng = np.random.default_rng(seed)
    largest = config.code.max
    kinds = (
        (Opcode.FORWARD, 0, rng.integers(-largest, largest + 1, (n, config.rows))),
        (Opcode.BACKWARD, 0, rng.integers(-largest, largest + 1, (n, config.cols))),
        (Opcode.UPDATE, 31, rng.integers(-MAX_LEVEL // 8, MAX_LEVEL // 8 + 1, (n, config.rows + config.cols))),
    )
    words = [protocol.packets(opcode, np.full(n, argument), 0, payload) for opcode, argument, payload in kinds]
    return np.concatenate([packet[k] for k in range(n) for packet in words])


def verilated(config: TileConfig = TILES["default"], opt: str = "-O1", rounds: int = 50) -> dict[str, float]:
    """Cycles a second of a workload and of a bare loop, medians of REPEATS, and the median of their ratios."""
    link = VerilatedLink(config, opt=opt)
    with Twin(LinkedTile(config, link), seed=1) as twin:
        twin.load(np.random.default_rng(2).uniform(-0.5, 0.5, (config.rows, config.cols)))
        words = workload(config, rounds)
        works, spins = [], []
        for _ in range(REPEATS):
            before = link.cycles
            seconds = timed(lambda: link.exchange(words, 3 * rounds))
            cycles = link.cycles - before
            works.append(cycles / seconds)
            spins.append(cycles / timed(lambda n=cycles: link.model.spin(n)))
    return {"cycles": cycles, "workload_cycles_per_s": median(works), "bare_loop_cycles_per_s": median(spins),
            "ratio": median(work / spin for work, spin in zip(works, spins, strict=True)),
            "cycles_per_operation": cycles / (3 * rounds)}


def golden(size: int = 256) -> dict[str, float]:
    """Multiply-accumulates a second of a forward, and cross-points a second that an update passes over."""
    config = replace(TILES["default"], rows=size, cols=size)
    rng = np.random.default_rng(1)
    codes = rng.integers(-config.code.max, config.code.max + 1, (_BATCH, size))
    levels = [rng.integers(-MAX_LEVEL // 8, MAX_LEVEL // 8 + 1, (_BATCH, size)) for _ in range(2)]
    slots = np.full(_BATCH, 31)
    with Twin(make_tile("golden", config), seed=1) as twin:
        twin.load(rng.uniform(-0.5, 0.5, (size, size)))
        tile = twin.tile
        tile.update(levels[0][:1], levels[1][:1], slots[:1])  # compiles
        tile.forward(codes[:1])
        work = _BATCH * size * size
        forward = median(work / timed(lambda: tile.forward(codes)) for _ in range(REPEATS))
        before = tile.counters()["coincidences"]
        seconds = [timed(lambda: tile.update(*levels, slots)) for _ in range(REPEATS)]
        coincidences = (tile.counters()["coincidences"] - before) / REPEATS
    return {"forward_macs_per_s": forward, "update_cross_points_per_s": work / median(seconds),
            "update_coincidences_per_s": coincidences / median(seconds)}


def main(arguments: list[str] | None = None) -> int:
    """Print the measurements."""
    parser = argparse.ArgumentParser(prog="python -m crosstwin.bench", description="How fast the twin computes.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--golden-only", action="store_true", help="leave the verilated tile out")
    chosen = parser.parse_args(arguments)
    result = {} if chosen.golden_only else {"verilated": verilated()}
    result["golden"] = golden()
    if chosen.json:
        console.print_json(result)
        return 0
    for title, values in result.items():
        console.table(title, ["", "value"], [[key, value] for key, value in values.items()])
    return 0


if __name__ == "__main__":
    sys.exit(main())
