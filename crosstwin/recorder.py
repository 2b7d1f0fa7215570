# SPDX-License-Identifier: Apache-2.0
"""Recording every raw output of a tile, and comparing two recordings bit by bit."""
from dataclasses import dataclass

import numpy as np

from golden.config import Plane


class Recorder:
    """A tile that keeps what every operation gives: codes, values and slots; all else goes to the tile within."""

    def __init__(self, tile):
        self.tile = tile
        self.outputs: list[tuple[str, np.ndarray]] = []
        self.cycles: list[int] = []
        """Where the tile's own clock stood after each output; 0 without a clock."""

    def __getattr__(self, name: str):
        return getattr(self.tile, name)

    def forward(self, codes) -> np.ndarray:
        return self.keep("FORWARD", self.tile.forward(codes))

    def backward(self, codes) -> np.ndarray:
        return self.keep("BACKWARD", self.tile.backward(codes))

    def forward_vector(self, vectors) -> np.ndarray:
        return self.keep("FORWARD_VECTOR", self.tile.forward_vector(vectors))

    def backward_vector(self, vectors) -> np.ndarray:
        return self.keep("BACKWARD_VECTOR", self.tile.backward_vector(vectors))

    def update_vector(self, x, d) -> np.ndarray:
        return self.keep("UPDATE_VECTOR", self.tile.update_vector(x, d))

    def keep_weights(self) -> None:
        """Add the weights as they are now to the recording."""
        self.keep("WEIGHT", self.tile.read_plane(Plane.WEIGHT))

    def keep(self, block: str, values: np.ndarray) -> np.ndarray:
        """Add values to the recording under the name of what they come from, and return them."""
        self.outputs.append((block, values.copy()))
        self.cycles.append(getattr(getattr(self.tile, "link", None), "cycles", 0))
        return values


@dataclass
class Comparison:
    """How many values two recordings shared, how many differed, and a sentence on the first that did."""

    compared: int = 0
    mismatches: int = 0
    first: str | None = None

    def add(self, name: str, expected: np.ndarray, actual: np.ndarray) -> None:
        """Compare two arrays; a difference in shape counts every value of the larger one."""
        if expected.shape != actual.shape:
            self._count(max(expected.size, actual.size), max(expected.size, actual.size),
                        f"{name}: expected shape {expected.shape}, actual {actual.shape}")
            return
        wrong = expected != actual
        sentence = None
        if wrong.any():
            index = tuple(int(i) for i in np.argwhere(wrong)[0])
            sentence = f"{name}{list(index)}: expected {hexa(expected[index])}, actual {hexa(actual[index])}"
        self._count(expected.size, int(wrong.sum()), sentence)

    def __iadd__(self, other: "Comparison"):
        self._count(other.compared, other.mismatches, other.first)
        return self

    def _count(self, compared: int, mismatches: int, sentence: str | None) -> None:
        self.compared += compared
        self.mismatches += mismatches
        self.first = self.first or sentence


def compare(expected: Recorder, actual: Recorder, name: str) -> Comparison:
    """Compare two recordings, pass by pass, as far as the longer goes."""
    result = Comparison()
    nothing = ("nothing", np.zeros((0,), dtype=np.int64))
    for n in range(max(len(expected.outputs), len(actual.outputs))):
        block, want = expected.outputs[n] if n < len(expected.outputs) else nothing
        other, have = actual.outputs[n] if n < len(actual.outputs) else nothing
        label = block if block == other else f"{block} (actual {other})"
        cycle = f", before cycle {actual.cycles[n]}" if n < len(actual.cycles) else ""
        result.add(f"{name}, {label}, pass {n}{cycle}, index ", want, have)
    return result


def hexa(value) -> str:
    """A value as the 32-bit word that carries it."""
    return f"{int(value) & 0xFFFFFFFF:#010x}"
