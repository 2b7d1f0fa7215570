# SPDX-License-Identifier: Apache-2.0
"""Write-verify to random targets: what share of a tile's devices gets there, and how exactly."""
from dataclasses import dataclass, replace

import numpy as np

from crosstwin.opening import open as open_twin
from crosstwin.programming import Verified
from golden.adc import AdcConfig
from golden.config import Plane, TileConfig
from golden.device import Device
from golden.programmer import Outcome

ADC = AdcConfig(bits=9, bound=2.0, gain_spread=0.02, offset_spread=1.0)
"""Converters that suit programming: one cross-point spans most of the range, an LSB is 0.4 % of it."""
SHARE = 0.9
"""Targets are drawn uniformly from this share of the nominal range of weights, about its middle: few devices are so
short of range that they cannot get there."""
GUARD = 0.75
"""Share of the tolerance that a device is programmed to: the rest is for the error of the reads that judge it."""
GENTLE = 0.25
"""Share of the error that a window of pulses is to take away where it may be write noise, gone with the next pulse."""


@dataclass(frozen=True)
class Settings:
    """How to verify. `tolerance` is a share of the nominal range, `reads_log2` the reads averaged in a round."""

    tolerance: float = 0.01
    reads_log2: int = 5
    limit: int = 64

    def real_tolerance(self, device: Device) -> float:
        """The tolerance as a weight."""
        return self.tolerance * (device.w_max - device.w_min)


def tile_config(device: Device) -> TileConfig:
    """A tile of 64 x 64 devices with converters for programming."""
    return TileConfig(device=device, adc=ADC)


def draw_targets(config: TileConfig, seed: int) -> np.ndarray:
    """Targets, real (R, C); stimulus, as no bit of a tile depends on how they were drawn."""
    device = config.device
    middle, half = (device.w_max + device.w_min) / 2, SHARE * (device.w_max - device.w_min) / 2
    return np.random.default_rng(seed).uniform(middle - half, middle + half, (config.rows, config.cols))


def run(backend: str, config: TileConfig, seed: int, settings: Settings) -> dict:
    """Calibrate a new tile, bring it to random targets, and say what came of it, as summary.json holds it.

    `within` counts the weights that are within the tolerance by the tile's own plane, past the converters; `reachable`
    the targets that lie within their device's own bounds.
    """
    device = config.device
    targets, tolerance = draw_targets(config, seed), settings.real_tolerance(device)
    has_write_noise = config.engine.write_sigma > 0
    with open_twin(backend, config, seed) as twin:
        calibration = twin.calibrate()
        before = twin.counters()
        verified = twin.program_verify(targets, GUARD * tolerance, reads_log2=settings.reads_log2, limit=settings.limit,
                                       gain=GENTLE if has_write_noise else 1.0, patience=24 if has_write_noise else 8)
        spent = {name: count - before[name] for name, count in twin.counters().items()}
        weights = twin.read()
        bounds = {plane: twin.tile.read_plane(plane) for plane in (Plane.W_MIN, Plane.W_MAX) if plane in config.planes}
        w_min, w_max = (config.weight.real(bound) for bound in config.bounds(bounds))
    errors = weights - targets
    is_within = np.abs(errors) <= tolerance
    is_reachable = (targets >= w_min - tolerance) & (targets <= w_max + tolerance)
    return {
        "backend": backend, "device": type(device).__name__, "seed": seed, "rows": config.rows, "cols": config.cols,
        "tolerance": settings.tolerance, "reads": 1 << settings.reads_log2, "most_windows": settings.limit,
        "residual_lsb": {"before": calibration.residual_before, "after": calibration.residual_after},
        "cross_points": targets.size, "reachable": int(is_reachable.sum()),
        **{outcome.name.lower(): verified.count(outcome) for outcome in Outcome},
        "within": int(is_within.sum()),
        "converged_within": _count(is_within, verified, Outcome.CONVERGED),
        "stuck_out_of_reach": _count(~is_reachable, verified, Outcome.STUCK),
        "rms_error": float(np.sqrt((errors[verified.outcome == Outcome.CONVERGED] ** 2).mean())
                           / (device.w_max - device.w_min)) if verified.count(Outcome.CONVERGED) else None,
        "windows": {"mean": float(verified.windows.mean()), "most": int(verified.windows.max())},
        "pulses": spent["program_pulses"], "reads_made": spent["forwards"], "chip_time_s": spent["chip_cycles"] / 1e9,
    }


def curves(config: TileConfig, seed: int, reads_log2, tolerances, limit: int,
           step=lambda: None) -> dict[int, list[float]]:
    """Share of cross-points within each tolerance after write-verify to it, by the reads (2**n) that were averaged."""
    found: dict[int, list[float]] = {}
    for n in reads_log2:
        found[1 << n] = []
        for tolerance in tolerances:
            summary = run("golden", config, seed, replace(Settings(), tolerance=tolerance, reads_log2=n, limit=limit))
            found[1 << n].append(summary["within"] / summary["cross_points"])
            step()
    return found


def _count(mask: np.ndarray, verified: Verified, outcome: Outcome) -> int:
    return int((mask & (verified.outcome == outcome)).sum())


def draw(found: dict[int, list[float]], tolerances, name: str, path) -> None:
    """Draw yield against tolerance to a PNG file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.6), dpi=150, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    shades = ["#9ecae1", "#4292c6", "#08519c", "#08306b"]
    for n, (reads, yields) in enumerate(found.items()):
        axes.plot(100 * np.asarray(tolerances), 100 * np.asarray(yields), "o-", color=shades[n % len(shades)],
                  label=f"{reads} read{'s' if reads > 1 else ''} averaged", clip_on=False, zorder=3)
    axes.set(xscale="log", xlabel="tolerance (± % of the range)", ylabel="weights within it (%)", ylim=(0, 100))
    ticks = [100 * tolerance for tolerance in tolerances]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.grid(color="#e4e7eb")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    axes.set_title(f"Write-verify of {name} devices to random targets", fontsize=11, color="#1f2933")
    figure.savefig(path)
