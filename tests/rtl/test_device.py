# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import pytest

from golden.device import SLOPE, STEP, ConstantStep, PiecewiseStep, StepEngine
from golden.formats import Format
from golden.noise import gaussian_of_draw
from golden.presets import DEVICES
from rtl.device import DeviceLane
from tests.rtl.simulation import asked, check_pipeline
from tests.support import HUMP

STEEP = PiecewiseStep(dw_min=0.3, up=(3.99, 0.0) * 8 + (3.99,), down=(0.0, 3.99) * 8 + (0.0,))
"""A table that falls and rises by nearly its whole range in every segment."""
ALL = DEVICES | {"HUMP": HUMP, "STEEP": STEEP}
XI = gaussian_of_draw()


def weight(bits: int) -> Format:
    return Format(bits, frac=bits - 2)


def pulses(fmt: Format, seed: int, n: int = 300) -> dict[str, np.ndarray]:
    """Random pulses on random devices; in the first of them, each input at each of its edges."""
    rng = np.random.default_rng(seed)
    edges = {"w": [fmt.min, fmt.max, 0, 1, -1], "step": [0, 1, STEP.max, STEP.max - 1],
             "slope": [SLOPE.min, SLOPE.max, 0, 1, -1], "xi": [int(XI.min()), int(XI.max()), 0, 1, -1],
             "w_max": [fmt.max, 0, 1], "w_min": [fmt.min, 0, -1], "up": [0, 1]}
    ranges = {"w": (fmt.min, fmt.max), "step": (0, STEP.max), "slope": (SLOPE.min, SLOPE.max),
              "w_max": (0, fmt.max), "w_min": (fmt.min, 0), "up": (0, 1)}
    given = {name: rng.integers(*ends, n, endpoint=True) for name, ends in ranges.items()}
    given["xi"], given["write_xi"] = rng.choice(XI, (2, n))
    given["step"] >>= rng.integers(0, 16, n)
    given["slope"] >>= rng.integers(0, 16, n)
    for name, values in edges.items():
        given[name][:n // 2] = np.where(rng.random(n // 2) < 0.6, rng.choice(values, n // 2), given[name][:n // 2])
    return given


def check(engine: StepEngine, given: dict[str, np.ndarray]) -> None:
    lane = DeviceLane(engine)
    times = {"w": lane.weight_time, "w_max": lane.bounds_time, "w_min": lane.bounds_time}
    wanted = engine.pulse(given["w"], given["up"] > 0, *(given[name] for name in
                                                         ("step", "slope", "w_max", "w_min", "xi")))
    write_xi = given.pop("write_xi")
    if not engine.write_sigma:
        check_pipeline(lane, lane.latency, given, {"result": wanted}, times)
        return
    check_pipeline(lane, lane.latency, given | {"write_xi": write_xi}, {"result": wanted}, times)
    check_pipeline(DeviceLane(engine), lane.apparent_latency, given | {"write_xi": write_xi},
                   {"apparent": engine.apparent(wanted, write_xi)}, times)


@pytest.mark.parametrize("bits", [8, 13, 18])
@pytest.mark.parametrize("name", ALL)
def test_every_device_model_equals_golden(name, bits):
    check(StepEngine(ALL[name], weight(bits)), pulses(weight(bits), bits))


@pytest.mark.parametrize("bits", range(8, 19))
def test_every_weight_width(bits):
    device = [HUMP, DEVICES["EcRam"], DEVICES["SoftBounds"]][bits % 3]
    check(StepEngine(replace(device, dw_min=0.2), weight(bits)), pulses(weight(bits), 100 + bits))


@pytest.mark.parametrize("sigma", [0.0, 2.0 ** -12, 1.0, 5.0, 7.0])
@pytest.mark.parametrize("name", ["ConstantStep", "SoftBounds", "HUMP"])
def test_noise_from_none_to_the_largest(name, sigma):
    """At the largest, 1 + sigma * xi must still hold for the largest |xi|."""
    engine = StepEngine(replace(ALL[name], dw_min_std=sigma), weight(18))
    check(engine, pulses(engine.weight, 7))


@pytest.mark.parametrize("name", ["ConstantStep", "HUMP"])
@pytest.mark.parametrize("deviation", [2.0 ** -17, 0.02, 0.49])
def test_write_noise_from_none_to_the_largest(name, deviation):
    device = replace(ALL[name], write_noise_std=deviation / ALL[name].dw_min * (1 - 1e-9))
    engine = StepEngine(device, weight(18))
    assert engine.write_sigma > 0
    check(engine, pulses(engine.weight, 11))


@pytest.mark.parametrize("dw_min", [1e-6, 0.01, 1.0])
def test_steps_from_the_finest_to_the_coarsest(dw_min):
    engine = StepEngine(ConstantStep(dw_min=dw_min), weight(18))
    check(engine, pulses(engine.weight, 8))


def test_bounds_in_disorder():
    """A device's bounds may be any two words; the upper one prevails."""
    engine = StepEngine(ConstantStep(), weight(18))
    given = pulses(engine.weight, 9)
    given["w_max"], given["w_min"] = given["w_min"] // 2, given["w_max"]
    check(engine, given)


@pytest.mark.parametrize(("name", "sigma", "between"), [("ConstantStep", 0.0, 3), ("ConstantStep", 0.3, 3),
                                                        ("SoftBounds", 0.0, 9), ("SoftBounds", 0.3, 12),
                                                        ("HUMP", 0.3, 19)])
def test_little_lies_between_a_weight_and_its_successor(name, sigma, between):
    """Of a step that does not depend on the weight, nothing but sum, comparison and choice."""
    engine = StepEngine(replace(ALL[name], dw_min_std=sigma), weight(18))
    assert asked(lambda: DeviceLane(engine), lambda lane: lane.latency - lane.weight_time) == between
