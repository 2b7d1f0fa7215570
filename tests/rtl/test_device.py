# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import pytest

from golden.device import ConstantStep, PiecewiseStep, StepEngine
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


def pulses(engine: StepEngine, seed: int, n: int = 300) -> dict[str, np.ndarray]:
    """Random pulses on random devices; in the first of them, each input at each of its edges."""
    rng = np.random.default_rng(seed)
    fmt, step, slope, bound = engine.weight, engine.step, engine.slope, engine.bound
    edges = {"w": [fmt.min, fmt.max, 0, 1, -1], "step": [0, 1, step.max, step.max - 1],
             "slope": [slope.min, slope.max, 0, 1, -1], "xi": [int(XI.min()), int(XI.max()), 0, 1, -1],
             "w_max": [bound.max, 0, 1], "w_min": [bound.min, 0, -1], "up": [0, 1]}
    ranges = {"w": (fmt.min, fmt.max), "step": (0, step.max), "slope": (slope.min, slope.max),
              "w_max": (0, bound.max), "w_min": (bound.min, 0), "up": (0, 1)}
    given = {name: rng.integers(*ends, n, endpoint=True) for name, ends in ranges.items()}
    given["xi"], given["write_xi"] = rng.choice(XI, (2, n))
    given["step"] >>= rng.integers(0, step.bits, n)
    given["slope"] >>= rng.integers(0, slope.bits, n)
    for name, values in edges.items():
        given[name][:n // 2] = np.where(rng.random(n // 2) < 0.6, rng.choice(values, n // 2), given[name][:n // 2])
    if not engine.parameter_bits:
        up = given["up"] > 0
        for name in ("step", "slope"):
            up_value, down_value = (engine.nominal.get(f"{name}_{direction}", 0) for direction in ("up", "down"))
            given[name] = np.where(up, up_value, down_value)
        given |= {name: np.full(n, engine.nominal[name]) for name in ("w_max", "w_min")}
    return given


def check(engine: StepEngine, given: dict[str, np.ndarray], *, short: bool = False) -> None:
    lane = DeviceLane(engine, short=short)
    times = {"w": lane.weight_time, "w_max": lane.bounds_time, "w_min": lane.bounds_time}
    wanted = engine.pulse(given["w"], given["up"] > 0, *(given[name] for name in
                                                         ("step", "slope", "w_max", "w_min", "xi")))
    write_xi = given["write_xi"]
    inputs = {name: values for name, values in given.items() if hasattr(lane, name)}
    check_pipeline(lane, lane.latency, inputs, {"result": wanted}, times)
    if engine.write_sigma:
        check_pipeline(DeviceLane(engine), lane.apparent_latency, inputs,
                       {"apparent": engine.apparent(wanted, write_xi)}, times)


@pytest.mark.parametrize("bits", [8, 13, 18])
@pytest.mark.parametrize("name", ALL)
def test_every_device_model_equals_golden(name, bits):
    engine = StepEngine(ALL[name], weight(bits))
    check(engine, pulses(engine, bits))


@pytest.mark.parametrize("name", ALL)
def test_a_short_one_gives_the_same_in_two_cycles_less(name):
    engine = StepEngine(replace(ALL[name], dw_min_std=0.0, write_noise_std=0.0), weight(12))
    check(engine, pulses(engine, 3), short=True)
    assert asked(lambda: None, lambda _: DeviceLane(engine).latency - DeviceLane(engine, short=True).latency) == 2


@pytest.mark.parametrize("weight_bits", [8, 18])
@pytest.mark.parametrize("parameter_bits", [8, 9, 15, 17])
@pytest.mark.parametrize("name", ["GokmenVlasov", "EcRam", "SoftBounds", "ReRamSB", "HUMP"])
def test_narrow_parameters(name, parameter_bits, weight_bits):
    """Of every width that differs: steps and slopes up to 16 bits, bounds up to the weight's."""
    engine = StepEngine(replace(ALL[name], dw_min=0.001), weight(weight_bits), parameter_bits)
    check(engine, pulses(engine, parameter_bits))


@pytest.mark.parametrize("up_down", [0.0, 0.3])
@pytest.mark.parametrize("sigma", [0.0, 0.3])
@pytest.mark.parametrize("name", ALL)
def test_constants_of_devices_that_are_alike(name, sigma, up_down):
    device = replace(ALL[name].alike(), dw_min_std=sigma, up_down=up_down)
    engine = StepEngine(device, weight(18), 0)
    assert not {"step", "slope", "w_max", "w_min"} & asked(lambda: DeviceLane(engine),
                                                           lambda lane: set(lane.signature.members))
    given = pulses(engine, 21)
    nominal = engine.nominal
    near = np.random.default_rng(22).integers(-3000, 3000, 200)  # of either bound, where a wrong one shows
    given["w"][100:] = np.where(np.arange(200) < 100, nominal["w_max"], nominal["w_min"]) + near
    given["w"] = np.clip(given["w"], engine.weight.min, engine.weight.max)
    check(engine, given)


@pytest.mark.parametrize("bits", range(8, 19))
def test_every_weight_width(bits):
    device = [HUMP, DEVICES["EcRam"], DEVICES["SoftBounds"]][bits % 3]
    engine = StepEngine(replace(device, dw_min=0.2), weight(bits))
    check(engine, pulses(engine, 100 + bits))


@pytest.mark.parametrize("sigma", [0.0, 2.0 ** -12, 1.0, 5.0, 7.0])
@pytest.mark.parametrize("name", ["ConstantStep", "SoftBounds", "HUMP"])
def test_noise_from_none_to_the_largest(name, sigma):
    """At the largest, 1 + sigma * xi must still hold for the largest |xi|."""
    engine = StepEngine(replace(ALL[name], dw_min_std=sigma), weight(18))
    check(engine, pulses(engine, 7))


@pytest.mark.parametrize("name", ["ConstantStep", "HUMP"])
@pytest.mark.parametrize("deviation", [2.0 ** -17, 0.02, 0.49])
def test_write_noise_from_none_to_the_largest(name, deviation):
    device = replace(ALL[name], write_noise_std=deviation / ALL[name].dw_min * (1 - 1e-9))
    engine = StepEngine(device, weight(18))
    assert engine.write_sigma > 0
    check(engine, pulses(engine, 11))


@pytest.mark.parametrize("dw_min", [1e-6, 0.01, 1.0])
def test_steps_from_the_finest_to_the_coarsest(dw_min):
    engine = StepEngine(ConstantStep(dw_min=dw_min), weight(18))
    check(engine, pulses(engine, 8))


def test_bounds_in_disorder():
    """A device's bounds may be any two words; the upper one prevails."""
    engine = StepEngine(ConstantStep(), weight(18))
    given = pulses(engine, 9)
    given["w_max"], given["w_min"] = given["w_min"] // 2, given["w_max"]
    check(engine, given)


@pytest.mark.parametrize(("name", "sigma", "between"), [("ConstantStep", 0.0, 3), ("ConstantStep", 0.3, 3),
                                                        ("SoftBounds", 0.0, 9), ("SoftBounds", 0.3, 12),
                                                        ("HUMP", 0.3, 19)])
def test_little_lies_between_a_weight_and_its_successor(name, sigma, between):
    """Of a step that does not depend on the weight, nothing but sum, comparison and choice."""
    engine = StepEngine(replace(ALL[name], dw_min_std=sigma), weight(18))
    assert asked(lambda: DeviceLane(engine), lambda lane: lane.latency - lane.weight_time) == between
