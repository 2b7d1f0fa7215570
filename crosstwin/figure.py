# SPDX-License-Identifier: Apache-2.0
"""The figure of the demo: what was classified, how it was learned, and what the devices hold."""
from pathlib import Path

import numpy as np

from crosstwin.digits import N_CLASSES
from crosstwin.network import N_HIDDEN

_INK, _MUTED = "#1f2933", "#7b8794"
_COLORS = {"golden": "#0072b2", "verilator": "#d55e00", "ports": "#d55e00"}
_NAMES = {"golden": "golden model", "verilator": "RTL under Verilator", "ports": "boards at serial ports"}
_WINDOW = 100


def draw(demo, summary: dict, path: Path) -> None:
    """Draw the finished `demo` to a PNG file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 8.4), dpi=150, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    top, bottom = figure.subfigures(2, 1, height_ratios=(1.05, 1), squeeze=False).ravel()
    confusion, curve = top.subplots(1, 2, width_ratios=(1, 1.5))
    fields, readout = bottom.subfigures(1, 2, width_ratios=(1.7, 1), squeeze=False).ravel()

    training = demo.runs["training"][demo.backend]
    _confusion(confusion, training.predicted, demo.split.test_y)
    _curve(curve, demo.runs["training"], demo.float_accuracy)
    first, second = (layer.twin.read() for layer in training.network.layers)
    _fields(fields, first)
    _readout(readout.subplots(), second)
    epochs = summary["training"]["epochs"]
    figure.suptitle(f"Digits learned on two tiles of {demo.device} devices, {_NAMES[demo.backend]}: "
                    f"{training.accuracy:.1%} of the test images after {epochs} epoch{'s' if epochs > 1 else ''}",
                    color=_INK, fontsize=14, fontweight="bold")
    figure.savefig(path)


def _confusion(axes, predicted: np.ndarray, labels: np.ndarray) -> None:
    counts = np.zeros((N_CLASSES, N_CLASSES), dtype=int)
    np.add.at(counts, (labels, predicted), 1)
    axes.imshow(counts, cmap="Blues", vmin=0)
    for row, column in np.argwhere(counts):
        dark = counts[row, column] > counts.max() / 2
        axes.text(column, row, counts[row, column], ha="center", va="center", fontsize=9,
                  color="white" if dark else "#c0392b" if row != column else _INK)
    axes.set(xticks=range(N_CLASSES), yticks=range(N_CLASSES), xlabel="classified as", ylabel="digit")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    _title(axes, f"Test images after training ({(predicted != labels).sum()} of {len(labels)} wrong)")


def _curve(axes, runs: dict, float_accuracy: float) -> None:
    """Running share of training images classified right before they were learned, and each epoch's test accuracy."""
    axes.axhline(100 * float_accuracy, color=_MUTED, linestyle="--", linewidth=1.2)
    axes.text(0.01, 100 * float_accuracy + 0.3, "test, trained in float64", color=_MUTED, ha="left", va="bottom",
              fontsize=9, transform=axes.get_yaxis_transform())
    for n, (backend, run) in enumerate(runs.items()):
        right, history = np.array(run.network.right, dtype=float), run.network.history
        window = max(1, min(_WINDOW, len(right) // 4))
        running = np.convolve(right, np.ones(window) / window, mode="valid")
        thick = 2.6 if n == 0 else 0.9
        axes.plot(np.arange(window, len(right) + 1), 100 * running, color=_COLORS[backend], linewidth=thick,
                  alpha=0.45 if n == 0 else 1, label=f"{_NAMES[backend]}: training, last {window} images")
        ends = len(right) // len(history) * np.arange(1, len(history) + 1)
        axes.plot(ends, 100 * np.array(history), "o", color=_COLORS[backend], markersize=10 if n == 0 else 4.5,
                  label=f"{_NAMES[backend]}: test, after each epoch", zorder=3 + n, clip_on=False)
    axes.set(xlabel="images learned from", ylabel="accuracy (%)", ylim=(None, 101))
    axes.grid(color="#e4e7eb")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right", fontsize=9)
    _title(axes, "Learning curve")


def _fields(figure, weights: np.ndarray) -> None:
    """What each hidden neuron looks at: its 64 pixel weights as an image."""
    limit = np.abs(weights).max()
    for axes, values in zip(figure.subplots(4, N_HIDDEN // 4).flat, weights[:-1].T, strict=True):
        image = axes.imshow(values.reshape(8, 8), cmap="RdBu_r", vmin=-limit, vmax=limit)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=figure.axes, shrink=0.9, pad=0.02, label="weight")
    figure.suptitle("Tile 1: what the 32 hidden neurons look at", color=_INK, fontsize=11)


def _readout(axes, weights: np.ndarray) -> None:
    limit = np.abs(weights).max()
    image = axes.imshow(weights.T, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest")
    axes.set(yticks=range(N_CLASSES), xlabel="hidden neuron (the last is the bias)", ylabel="digit")
    axes.figure.colorbar(image, ax=axes, pad=0.02, label="weight")
    _title(axes, "Tile 2: from hidden neurons to digits")


def _title(axes, text: str) -> None:
    axes.set_title(text, color=_INK, fontsize=11)
