# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import pytest

from golden.adc import AdcConfig
from golden.config import ALL, Plane, TileConfig
from golden.device import ConstantStep, LinearStep, SoftBounds
from golden.presets import DEVICES
from golden.programmer import AbortedError, Outcome, window_slots
from tests.golden import reference
from tests.support import CONFIGS, loaded_tile, random_config, state

EXACT = {"dw_min_dtod": 0.0, "dw_min_std": 0.0, "up_down_dtod": 0.0, "w_max_dtod": 0.0, "w_min_dtod": 0.0}
SMALL = {name: CONFIGS[name] for name in ("tiny", "linear", "softbounds", "table", "narrow", "writenoise")}
names = pytest.mark.parametrize("name", SMALL)
FINE = TileConfig(rows=3, cols=4, lanes=2, adc=AdcConfig(bits=10, bound=2.0, noise=0.3),
                  device=ConstantStep(dw_min=0.002, w_max=1.0, w_min=-1.0))


def weights(tile):
    return tile.config.weight.real(tile.planes[Plane.WEIGHT])


def reference_window(config, planes, seed, event, row, codes, slots):
    """One window on planes of nested lists, by the reference's pulses; how many there were."""
    persistent = planes["HIDDEN" if "HIDDEN" in planes else "WEIGHT"]
    pulses = 0
    for r in range(config.rows) if row == ALL else [row]:
        for c, code in enumerate(codes):
            side = "UP" if code < 0 else "DOWN"
            for slot in range(abs(code)):
                assert slot < slots
                pulses += 1
                noise = reference.xi(reference.draw(seed, 1, event, r, c, slot, config.rounds))
                persistent[r][c] = reference.pulse(
                    config, persistent[r][c], code < 0, planes[f"STEP_{side}"][r][c],
                    planes[f"SLOPE_{side}"][r][c] if config.device.has_slope else 0,
                    planes["W_MAX"][r][c], planes["W_MIN"][r][c], noise)
                if "HIDDEN" in planes:
                    noise = reference.xi(reference.draw(seed, 7, event, r, c, slot, config.rounds))
                    planes["WEIGHT"][r][c] = reference.apparent(config, persistent[r][c], noise)
    return pulses


def reference_read(config, planes, seed, event, row):
    charges = [config.code.max * w for w in planes["WEIGHT"][row]]
    return reference.convert(config, charges, planes, seed, event)


def reference_verify(config, planes, seed, event, row, targets, values):
    """Write-verify of the text of the contract: result words, and the event behind it."""
    k, tolerance = values["verify_reads"], values["verify_tolerance"] << values["verify_reads"]
    most = min(values["verify_pulses"], 63, config.code.max)
    columns = [{"open": True, "outcome": 2, "windows": 0, "error": 0, "streak": None} for _ in targets]
    for window in range(values["verify_limit"] + 1):
        reads = [reference_read(config, planes, seed, event + n, row) for n in range(1 << k)]
        event += 1 << k
        codes = [0] * len(targets)
        for c, (column, target) in enumerate(zip(columns, targets, strict=True)):
            if not column["open"]:
                continue
            error = (target << k) - 256 * sum(read[c] for read in reads)
            column["error"] = max(-32768, min(32767, error >> k))
            if abs(error) <= tolerance:
                column.update(open=False, outcome=0)
                continue
            up = error > 0
            if column["streak"] and column["streak"][0] == up and abs(error) >= column["streak"][2] - tolerance:
                column["streak"][1] += 1
            else:
                column["streak"] = [up, 1, abs(error)]
            if column["streak"][1] > values["verify_patience"]:
                column.update(open=False, outcome=1)
                continue
            if window < values["verify_limit"]:
                column["windows"] += 1
                pulses = max(1, min((abs(error) >> k) * values["verify_gain"] >> 16, most))
                codes[c] = -pulses if up else pulses
        if not any(codes):
            break
        reference_window(config, planes, seed, event, row, codes, max(map(abs, codes)))
        event += 1
    return [column["outcome"] | column["windows"] << 8 | column["error"] << 16 for column in columns], event


def listed(tile) -> dict:
    return {plane.name: values.tolist() for plane, values in tile.planes.items()}


@names
@pytest.mark.parametrize(("row", "col"), [(1, 2), (1, ALL), (ALL, 0), (ALL, ALL)])
@pytest.mark.parametrize(("pulses", "down"), [(1, True), (150, False)])
def test_program_equals_the_reference(name, row, col, pulses, down):
    config = SMALL[name]
    tile = loaded_tile(config, 4)
    tile.set("event", 2 ** 32 - 1)
    planes, event = listed(tile), 2 ** 32 - 1
    tile.program(row, col, pulses, down)
    windows, counted, most = 0, 0, window_slots(config)
    while pulses:
        slots = min(pulses, most)
        codes = [(slots if down else -slots) * (col in (ALL, c)) for c in range(config.cols)]
        counted += reference_window(config, planes, 4, event, row, codes, slots)
        event, pulses, windows = (event + 1) % 2 ** 32, pulses - slots, windows + 1
    assert listed(tile) == planes
    counters = tile.counters()
    assert tile.get("event") == event
    assert (counters["programs"], counters["program_pulses"]) == (windows, counted)
    assert counters["row_pulses"] == counters["col_pulses"] == 0


@names
def test_symmetrize_alternates_up_and_down(name):
    config = SMALL[name]
    tile, other = loaded_tile(config, 4), loaded_tile(config, 4)
    tile.symmetrize(ALL, 1, 3)
    for _ in range(3):
        other.program(ALL, 1, 1, False)
        other.program(ALL, 1, 1, True)
    assert listed(tile) == listed(other)
    assert tile.get("event") == 6
    assert tile.counters() == other.counters()


def test_symmetry_point_of_soft_bounds():
    """Where up and down steps are alike: s_up (1 - w / w_max) = s_down (1 - w / w_min)."""
    device = SoftBounds(dw_min=0.01, up_down=0.3, w_max=1.0, w_min=-1.0, **EXACT)
    tile = loaded_tile(replace(FINE, device=device), 1)
    tile.symmetrize(ALL, ALL, 600)
    s_up, s_down = 0.01, 0.007
    assert weights(tile) == pytest.approx((s_up - s_down) / (s_up + s_down), abs=0.01)


@names
@pytest.mark.parametrize("reads_log2", [0, 3])
def test_sense_sums_one_hot_reads(name, reads_log2):
    config = SMALL[name]
    tile = loaded_tile(config, 5)
    reads = [reference_read(config, listed(tile), 5, event, 1) for event in range(1 << reads_log2)]
    assert tile.sense(1, reads_log2).tolist() == np.sum(reads, axis=0).tolist()
    counters = tile.counters()
    assert counters["forwards"] == 1 << reads_log2 == tile.get("event")
    assert counters["conversions"] == config.cols << reads_log2
    assert counters["row_pulses"] == config.code.max << reads_log2


def test_sense_equals_forwards():
    """The same codes and the same counters, but for those of the last operation."""
    config = SMALL["softbounds"]
    sensed, forwarded = loaded_tile(config, 5), loaded_tile(config, 5)
    codes = np.zeros((4, config.rows), dtype=np.int64)
    codes[:, 2] = config.code.max
    assert sensed.sense(2, 2).tolist() == forwarded.forward(codes).sum(axis=0).tolist()
    assert sensed.counters() == forwarded.counters()


@names
@pytest.mark.parametrize("level", [0, 1, 2])
def test_calibrate_converts_the_reference(name, level):
    config = SMALL[name]
    tile = loaded_tile(config, 6)
    charges = [(level - 1) * config.reference] * config.n_converters
    reads = [reference.convert(config, charges, listed(tile), 6, event) for event in range(4)]
    assert tile.calibrate(level, 2).tolist() == np.sum(reads, axis=0).tolist()
    counters = tile.counters()
    assert counters["conversions"] == 4 * config.n_converters
    assert counters["forwards"] == counters["slots"] == 0


@pytest.mark.parametrize("bound", [0.5, 2.0, 20.0])
def test_reference_is_half_of_full_scale(bound):
    config = replace(FINE, adc=AdcConfig(bits=9, bound=bound, noise=0.0))
    tile = loaded_tile(config, 1)
    codes = [tile.calibrate(level, 0) for level in range(3)]
    if bound < 10:
        assert [int(code[0]) for code in codes] == [-128, 0, 128]  # half of 255, ties to even
    else:  # as much as 64 lines of the largest weight and code make
        assert codes[2][0] == round(255 * config.charge.max * config.converter.charge_lsb / bound)


SETTINGS = {"verify_reads": (0, 2), "verify_tolerance": (0, 300), "verify_limit": (1, 9), "verify_pulses": (1, 63),
            "verify_gain": (0, 3000), "verify_patience": (1, 3)}


@pytest.mark.parametrize("seed", range(24))
def test_verify_equals_the_reference(seed):
    rng = np.random.default_rng(seed)
    config, ties = random_config(seed), seed % 2
    if ties:
        config = replace(config, adc=replace(config.adc, noise=0.0))
    tile = loaded_tile(config, seed)
    for name, (low, high) in SETTINGS.items():
        tile.set(name, int(rng.integers(low, high + 1)))
    if ties:  # whole codes, so that errors meet the tolerance and stay where they were
        tile.set("verify_tolerance", 256 * int(rng.integers(3)))
        tile.set("verify_gain", 256)
    row = int(rng.integers(config.rows))
    ideal = np.clip(rng.normal(0, 0.5, config.cols), -1.9, 1.9) / config.adc.lsb * 256
    targets = config.adc.held.quantize(ideal / 256)
    targets = targets >> 8 << 8 if ties else targets
    planes, values = listed(tile), {name: tile.get(name) for name in SETTINGS}
    expected, event = reference_verify(config, planes, seed, 0, row, targets.tolist(), values)
    assert tile.verify(row, targets).tolist() == expected
    assert listed(tile) == planes
    assert tile.get("event") == event


def verified(tile, row, targets, **settings):
    for name, value in settings.items():
        tile.set(f"verify_{name}", value)
    lsb = tile.config.adc.lsb
    words = tile.verify(row, tile.config.adc.held.quantize(np.asarray(targets) / lsb))
    return words & 3, words >> 8 & 255, (words >> 16) / 256 * lsb


def test_verify_reaches_its_targets():
    tile, targets = loaded_tile(FINE, 2), [0.25, -0.4, 0.0, 0.5]
    outcome, windows, errors = verified(tile, 1, targets, reads=4, tolerance=256, gain=500)
    assert outcome.tolist() == [Outcome.CONVERGED] * 4
    assert np.abs(weights(tile)[1] - targets).max() < 0.005
    assert np.abs(errors).max() <= FINE.adc.lsb
    assert 0 < windows.max() < 64


def test_targets_beyond_a_bound_are_reported_stuck():
    device = LinearStep(dw_min=0.01, w_max=0.5, w_min=-0.5, **EXACT)
    tile = loaded_tile(replace(FINE, device=device), 2)
    outcome, windows, errors = verified(tile, 0, [0.7, 0.3, -0.7, -0.3], reads=3, tolerance=512, gain=100, patience=4)
    assert outcome.tolist() == [Outcome.STUCK, Outcome.CONVERGED, Outcome.STUCK, Outcome.CONVERGED]
    assert weights(tile)[0][[0, 2]] == pytest.approx([0.5, -0.5])
    assert errors[[0, 2]] == pytest.approx([0.2, -0.2], abs=0.01)
    assert windows[0] < 30


def test_what_is_too_far_for_the_limit_is_neither():
    tile = loaded_tile(replace(FINE, device=ConstantStep(dw_min=0.001, **EXACT)), 2)
    tile.write(Plane.WEIGHT, 0, [0, 0, 0, 0])
    outcome, windows, _ = verified(tile, 0, [0.5, 0.0, -0.5, 0.0], limit=3, reads=4, tolerance=256, gain=1000)
    assert outcome.tolist() == [Outcome.LIMIT, Outcome.CONVERGED, Outcome.LIMIT, Outcome.CONVERGED]
    assert windows.tolist() == [3, 0, 3, 0]
    assert weights(tile)[0] == pytest.approx([3 * 31 * 0.001, 0, -3 * 31 * 0.001, 0], abs=1e-3)


def test_other_rows_and_converged_columns_keep_their_weights():
    tile = loaded_tile(FINE, 2)
    before = tile.planes[Plane.WEIGHT].copy()
    targets = weights(tile)[1] + [0, 0.1, 0, -0.1]
    verified(tile, 1, targets, reads=4, tolerance=400)
    changed = tile.planes[Plane.WEIGHT] != before
    assert changed.nonzero()[0].tolist() == [1, 1]
    assert changed.nonzero()[1].tolist() == [1, 3]


COMMANDS = {
    "program": lambda tile, steps=None: tile.program(0, ALL, 150, True, steps),
    "symmetrize": lambda tile, steps=None: tile.symmetrize(ALL, 1, 3, steps),
    "sense": lambda tile, steps=None: tile.sense(1, 2, steps),
    "calibrate": lambda tile, steps=None: tile.calibrate(2, 2, steps),
    "verify": lambda tile, steps=None: tile.verify(1, np.full(tile.config.cols, 20000), steps),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_aborted_after_any_step(command):
    """What the steps did remains, and is counted; as many steps as there are is the whole command."""
    run = COMMANDS[command]
    config = SMALL["softbounds"]
    whole = loaded_tile(config, 3)
    whole.set("verify_reads", 1)
    whole.set("verify_limit", 3)
    before = state(whole)
    result = run(whole)
    events = whole.get("event")
    assert events > 1
    last = before
    for steps in range(events):
        tile = loaded_tile(config, 3)
        tile.set("verify_reads", 1)
        tile.set("verify_limit", 3)
        with pytest.raises(AbortedError):
            run(tile, steps)
        assert tile.get("event") == steps
        assert tile.counters()["chip_cycles"] >= last["registers"]["chip_cycles_low"]
        last = state(tile)
    tile = loaded_tile(config, 3)
    tile.set("verify_reads", 1)
    tile.set("verify_limit", 3)
    assert np.array_equal(run(tile, events), result, equal_nan=False) or result is None
    assert state(tile) == state(whole)


@pytest.mark.parametrize("slots", [0, 5, 62])
@pytest.mark.parametrize("steps", [0, 1, 3])
def test_aborted_within_a_read(steps, slots):
    """It takes no event and gives no code, but its slots, pulses and time are counted."""
    between, within = (loaded_tile(SMALL["softbounds"], 3) for _ in range(2))
    for tile, broken in ((between, None), (within, slots)):
        with pytest.raises(AbortedError):
            tile.sense(1, 2, steps, broken)
    counts = [tile.counters() for tile in (between, within)]
    more = {name: counts[1][name] - counts[0][name] for name in counts[0]}
    assert {name: n for name, n in more.items() if n} == \
        {name: n for name, n in (("slots", slots), ("row_pulses", slots), ("chip_cycles", 4 + slots)) if n}
    assert within.get("event") == between.get("event") == steps


@pytest.mark.parametrize("abort", [lambda tile: tile.sense(1, 2, 1, 63), lambda tile: tile.sense(1, 2, 1, -1)])
def test_a_read_breaks_off_only_before_a_slot_to_come(abort):
    with pytest.raises(ValueError, match=r"Slots played must be in 0\.\.62, not"):
        abort(loaded_tile(SMALL["softbounds"], 3))


@pytest.mark.parametrize(("call", "message"), [
    (lambda t: t.program(5, 0, 1, True), r"Row must be in 0\.\.4, not 5"),
    (lambda t: t.program(-2, 0, 1, True), r"Row must be in 0\.\.4, not -2"),
    (lambda t: t.program(0, 6, 1, True), r"Column must be in 0\.\.5, not 6"),
    (lambda t: t.program(0, 0, 0, True), r"Pulses must be in 1\.\.65535, not 0"),
    (lambda t: t.symmetrize(0, 0, 65536), r"Pairs must be in 1\.\.65535, not 65536"),
    (lambda t: t.sense(-1, 0), r"Row must be in 0\.\.4, not -1"),
    (lambda t: t.sense(0, 9), r"Reads, as a power of two, must be in 0\.\.8, not 9"),
    (lambda t: t.calibrate(3, 0), r"Reference level must be in 0\.\.2, not 3"),
    (lambda t: t.verify(5, np.zeros(6, dtype=int)), r"Row must be in 0\.\.4, not 5"),
    (lambda t: t.verify(0, np.zeros(5, dtype=int)), r"Targets must have shape \(6,\), not \(5,\)"),
    (lambda t: t.verify(0, np.full(6, 1 << 18)), r"Targets must be in -262144\.\.262143, not 262144"),
])
def test_bad_arguments_change_nothing(call, message):
    tile = loaded_tile(SMALL["tiny"], 1)
    before = state(tile)
    with pytest.raises(ValueError, match=f"^{message}$"):
        call(tile)
    assert state(tile) == before


def test_ecram_converges_within_a_hundredth_of_its_range():
    """The measure of the whole: a tile of EcRam devices, targets all over its range."""
    device = DEVICES["EcRam"]
    config = TileConfig(rows=16, cols=64, lanes=16, device=device, adc=AdcConfig(bound=2.0))
    tile, rng = loaded_tile(config, 7), np.random.default_rng(7)
    good = 0
    for row in range(config.rows):
        targets = rng.uniform(0.9 * device.w_min, 0.9 * device.w_max, config.cols)
        outcome, _, _ = verified(tile, row, targets, reads=5, tolerance=490, gain=1000, limit=64)
        good += int((np.abs(weights(tile)[row] - targets) <= 0.02).sum())
        assert (outcome != Outcome.LIMIT).all()
    assert good >= 0.99 * config.rows * config.cols
