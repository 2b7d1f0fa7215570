# SPDX-License-Identifier: Apache-2.0
"""The figure of an exploration: throughput against area, and accuracy against ADC bits and lanes."""
from collections.abc import Sequence
from pathlib import Path

from crosstwin.exploration import Point, fronts, logic

_INK, _MUTED, _FRONT = "#1f2933", "#7b8794", "#d55e00"


def draw(points: Sequence[Point], title: str, source: str, path: Path) -> None:
    """Draw the points that did not fail to a PNG file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 5.6), dpi=150, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    good, best = [point for point in points if not point.failure], fronts(points)
    throughput, accuracy = figure.subplots(1, 2)
    _throughput(throughput, good, best["throughput"])
    _accuracy(accuracy, good, best["accuracy"])
    for axes in (throughput, accuracy):
        axes.grid(color="#e4e7eb")
        axes.spines[["top", "right"]].set_visible(False)
        if good:
            axes.legend(frameon=False, fontsize=9)
    figure.suptitle(f"{title}: {len(good)} configurations, by {source}", color=_INK, fontsize=14, fontweight="bold")
    figure.savefig(path)


def _throughput(axes, points: Sequence[Point], best: Sequence[Point]) -> None:
    for fits, marker, color, label in ((True, "o", "#0072b2", "fits"), (None, "o", "#7fb4d6", "may fit"),
                                       (False, "x", _MUTED, "does not fit")):
        some = [point for point in points if point.fits is fits]
        if some:
            axes.errorbar([point.area for point in some], [point.mac_per_s / 1e6 for point in some],
                          xerr=[_bar(point.area, point.area_error) for point in some],
                          yerr=[_bar(point.mac_per_s / 1e6, point.fmax_error) for point in some],
                          fmt=marker, color=color, ecolor="#d3dbe3", elinewidth=1, label=label)
    best = sorted(best, key=lambda point: point.area)
    axes.plot([point.area for point in best], [point.mac_per_s / 1e6 for point in best], "-", color=_FRONT,
              drawstyle="steps-post", zorder=3, label="Pareto front")
    for point in best:
        axes.annotate(f"{point.rows} x {point.cols}, {point.lanes}", (point.area, point.mac_per_s / 1e6), fontsize=8,
                      xytext=(4, 5), textcoords="offset points", color=_INK)
    area = next((logic(point.used) for point in points), "LUT")
    axes.set(xlabel=f"area ({area})", ylabel="forward throughput (MMAC/s)", ylim=(0, None))
    axes.set_title("Throughput against area (rows x columns, lanes)", color=_INK, fontsize=11)


def _accuracy(axes, points: Sequence[Point], best: Sequence[Point]) -> None:
    """Lanes beside each other at each number of bits, as they have the same bits and so the same error."""
    lanes = sorted({point.lanes for point in points})
    colors = ["#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999999"]
    for n, number in enumerate(lanes):
        some = [point for point in points if point.lanes == number]
        shift = 0.5 * ((n + 0.5) / len(lanes) - 0.5)
        axes.plot([point.adc_bits + shift for point in some], [100 * point.rms_error for point in some], "o",
                  color=colors[n % len(colors)], markersize=6, label=f"{number} lane{'s' if number > 1 else ''}")
    lowest = {}
    for point in best:
        lowest[point.adc_bits] = min(point.rms_error, lowest.get(point.adc_bits, point.rms_error))
    axes.plot(sorted(lowest), [100 * lowest[bits] for bits in sorted(lowest)], "-", color=_FRONT, zorder=0,
              label="Pareto front")
    if points:
        bits = sorted({point.adc_bits for point in points})
        axes.set(xticks=bits, xlim=(bits[0] - 0.6, bits[-1] + 0.6), yscale="log")
        for axis_formatter in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
            axis_formatter("{x:.3g}")
    axes.set(xlabel="ADC bits", ylabel="RMS error of a forward (% of the exact product's RMS)")
    axes.set_title("Accuracy against ADC bits and lanes", color=_INK, fontsize=11)


def _bar(value: float, error: float) -> float:
    """Half an error bar; none where the error is not known."""
    return value * error if error < 1 else 0.0
