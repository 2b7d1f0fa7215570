# SPDX-License-Identifier: Apache-2.0
"""The demo job: a digit classifier on two tiles, inferring and training, with the RTL held against the golden model.

Every part runs twice, once on the golden model and once on the backend that was asked for, each from its own
outputs. The ADC codes of every pass, the final weights, the registers and the counters of both are compared.
"""
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np

from crosstwin import digits, energy, technology
from crosstwin.network import SHAPES, Layer, TileNetwork, accuracy, predict_float, train_float
from crosstwin.opening import make_tile
from crosstwin.recorder import Comparison, Recorder, compare
from crosstwin.twin import CHIP_CLOCK_HZ, Twin
from golden.adc import AdcConfig
from golden.config import TileConfig
from golden.presets import DEVICES
from golden.tile import WORD

ADC = AdcConfig(bound=12.0)
LANES = (4, 5)
"""Few, as a small model is built in a third of the time and takes as long for the whole job: fewer cycles a
second go with more lanes."""
LARGEST_WEIGHT = 0.6
"""Where the largest float weight goes: less gives more ADC noise, more clips at more devices' bounds."""
_BATCHES = 8
TECHNOLOGY = "rpu"
"""In which the demo's time and energy are reported."""
LABELS = {"golden": "golden", "verilator": "RTL", "ports": "boards"}


@dataclass(frozen=True)
class Recipe:
    """How a device is trained; chosen on a validation part of the training images."""

    learning_rate: float = 0.1
    final: float = 0.05
    """What share of the learning rate is left at the end; it falls exponentially over the whole run, so that a
    run of one epoch also settles."""
    scales: tuple[float, float] = (1.0, 1.0)
    """What a tile weight of 1 stands for, layer by layer."""
    spread: float = 0.2
    """Weights begin uniform in +-spread on the tile."""

    def rate(self, done: float) -> float:
        """Learning rate when a share `done` of the run, 0..1, is behind."""
        return self.learning_rate * self.final ** done


RECIPES = {"EcRam": Recipe(scales=(2.0, 2.0))}
"""Recipes of the devices that the default does not suit: EcRam's up and down steps differ, and more so far from
the middle of its range, so that its weights are kept small and the layers scaled up."""


@dataclass
class Run:
    """One part of the demo on one backend."""

    network: TileNetwork
    tiles: list[Recorder]
    accuracy: float = 0.0
    wall_s: float = 0.0
    predicted: np.ndarray = field(default_factory=lambda: np.zeros(0))
    counters: list[dict[str, int]] = field(default_factory=list)
    costs: list[energy.Cost] = field(default_factory=list)


def tile_configs(device: str) -> list[TileConfig]:
    """The two tiles of the network."""
    return [TileConfig(rows=rows, cols=cols, lanes=lanes, device=DEVICES[device], adc=ADC)
            for (rows, cols), lanes in zip(SHAPES, LANES, strict=True)]


class Demo:
    """The job on one backend and device, a step at a time; `infer` and `train` return what summary.json holds.

    `ports`: of two boards that hold the two tiles, which are then what computes, under the backend's name "ports".
    `progress(label, total)` gives a function to call after each of `total` steps, to show how far it is.
    """

    def __init__(self, backend: str, device: str, seed: int, progress: Callable, ports: Sequence[str] = ()):
        self.backend, self.device, self.seed, self.progress = backend, device, seed, progress
        self.recipe = RECIPES.get(device, Recipe())
        self.split = digits.load()
        self.weights = train_float(self.split.train_x, self.split.train_y)
        self.float_accuracy = accuracy(predict_float(self.weights, self.split.test_x), self.split.test_y)
        self.mismatch: str | None = None
        self.runs: dict[str, dict[str, Run]] = {}
        configs = tile_configs(device)
        with ExitStack() as stack:
            self._tiles = {name: [self._open(stack, place, config) for place, config in
                                  zip(ports if name == "ports" else [name] * len(configs), configs, strict=True)]
                           for name in dict.fromkeys(("golden", backend))}
            self._stack = stack.pop_all()

    @staticmethod
    def _open(stack: ExitStack, place: str, config: TileConfig):
        tile = make_tile(place, config)
        stack.callback(getattr(tile, "close", lambda: None))
        return tile

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stack.close()

    def infer(self) -> dict:
        """Classify the test images with the float weights on the tiles."""
        def job(network: TileNetwork, step):
            network.load(self.weights, LARGEST_WEIGHT)
            predicted = []
            for images in np.array_split(self.split.test_x, _BATCHES):
                predicted.append(network.predict(images))
                step()
            return np.concatenate(predicted)

        return self._part("inference", job, _BATCHES) | {"images": len(self.split.test_y)}

    def train(self, epochs: int) -> dict:
        """Train from random weights on the tiles."""
        def job(network: TileNetwork, step):
            network.initialize(self.seed, self.recipe.scales, self.recipe.spread)
            return network.train(self.split, epochs, self.seed, self.recipe.rate, step)

        part = self._part("training", job, epochs * len(self.split.train_y))
        history = {("golden" if name == "golden" else "rtl"): run.network.history
                   for name, run in self.runs["training"].items()}
        return part | {"epochs": epochs, "images": len(self.split.train_y), "history": history}

    def _part(self, name: str, job: Callable, steps: int) -> dict:
        runs = {backend: self._run(backend, f"{name}, {LABELS[backend]}", job, steps) for backend in self._tiles}
        self.runs[name] = runs
        golden, other = runs["golden"], runs[self.backend]
        result = Comparison()
        if other is not golden:
            for n, (expected, actual) in enumerate(zip(golden.tiles, other.tiles, strict=True)):
                result += compare(expected, actual, f"{name}, layer {n + 1}")
            self.mismatch = self.mismatch or result.first

        spent = energy.add(other.costs)
        totals = {key: sum(counters[key] for counters in other.counters) for key in other.counters[0]}
        return {
            "accuracy": {"float": self.float_accuracy, "golden": golden.accuracy,
                         "rtl": None if other is golden else other.accuracy},
            "compared": result.compared, "mismatches": result.mismatches,
            "cycles": totals["emulation_cycles"], "chip_time_s": totals["chip_cycles"] / CHIP_CLOCK_HZ,
            "wall_s": round(sum(run.wall_s for run in runs.values()), 3),
            "wall_golden_s": round(golden.wall_s, 3),
            "pulses": totals["row_pulses"] + totals["col_pulses"], "coincidences": totals["coincidences"],
            "conversions": totals["conversions"], "saturations": totals["saturations"],
            "technology": TECHNOLOGY, "latency_s": spent.latency_s, "energy_j": spent.total_j, "tops": spent.tops,
            "tops_per_w": spent.tops_per_w, "energy_left_out": spent.left_out,
        }

    def _run(self, backend: str, label: str, job: Callable, steps: int) -> Run:
        begin = time.perf_counter()
        tiles = [Recorder(tile) for tile in self._tiles[backend]]
        twins = [Twin(tile, seed=(2 * self.seed + n) % WORD) for n, tile in enumerate(tiles)]
        run = Run(TileNetwork([Layer(twin) for twin in twins]), tiles)
        with self.progress(label, steps) as step:
            run.predicted = job(run.network, step)
        run.accuracy = accuracy(run.predicted, self.split.test_y)
        run.costs = [energy.statement(technology.load(TECHNOLOGY), tile).total for tile in tiles]
        run.counters = [cost.counters for cost in run.costs]
        for tile, counters in zip(tiles, run.counters, strict=True):
            tile.keep_weights()
            tile.keep("COUNTERS", np.array([value for key, value in counters.items() if key != "emulation_cycles"]))
        run.wall_s = time.perf_counter() - begin
        return run
