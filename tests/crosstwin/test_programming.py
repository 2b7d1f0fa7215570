# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import pytest

import crosstwin
from crosstwin import programming
from golden.adc import AdcConfig
from golden.config import VECTOR, Plane, TileConfig
from golden.device import ConstantStep, SoftBounds
from golden.formats import round_half_even
from golden.programmer import Outcome

DEVICE = ConstantStep(dw_min=0.002, w_max=1.0, w_min=-1.0)
UNEVEN = TileConfig(rows=6, cols=8, lanes=4, device=DEVICE,
                    adc=AdcConfig(bits=10, bound=2.0, noise=0.5, gain_spread=0.05, offset_spread=5.0))
EVEN = replace(UNEVEN, adc=AdcConfig(bits=10, bound=2.0, noise=0.5))


def spread(config, seed=3, scale=0.5):
    return np.random.default_rng(seed).uniform(-scale, scale, (config.rows, config.cols))


def test_sense_reads_the_weights_through_the_array():
    with crosstwin.open(config=EVEN, seed=1) as twin:
        twin.load(spread(EVEN))
        errors = [np.abs(twin.sense(reads) - twin.read()).max() for reads in (0, 6)]
        assert errors[1] < EVEN.adc.lsb / 2 < errors[0]
        assert twin.counters()["forwards"] == 6 * 65


def test_calibration_finds_gain_and_offset_and_corrects_them():
    with crosstwin.open(config=UNEVEN, seed=2) as twin:
        twin.load(spread(UNEVEN))
        x = spread(UNEVEN, 4, 1.0)[:, 0]
        errors, reads = [], []
        for _ in range(2):
            errors.append(np.abs(np.mean(twin.forward(np.tile(x, (200, 1))), axis=0) - x @ twin.read()).max())
            reads.append(np.abs(twin.sense(6) - twin.read()).max())
            if not twin.tile.get("correct"):
                calibration = twin.calibrate()
        planes = twin.tile.planes
        gain = planes[Plane.ADC_GAIN][0] / UNEVEN.converter.nominal_gain
        assert calibration.lines.gain == pytest.approx(gain, abs=0.002)
        assert calibration.lines.offset == pytest.approx(planes[Plane.ADC_OFFSET][0] / 256, abs=0.2)
    assert calibration.residual_after < 0.3 < 5 < calibration.residual_before
    assert errors[1] < errors[0] / 3
    assert reads[1] < reads[0] / 3


def test_program_verify_with_converters_that_differ():
    targets = spread(UNEVEN, 5)
    with crosstwin.open(config=UNEVEN, seed=2) as twin:
        twin.calibrate()
        verified = twin.program_verify(targets, 0.008, reads_log2=5)
        assert verified.count(Outcome.CONVERGED) == targets.size
        assert np.abs(twin.read() - targets).max() < 0.01
        assert np.abs(verified.errors).max() <= 0.0082
        assert verified.windows.shape == targets.shape


def test_stuck_and_unfinished_devices_are_told_apart():
    device = ConstantStep(dw_min=0.005, w_max=0.5, w_min=-0.5, w_max_dtod=0.0, w_min_dtod=0.0)
    targets = np.full((6, 8), 0.2)
    targets[0] = 0.9
    with crosstwin.open(config=replace(EVEN, device=device), seed=2) as twin:
        verified = twin.program_verify(targets, 0.02, limit=60, patience=4)
        assert (verified.outcome[0] == Outcome.STUCK).all()
        assert verified.count(Outcome.STUCK) == 8
        assert verified.errors[0] == pytest.approx(0.4, abs=0.03)
    with crosstwin.open(config=replace(EVEN, device=device), seed=2) as twin:
        assert twin.program_verify(targets, 0.002, limit=1).count(Outcome.LIMIT) > 40


def test_zero_shift_makes_the_symmetry_points_zero():
    device = SoftBounds(dw_min=0.01, up_down=0.3, up_down_dtod=0.1, w_max=1.0, w_min=-1.0)
    with crosstwin.open(config=replace(EVEN, device=device), seed=6) as twin:
        shifted = twin.zero_shift(pairs=400)
        assert np.abs(twin.read()).max() < 0.02
        assert twin.sense(6) == pytest.approx(twin.read(), abs=0.005)
        assert np.abs(shifted).max() > 0.1
        twin.load(shifted * 0 + 0.1)
        kept = twin.read()
        x, d = spread(EVEN, 7, 1.0)[:, 0], spread(EVEN, 8, 1.0)[0]
        assert np.mean(twin.forward(np.tile(x, (400, 1))), axis=0) == pytest.approx(x @ kept, abs=0.02)
        assert np.mean(twin.backward(np.tile(d, (400, 1))), axis=0) == pytest.approx(kept @ d, abs=0.02)
        twin.symmetrize(400)
        assert np.abs(twin.read()).mean() < 0.03


def test_what_the_reference_makes_is_an_integer():
    reference = np.array([[3, -5], [70000, 1], [2, 2]])
    vectors = np.array([[65536, -1000, 123456], [0, 1, 0]])
    found = programming.subtract(EVEN, np.array([[100, 200], [1 << 22, -5]]), vectors, reference)
    assert found.tolist() == (np.array([[100, 200], [1 << 22, -5]])
                              - round_half_even(vectors @ reference, 16)).tolist()
    assert programming.subtract(EVEN, np.array([[VECTOR.max]]), np.array([[65536]]), np.array([[-9999]])) == VECTOR.max


@pytest.mark.parametrize(("call", "message"), [
    (lambda t: t.program_verify(np.zeros((6, 7))), r"Targets must have shape \(6, 8\), not \(6, 7\)"),
    (lambda t: t.program_verify(np.full((6, 8), 2.5)), r"Targets must be above -2 and below 2, not 2\.5"),
    (lambda t: t.program_verify(np.zeros((6, 8)), -0.1), r"Tolerance must be above 0 and at most 1, not -0\.1"),
    (lambda t: t.program_verify(np.zeros((6, 8)), gain=0.0), r"Gain must be above 0 and at most 10, not 0\.0"),
    (lambda t: t.program_verify(np.zeros((6, 8)), limit=0), r"Register verify_limit must be in 1\.\.255, not 0"),
    (lambda t: t.program_verify(np.zeros((6, 8)), reads_log2=9), r"Register verify_reads must be .*"),
    (lambda t: t.sense(9), r"Reads, as a power of two, must be in 0\.\.8, not 9"),
    (lambda t: t.symmetrize(0), r"Pairs must be in 1\.\.65535, not 0"),
])
def test_bad_arguments(call, message):
    with crosstwin.open(config=EVEN) as twin:
        before = twin.read()
        with pytest.raises(ValueError, match=f"^{message}$"):
            call(twin)
        assert (twin.read() == before).all()


def test_a_checkpoint_keeps_calibration_and_zero(tmp_path):
    device = SoftBounds(dw_min=0.01, up_down=0.3, w_max=1.0, w_min=-1.0)
    config = replace(UNEVEN, device=device)
    with crosstwin.open(config=config, seed=6) as twin:
        twin.calibrate(4)
        twin.zero_shift(pairs=100)
        twin.save(tmp_path / "state")
        weights, sensed = twin.read(), twin.sense(2)
    with crosstwin.open(config=config, seed=7) as other:
        other.restore(tmp_path / "state")
        assert (other.read() == weights).all()
        assert (other.sense(2) == sensed).all()
