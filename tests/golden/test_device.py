# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden.device import (
    GAIN,
    MEAN,
    SLOPE,
    STEP,
    WRITE_SIGMA,
    ConstantStep,
    Device,
    LinearStep,
    PiecewiseStep,
    SoftBounds,
    StepEngine,
)
from golden.formats import Format, round_half_even
from golden.noise import gaussian
from golden.presets import DEVICES
from tests.golden import reference
from tests.support import CONFIGS, HUMP, PARAMETERS

WEIGHT = Format(18, frac=16)
EVERY = CONFIGS | PARAMETERS
EXACT = {"dw_min_dtod": 0.0, "up_down_dtod": 0.0, "w_max_dtod": 0.0, "w_min_dtod": 0.0}
EXACT_GAMMA = EXACT | {"gamma_up_dtod": 0.0, "gamma_down_dtod": 0.0}
MODELS = {
    "constant": ConstantStep(dw_min=0.002, w_max=1.0, w_min=-0.8, **EXACT),
    "linear": LinearStep(dw_min=0.002, w_max=1.1724, w_min=-0.8276, gamma_up=0.1153, gamma_down=0.5085,
                         **EXACT_GAMMA),
    "softbounds": SoftBounds(dw_min=0.002, w_max=1.25, w_min=-0.75, **EXACT),
    "table": replace(HUMP, dw_min=0.002, w_max=1.0, w_min=-1.0, **EXACT),
}
models = pytest.mark.parametrize("name", MODELS)
directions = pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
every_xi = gaussian(np.arange(1 << 16))


def closed_form(device: Device, w, up: bool):
    """Mean step of a device without spread, in weight units: the equations of aihwkit."""
    step, bound = device.dw_min, device.w_max if up else device.w_min
    match device:
        case SoftBounds():
            return step * (1 - w / bound)
        case LinearStep():
            return step * (1 - (device.gamma_up if up else device.gamma_down) * w / bound)
        case PiecewiseStep():
            return step * np.interp(w, np.arange(-2, 2.25, 0.25), device.up if up else device.down)
    return np.full_like(w, step)


def one_device(engine: StepEngine, up: bool, shape=()):
    planes = {name: plane[0, 0] for name, plane in engine.populate(1, 1, 1, 13).items()}
    side = "up" if up else "down"
    step, slope = planes[f"step_{side}"], planes.get(f"slope_{side}", np.int64(0))
    return [np.broadcast_to(v, shape) for v in (step, slope, planes["w_max"], planes["w_min"])]


@models
@directions
def test_mean_step_is_the_closed_form(name, up):
    device = MODELS[name]
    engine = StepEngine(device, WEIGHT)
    w = np.linspace(device.w_min, device.w_max, 4001)
    codes = WEIGHT.quantize(w)
    step, slope, *_ = one_device(engine, up, codes.shape)
    mean = engine.mean(codes, np.full(codes.shape, up), step, slope)
    expected = closed_form(device, WEIGHT.real(codes), up) * 2.0 ** (16 + engine.step_frac)
    # half an LSB each of step and sum; half a slope unit over |w| <= 2; table nodes and factor at 2**-14
    error = {"constant": 0.5, "linear": 0.5 + 0.5 + 4 * 2, "softbounds": 0.5 + 0.5 + 4 * 2,
             "table": 0.5 * 3 + 0.5 + 2.0 ** -14 * int(step[0])}[name]
    assert np.abs(mean - expected).max() <= error
    assert 0.5 * 2 ** engine.step_frac > error


@models
@directions
def test_pulse_moves_by_the_rounded_mean(name, up):
    engine = StepEngine(replace(MODELS[name], dw_min_std=0.0), WEIGHT)
    codes = np.arange(-40000, 40000, 37)
    step, slope, w_max, w_min = one_device(engine, up, codes.shape)
    after = engine.pulse(codes, np.full(codes.shape, up), step, slope, w_max, w_min, 0)
    expected = closed_form(engine.device, WEIGHT.real(codes), up) * 2.0 ** 16
    assert np.abs((after - codes) * (1 if up else -1) - expected).max() <= 0.5 + 0.1


@models
@directions
@pytest.mark.parametrize("std", [0.3, 2.0, 5.0])
def test_cycle_to_cycle_noise_over_every_draw(name, up, std):
    """Mean and deviation of a step from w = 0 over all 65,536 draws."""
    engine = StepEngine(replace(MODELS[name], dw_min_std=std), WEIGHT)
    w = np.zeros(1 << 16, dtype=np.int64)
    step, slope, w_max, w_min = one_device(engine, up, w.shape)
    moved = engine.pulse(w, np.full(w.shape, up), step, slope, w_max, w_min, every_xi) * (1 if up else -1)
    mean = closed_form(engine.device, np.zeros(1), up)[0] * 2 ** 16
    assert moved.mean() == pytest.approx(mean, abs=0.1)
    assert moved.std() == pytest.approx(np.sqrt((std * mean) ** 2 * 1.00108 + 1 / 12), rel=0.002)


def test_noise_multiplies_the_whole_mean_step():
    """At its own bound a SoftBounds device does not move, whatever xi."""
    engine = StepEngine(replace(MODELS["softbounds"], dw_min_std=5.0), WEIGHT)
    step, slope, w_max, w_min = one_device(engine, True, every_xi.shape)
    after = engine.pulse(w_max, np.full(w_max.shape, True), step, slope, w_max, w_min, every_xi)
    assert np.abs(after - w_max).max() <= 1


@models
@directions
def test_own_bounds_are_respected(name, up):
    engine = StepEngine(replace(MODELS[name], dw_min_std=3.0), WEIGHT)
    rng = np.random.default_rng(1)
    w_max, w_min = rng.integers(1, 70000, 1 << 16), rng.integers(-70000, 0, 1 << 16)
    w = rng.integers(w_min, w_max, endpoint=True)
    step, slope, *_ = one_device(engine, up, w.shape)
    once = engine.pulse(w, np.full(w.shape, up), step * 20, slope, w_max, w_min, every_xi)
    assert (once >= w_min).all()
    assert (once <= w_max).all()
    assert (once == w_max).sum() > 100
    assert (once == w_min).sum() > 100


def test_gain_holds_the_widest_noise():
    """1 + sigma * xi stays in its word for every deviation that a device may have."""
    widest = max(std for std in np.arange(0, 8, 1 / 256) if _accepts(std))
    sigma = StepEngine(ConstantStep(dw_min_std=widest), WEIGHT).sigma
    extremes = np.array([every_xi.min(), every_xi.max()])
    assert GAIN.holds((1 << GAIN.frac) + round_half_even(sigma * extremes, 10))


def _accepts(dw_min_std: float) -> bool:
    try:
        ConstantStep(dw_min_std=dw_min_std)
    except ValueError:
        return False
    return True


def test_bounds_in_disorder_give_the_upper_one():
    engine = StepEngine(MODELS["constant"], WEIGHT)
    one = np.ones(1, dtype=np.int64)
    assert engine.pulse(one, one > 0, one, one, one * -5, one * 5, one).tolist() == [-5]


@pytest.mark.parametrize("name", EVERY)
def test_pulse_equals_the_reference_on_any_words(name):
    config = EVERY[name]
    engine = config.engine
    rng = np.random.default_rng(7)
    n = 3000
    w = rng.integers(config.weight.min, config.weight.max, n, endpoint=True)
    w_max, w_min = rng.integers(engine.bound.min, engine.bound.max, (2, n), endpoint=True)
    step = rng.integers(engine.step.min, engine.step.max, n, endpoint=True)
    slope = rng.integers(engine.slope.min, engine.slope.max, n, endpoint=True) * config.device.has_slope
    up, xi = rng.random(n) < 0.5, rng.choice(every_xi, n)
    after = config.engine.pulse(w, up, step, slope, w_max, w_min, xi)
    expected = [reference.pulse(config, *(v.item() for v in values))
                for values in zip(w, up, step, slope, w_max, w_min, xi, strict=True)]
    assert after.tolist() == expected


@given(w=st.integers(WEIGHT.min, WEIGHT.max), step=st.integers(0, STEP.max),
       slope=st.integers(SLOPE.min, SLOPE.max), name=st.sampled_from(sorted(MODELS)), up=st.booleans())
def test_mean_step_stays_in_its_word(w, step, slope, name, up):
    engine = StepEngine(MODELS[name], WEIGHT)
    args = [np.array([v]) for v in (w, up, step, slope)]
    assert MEAN.holds(engine.mean(*args))


@pytest.mark.parametrize("bits", [8, 16, 18])
@directions
def test_table_is_direct_interpolation(bits, up):
    engine = StepEngine(HUMP, Format(bits, frac=bits - 2))
    w = np.arange(-(1 << bits - 1), 1 << bits - 1)
    step = np.full(w.shape, 40000)
    mean = engine.mean(w, np.full(w.shape, up), step, 0)
    nodes = np.array(HUMP.up if up else HUMP.down)
    exact = np.interp(w / 2.0 ** (bits - 2), np.arange(-2, 2.25, 0.25), nodes)
    assert np.abs(mean - np.minimum(40000 * exact, MEAN.max)).max() <= 40000 * 2.0 ** -14 + 0.5


@pytest.mark.parametrize("bits", [8, 18])
def test_tables_up_and_down_are_not_mixed_up(bits):
    engine = StepEngine(PiecewiseStep(up=(2.0,) * 17, down=(0.5,) * 17), Format(bits, frac=bits - 2))
    step = np.array([1000, 1000])
    assert engine.mean(np.zeros(2, int), np.array([True, False]), step, 0).tolist() == [2000, 500]


@pytest.mark.parametrize(("device", "bits", "frac"), [
    (DEVICES["Idealized"], 18, 8), (DEVICES["GokmenVlasov"], 18, 8), (ConstantStep(dw_min=0.1), 18, 2),
    (ConstantStep(dw_min=0.1), 8, 8), (ConstantStep(dw_min=1.0, dw_min_dtod=0.0, up_down_dtod=0.0), 18, 0),
    (ConstantStep(dw_min=0.01, dw_min_dtod=0.0, up_down_dtod=0.0), 18, 6)])
def test_step_frac(device, bits, frac):
    assert StepEngine(device, Format(bits, frac=bits - 2)).step_frac == frac


@given(dw_min=st.floats(1e-4, 0.2), dtod=st.floats(0, 0.3), up_down=st.floats(-0.5, 0.5),
       bits=st.integers(8, 18))
def test_largest_step_fits_its_word(dw_min, dtod, up_down, bits):
    device = ConstantStep(dw_min=dw_min, dw_min_dtod=dtod, up_down=up_down)
    engine = StepEngine(device, Format(bits, frac=bits - 2))
    largest = dw_min * (1 + abs(up_down) + 4.4 * (dtod + device.up_down_dtod))
    largest *= 2.0 ** (bits - 2 + engine.step_frac)
    assert largest <= STEP.max
    assert engine.step_frac == 8 or 2 * largest > STEP.max


POPULATED = {"GokmenVlasov": 18, "Idealized": 18, "EcRam": 18, "SoftBounds": 16}


def expected_planes(engine: StepEngine, seed: int, r: int, c: int, rounds: int) -> dict[str, int]:
    """One device of `populate`, one real number at a time, from the text of the contract."""
    xi = [reference.xi(reference.draw(seed, 5, 0, r, c, parameter, rounds)) / 1024 for parameter in range(6)]
    device, weight, frac, bits = engine.device, engine.weight, engine.step_frac, engine.parameter_bits
    step_max = 2 ** min(bits, 16) - 1
    gain, asymmetry = 1 + device.dw_min_dtod * xi[0], device.up_down_dtod * xi[1]
    up = abs(device.dw_min * (min(device.up_down, 0) + gain + asymmetry))
    down = abs(device.dw_min * (gain - asymmetry - max(device.up_down, 0)))
    lsb = 2.0 ** -(min(bits, weight.bits) - 2)
    w_max = min(max(abs(device.w_max * (1 + device.w_max_dtod * xi[2])), lsb), 2 - lsb)
    w_min = -min(max(abs(device.w_min * (1 + device.w_min_dtod * xi[3])), lsb), 2)
    planes = {"step_up": min(round(up * 2.0 ** (weight.frac + frac)), step_max),
              "step_down": min(round(down * 2.0 ** (weight.frac + frac)), step_max),
              "w_max": round(w_max / lsb), "w_min": round(w_min / lsb)}
    if isinstance(device, LinearStep):
        slope_up = -abs(device.gamma_up + device.gamma_up_dtod * xi[4]) * up / device.w_max
        slope_down = -abs(device.gamma_down + device.gamma_down_dtod * xi[5]) * down / device.w_min
    elif isinstance(device, SoftBounds):
        slope_up, slope_down = -up / w_max, -down / w_min
    else:
        return planes
    scale, slope_max = 2.0 ** (weight.frac + frac - engine.slope_unit), 2 ** (min(bits, 16) - 1) - 1
    return planes | {name: max(-slope_max - 1, min(slope_max, round(slope * scale)))
                     for name, slope in (("slope_up", slope_up), ("slope_down", slope_down))}


@pytest.mark.parametrize("bits", [18, 17, 12, 9])
@pytest.mark.parametrize("name", POPULATED)
def test_populate_equals_the_reference(name, bits):
    engine = StepEngine(DEVICES[name], Format(POPULATED[name], frac=POPULATED[name] - 2), bits)
    planes = engine.populate(8, 9, 42, 20)
    for r, c in np.ndindex(8, 9):
        expected = expected_planes(engine, 42, r, c, 20)
        assert {plane: int(values[r, c]) for plane, values in planes.items()} == expected, (r, c)


@pytest.mark.parametrize(("bits", "widths"), [(18, (16, 16, 18)), (17, (16, 16, 17)), (16, (16, 16, 16)),
                                              (9, (9, 9, 9)), (0, (16, 16, 18))])
def test_formats_of_parameters(bits, widths):
    engine = StepEngine(DEVICES["EcRam"], WEIGHT, bits)
    assert (engine.step, engine.slope, engine.bound) == (
        Format(widths[0], signed=False), Format(widths[1]), Format(widths[2], frac=widths[2] - 2))
    assert engine.bound.min << engine.bound_shift == WEIGHT.min
    assert (engine.slope_unit == 3) == (bits != 9)


@given(dw_min=st.floats(1e-4, 0.2), dtod=st.floats(0, 0.3), gamma=st.floats(0, 3), gamma_dtod=st.floats(0, 0.3),
       w_max=st.floats(0.05, 1.9), weight_bits=st.integers(8, 18), bits=st.integers(8, 15), is_soft=st.booleans())
def test_largest_parameters_fit_narrow_words(dw_min, dtod, gamma, gamma_dtod, w_max, weight_bits, bits, is_soft):
    """And one more bit behind the point of steps or slopes would not."""
    shared = {"dw_min": dw_min, "dw_min_dtod": dtod, "w_max": w_max, "w_max_dtod": 0.0, "w_min": -1.95,
              "w_min_dtod": 0.0}
    device = SoftBounds(**shared) if is_soft else LinearStep(**shared, gamma_up=gamma, gamma_up_dtod=gamma_dtod,
                                                             gamma_down=0.0, gamma_down_dtod=0.0)
    engine = StepEngine(device, Format(weight_bits, frac=weight_bits - 2), bits)
    largest = dw_min * (1 + 4.4 * (dtod + device.up_down_dtod)) * 2.0 ** (weight_bits - 2)
    assert (largest <= engine.step.max) == (bits >= engine.least_bits) or engine.least_bits == 16
    if largest <= engine.step.max:
        step = largest * 2.0 ** engine.step_frac
        slope = step * (1 if is_soft else gamma + 4.4 * gamma_dtod) / w_max * 2.0 ** -engine.slope_unit
        assert step <= engine.step.max
        assert slope <= engine.slope.max * (1 + 1e-12)
        assert engine.step_frac == 8 or 2 * step > engine.step.max
        assert engine.slope_unit == 0 or 2 * slope >= engine.slope.max * (1 - 1e-12)


@pytest.mark.parametrize("bits", [8, 9, 12])
def test_hardly_a_slope_of_soft_bounds_saturates_in_narrow_words(bits):
    """None but where a bound is less than a quarter of the mean one."""
    device = DEVICES["SoftBounds"]
    engine = StepEngine(device, Format(12, frac=10), bits)
    planes = engine.populate(128, 128, 3, 13)
    is_short = planes["w_max"] < 0.25 * device.w_max * 2 ** engine.bound.frac
    is_saturated = planes["slope_up"] == engine.slope.min
    assert is_short.sum() > 50
    assert not (is_saturated & ~is_short).any()


@pytest.mark.parametrize("name", [*DEVICES, "table"])
def test_constants_are_the_planes_of_devices_that_are_alike(name):
    device = (DEVICES | {"table": HUMP})[name].alike()
    assert not device.spreads
    planes = StepEngine(device, WEIGHT).populate(3, 4, 9, 13)
    engine = StepEngine(device, WEIGHT, 0)
    assert engine.populate(3, 4, 9, 13) == {}
    assert {plane: {value} for plane, value in engine.nominal.items()} == {
        plane: set(values.ravel().tolist()) for plane, values in planes.items()}


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", ["GokmenVlasov", "EcRam", "Idealized"])
def test_device_to_device_spread(name, seed):
    """Mean and deviation of 65,536 devices; magnitudes are folded, which matters at spreads of 0.3."""
    device, n = DEVICES[name], 1 << 16
    engine = StepEngine(device, WEIGHT)
    planes = engine.populate(256, 256, seed, 13)
    unit = device.dw_min * 2.0 ** (16 + engine.step_frac)
    spreads = {"step_up": (unit, np.hypot(device.dw_min_dtod, device.up_down_dtod)),
               "step_down": (unit, np.hypot(device.dw_min_dtod, device.up_down_dtod)),
               "w_max": (device.w_max * 2 ** 16, device.w_max_dtod),
               "w_min": (-device.w_min * 2 ** 16, device.w_min_dtod)}
    for plane, (mean, spread) in spreads.items():
        folded = np.minimum(np.abs(1 + spread * every_xi / 1024), 2.0 if plane[0] == "w" else np.inf)
        values = np.abs(planes[plane]) / mean
        assert values.mean() == pytest.approx(folded.mean(), abs=5 * spread / np.sqrt(n) + 1e-4), plane
        assert values.std() == pytest.approx(folded.std(), rel=5 / np.sqrt(2 * n) + 1e-3), plane
    up, down = planes["step_up"] / unit, planes["step_down"] / unit
    assert (up - down).std() / 2 == pytest.approx(device.up_down_dtod, rel=0.03, abs=1e-4)
    assert np.corrcoef(planes["w_max"].ravel(), planes["w_min"].ravel())[0, 1] == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize(("up_down", "up", "down"), [(0.0, 1.0, 1.0), (0.2, 1.0, 0.8), (-0.2, 0.8, 1.0)])
def test_asymmetry_shrinks_one_side(up_down, up, down):
    engine = StepEngine(ConstantStep(dw_min=0.002, up_down=up_down, **EXACT), WEIGHT)
    planes = engine.populate(2, 2, 1, 13)
    unit = 0.002 * 2.0 ** (16 + engine.step_frac)
    assert planes["step_up"][0, 0] == round(unit * up)
    assert planes["step_down"][0, 0] == round(unit * down)


def test_spread_of_gamma():
    device = replace(DEVICES["EcRam"], dw_min_dtod=0.0, up_down_dtod=0.0)
    planes = StepEngine(device, WEIGHT).populate(128, 128, 1, 13)
    unit = 8 / planes["step_up"][0, 0]
    gamma_up = -planes["slope_up"] * unit * device.w_max
    gamma_down = -planes["slope_down"] * unit * device.w_min
    assert (gamma_up >= 0).all()
    assert gamma_up.mean() == pytest.approx(0.1153, abs=0.003)
    assert gamma_down.mean() == pytest.approx(0.5085, abs=0.003)
    assert gamma_down.std() == pytest.approx(0.05, rel=0.05)


def test_populate_is_the_same_for_any_size():
    engine = StepEngine(DEVICES["EcRam"], WEIGHT)
    large, small = engine.populate(9, 13, 5, 13), engine.populate(4, 6, 5, 13)
    assert all((large[plane][:4, :6] == small[plane]).all() for plane in large)


def test_populated_planes_hold_their_formats():
    device = SoftBounds(dw_min=0.1, dw_min_dtod=2.0, w_max_dtod=2.0, w_min_dtod=2.0, w_max=1.9, w_min=-2.0)
    planes = StepEngine(device, WEIGHT).populate(64, 64, 1, 13)
    formats = {"step": STEP, "slope": SLOPE, "w": WEIGHT}
    assert all(formats[plane.split("_")[0]].holds(values) for plane, values in planes.items())
    assert (planes["w_min"] < 0).all()
    assert (planes["w_max"] > 0).all()


@pytest.mark.parametrize("bits", [8, 12, 18])
def test_write_noise_has_its_deviation_and_keeps_the_range(bits):
    fmt = Format(bits, frac=bits - 2)
    engine = StepEngine(ConstantStep(dw_min=0.004, write_noise_std=25.0), fmt)
    apparent = engine.apparent(np.zeros(1 << 16, dtype=np.int64), every_xi)
    assert apparent.std() * fmt.lsb == pytest.approx(0.1, rel=0.02)
    assert (apparent == -np.roll(apparent, 1 << 15)).all()
    ends = np.array([[fmt.max], [fmt.min]])
    at_ends = engine.apparent(ends, every_xi)
    assert fmt.holds(at_ends)
    assert (at_ends == ends).mean() == pytest.approx(0.5, abs=0.1)


def test_largest_write_noise_fits_its_format():
    engine = StepEngine(ConstantStep(dw_min=0.01, write_noise_std=49.0), WEIGHT)
    assert engine.write_sigma == round(0.49 * 2 ** 18)
    assert WRITE_SIGMA.max - engine.write_sigma > 0


@pytest.mark.parametrize(("model", "parameters", "message"), [
    (ConstantStep, {"write_noise_std": -1.0}, r"write_noise_std must be in 0\.\.0\.49 / dw_min \(490\), not -1\.0"),
    (ConstantStep, {"write_noise_std": 491.0}, r"write_noise_std must be in 0\.\.0\.49 / dw_min \(490\), not 491\.0"),
    (ConstantStep, {"dw_min": 0.0}, r"dw_min must be in 0\.\.1 and above 0, not 0\.0"),
    (ConstantStep, {"dw_min": 1.1}, r"dw_min must be in 0\.\.1 and above 0, not 1\.1"),
    (ConstantStep, {"dw_min": float("nan")}, "dw_min must be finite, not nan"),
    (ConstantStep, {"up_down": float("inf")}, "up_down must be finite, not inf"),
    (ConstantStep, {"dw_min_std": -0.1}, r"dw_min_std must be in 0\.\.7, not -0\.1"),
    (ConstantStep, {"dw_min_std": 8.0}, r"dw_min_std must be in 0\.\.7, not 8\.0"),
    (ConstantStep, {"w_max": 2.0}, r"w_max must be above 0 and below 2, not 2\.0"),
    (ConstantStep, {"w_max": 0.0}, r"w_max must be above 0 and below 2, not 0\.0"),
    (ConstantStep, {"w_min": 0.0}, r"w_min must be at least -2 and below 0, not 0\.0"),
    (ConstantStep, {"w_min": -2.1}, r"w_min must be at least -2 and below 0, not -2\.1"),
    (ConstantStep, {"w_max_dtod": -0.1}, r"w_max_dtod must be in 0\.\.2, not -0\.1"),
    (LinearStep, {"gamma_up_dtod": 3.0}, r"gamma_up_dtod must be in 0\.\.2, not 3\.0")])
def test_bad_parameters(model, parameters, message):
    with pytest.raises(ValueError, match=f"^Device parameter {message}$"):
        model(**parameters)


@pytest.mark.parametrize("side", ["up", "down"])
@pytest.mark.parametrize(("nodes", "message"), [
    ((1.0,) * 16, "must have 17 nodes, not 16"),
    ((1.0,) * 16 + (4.1,), r"must hold factors in 0\.\.3\.99, not .*"),
    ((1.0,) * 16 + (-0.1,), r"must hold factors in 0\.\.3\.99, not .*"),
    ((1.0,) * 16 + (float("nan"),), r"must hold factors in 0\.\.3\.99, not .*")])
def test_bad_tables(side, nodes, message):
    with pytest.raises(ValueError, match=f"^Device table {side} {message}$"):
        PiecewiseStep(**{side: nodes})
