# SPDX-License-Identifier: Apache-2.0
"""Operations of `crosstwin.throughput` on aihwkit, timed: `PYTHON peer.py WORK.npz`, with the interpreter that has it.

It stands alone, as that interpreter need not have CrossTwin. One thread, CPU time; each operation in batches of 1 and
of as many vectors as there are, in rounds over all of them, and medians over the rounds. JSON on the last line.
"""
import importlib
import json
import sys
import time
from statistics import median

import numpy as np

ROUNDS = 7
LEAST = 0.05
"""Seconds of CPU time that a measurement takes at least."""
_CHECKS = 50
"""Updates whose mean step says how many coincidences there were."""


def main(arguments: list[str]) -> int:
    """Measure, and print operations a second by name."""
    torch = importlib.import_module("torch")
    torch.set_num_threads(1)
    work = np.load(arguments[0])
    rows, cols = (work[name].shape[1] for name in ("dense", "errors"))
    device, operations = str(work["device"]), json.loads(str(work["operations"]))
    jobs, coincidences = {}, {}
    for operation in operations:
        vectors = [torch.from_numpy(work[name].astype(np.float32)) for name in operation["inputs"]]
        tile, step = _tile(device, rows, cols, operation)
        if operation["kind"] == "update":
            coincidences[operation["name"]] = _coincidences(torch, tile, step, rows, cols)
        for batch in sorted({1, len(vectors[0])}):
            jobs[operation["name"], batch] = _job(tile, operation["kind"], [each[:batch] for each in vectors])
    repeats = {key: _repeats(job) for key, job in jobs.items()}
    found = {key: [] for key in jobs}
    for _ in range(ROUNDS):
        for (name, batch), job in jobs.items():
            found[name, batch].append(batch * repeats[name, batch] / _seconds(job, repeats[name, batch]))
    rates = {operation["name"]: {} for operation in operations}
    for (name, batch), each in found.items():
        rates[name][batch] = median(each)
    print(json.dumps({"aihwkit": importlib.import_module("aihwkit").__version__, "torch": torch.__version__,
                      "operations_per_s": rates, "coincidences": coincidences}))
    return 0


def _tile(device: str, rows: int, cols: int, operation: dict):
    """A tile of random weights, without management where the operation is one without; and its mean step."""
    configs, presets = map(importlib.import_module, ("aihwkit.simulator.configs", "aihwkit.simulator.presets"))
    preset = getattr(presets, f"{device}Preset", None)
    config = preset() if preset else configs.SingleRPUConfig(
        device=getattr(configs, f"{device}Device")(), forward=presets.PresetIOParameters(),
        backward=presets.PresetIOParameters(), update=presets.PresetUpdateParameters())
    config.update.desired_bl = operation["bl"]
    config.update.update_management = config.update.update_bl_management = operation["managed"]
    if not operation["managed"]:
        for side in (config.forward, config.backward):
            side.noise_management = configs.NoiseManagementType.NONE
            side.bound_management = configs.BoundManagementType.NONE
    tile = importlib.import_module("aihwkit.simulator.tiles.analog").AnalogTileWithoutPeriphery(cols, rows, config)
    tile.tile.set_weights_uniform_random(-0.5, 0.5)
    step = config.device.as_bindings(tile.get_data_type()).calc_weight_granularity()
    tile.tile.set_learning_rate(operation["coincidences"] * step)
    return tile, step


def _job(tile, kind: str, vectors: list):
    """One call of an operation, nothing but the compiled code behind it."""
    match kind:
        case "forward":
            return lambda: tile.tile.forward(vectors[0], False, False, False, False, False)
        case "backward":
            return lambda: tile.tile.backward(vectors[0], False, False, False, False)
        case _:
            return lambda: tile.tile.update(vectors[0], vectors[1], False, False, False, False)


def _coincidences(torch, tile, step: float, rows: int, cols: int) -> float:
    """Mean coincidences of an update at a cross-point, by the mean step that it makes."""
    moves = []
    before = tile.tile.get_weights().clone()
    for n in range(_CHECKS):
        tile.tile.update(torch.ones(1, rows), (-1.0) ** n * torch.ones(1, cols), False, False, False, False)
        after = tile.tile.get_weights().clone()
        moves.append(float((after - before).abs().mean()))
        before = after
    return float(np.mean(moves)) / step


def _repeats(job) -> int:
    """Calls that take as long as a measurement should."""
    job()
    n = 1
    while (spent := _seconds(job, n)) < LEAST:
        n = max(2 * n, int(n * 1.2 * LEAST / max(spent, 1e-6)))
    return n


def _seconds(job, n: int) -> float:
    begin = time.process_time()
    for _ in range(n):
        job()
    return time.process_time() - begin


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
