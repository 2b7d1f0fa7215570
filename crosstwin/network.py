# SPDX-License-Identifier: Apache-2.0
"""A two-layer perceptron, 64-32-10: in float64, and on two tiles.

    pixels, 1 -> tile 65 x 32 -> hidden activation -> hidden, 1 -> tile 33 x 10 -> softmax

The constant 1 is the input of one extra row, which holds the bias. Activation, softmax and the error are
float64 on the host; every product with a weight, forward and backward, and every update is done by a tile.
"""
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from crosstwin.digits import N_CLASSES, N_PIXELS
from crosstwin.twin import Twin

N_HIDDEN = 32
SHAPES = ((N_PIXELS + 1, N_HIDDEN), (N_HIDDEN + 1, N_CLASSES))


def activate(a: np.ndarray) -> np.ndarray:
    """The hidden activation: tanh."""
    return np.tanh(a)


def slope(h: np.ndarray) -> np.ndarray:
    """Derivative of the activation, from its value."""
    return 1 - h * h


def softmax(a: np.ndarray) -> np.ndarray:
    """Probabilities along the last axis."""
    e = np.exp(a - a.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def with_bias(x: np.ndarray) -> np.ndarray:
    """The inputs with a 1 behind them."""
    return np.concatenate([x, np.ones((*x.shape[:-1], 1))], axis=-1)


def accuracy(predicted: np.ndarray, labels: np.ndarray) -> float:
    """Share of right predictions."""
    return float((predicted == labels).mean())


def train_float(images: np.ndarray, labels: np.ndarray, seed: int = 0, epochs: int = 60) -> list[np.ndarray]:
    """Weights of both layers by plain stochastic gradient descent in float64, 16 images at a time."""
    rng = np.random.default_rng(seed)
    first, second = (rng.normal(0, n ** -0.5, (n, m)) for n, m in SHAPES)
    for epoch in range(epochs):
        rate = 0.3 * 0.5 ** (epoch / 20)
        for picked in np.array_split(rng.permutation(len(labels)), len(labels) // 16):
            x = with_bias(images[picked])
            h = with_bias(activate(x @ first))
            error = (softmax(h @ second) - np.eye(N_CLASSES)[labels[picked]]) / len(picked)
            hidden_error = (error @ second.T)[:, :-1] * slope(h[:, :-1])
            second -= rate * (h.T @ error + 1e-4 * second)
            first -= rate * (x.T @ hidden_error + 1e-4 * first)
    return [first, second]


def predict_float(weights: list[np.ndarray], images: np.ndarray) -> np.ndarray:
    """Classes (n,) of images (n, 64)."""
    return (with_bias(activate(with_bias(images) @ weights[0])) @ weights[1]).argmax(axis=1)


@dataclass
class Layer:
    """A tile whose weights stand for `scale` times themselves."""

    twin: Twin
    scale: float = 1.0

    def load(self, weights: np.ndarray, largest: float) -> None:
        """Map real weights onto the tile, the largest magnitude onto `largest`."""
        self.scale = float(np.abs(weights).max()) / largest
        self.twin.load(weights / self.scale)

    def forward(self, x: np.ndarray) -> np.ndarray:
        return self.scale * self.twin.forward(with_bias(x))

    def backward(self, d: np.ndarray) -> np.ndarray:
        """Error at the inputs, without that of the bias."""
        return self.scale * self.twin.backward(d)[..., :-1]

    def update(self, x: np.ndarray, d: np.ndarray, learning_rate: float) -> None:
        """Descend in the scaled weights: a step of the tile's own weights counts `scale` times."""
        self.twin.update(with_bias(x), d, learning_rate / self.scale)


@dataclass
class TileNetwork:
    """The perceptron on two tiles."""

    layers: list[Layer]
    history: list[float] = field(default_factory=list)
    """Test accuracy after each epoch of training."""
    right: list[bool] = field(default_factory=list)
    """Of each image learned from: whether it was classified right just before."""

    def load(self, weights: list[np.ndarray], largest: float) -> None:
        """Map trained weights onto the tiles."""
        for layer, values in zip(self.layers, weights, strict=True):
            layer.load(values, largest)

    def initialize(self, seed: int, scales: tuple[float, ...], spread: float) -> None:
        """Random weights before training: uniform in +-spread on the tiles."""
        rng = np.random.default_rng(seed)
        for layer, shape, scale in zip(self.layers, SHAPES, scales, strict=True):
            layer.scale = scale
            layer.twin.load(rng.uniform(-spread, spread, shape))

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Classes (n,) of images (n, 64), a whole batch a layer."""
        first, second = self.layers
        return second.forward(activate(first.forward(images))).argmax(axis=1)

    def learn(self, image: np.ndarray, label: int, learning_rate: float) -> None:
        """One step of backpropagation on one image."""
        first, second = self.layers
        h = activate(first.forward(image))
        error = softmax(second.forward(h))
        self.right.append(bool(error.argmax() == label))
        error[label] -= 1
        hidden_error = second.backward(error) * slope(h)
        second.update(h, error, learning_rate)
        first.update(image, hidden_error, learning_rate)

    def train(self, split, epochs: int, seed: int, learning_rate: Callable[[float], float],
              progress: Callable[[], None] = lambda: None) -> np.ndarray:
        """Epochs of single images in random order; the test part is classified after each, into `history`.

        `learning_rate` gives the rate when a share, 0..1, of all epochs' images is behind.
        Returns the classes of the test images after the last epoch.
        """
        rng = np.random.default_rng(seed)
        total = epochs * len(split.train_y)
        for _ in range(epochs):
            for n in rng.permutation(len(split.train_y)):
                self.learn(split.train_x[n], int(split.train_y[n]), learning_rate(len(self.right) / total))
                progress()
            predicted = self.predict(split.test_x)
            self.history.append(accuracy(predicted, split.test_y))
        return predicted
