# SPDX-License-Identifier: Apache-2.0
"""Every kind of converter against the contract's text, and against what its kind is known for."""
from dataclasses import replace

import numpy as np
import pytest

from golden import conversion
from golden.adc import Adc, AdcConfig, AdcKind
from golden.config import Plane, TileConfig
from golden.formats import Format, round_half_even, saturate
from golden.noise import GAUSSIAN_FRAC
from golden.tile import Tile
from tests.golden import reference
from tests.support import CONFIGS, assert_bits, loaded_tile, random_codes

LSB = 2.0 ** -16 / 63
KINDS = {
    "sar": AdcConfig(bits=6, kind=AdcKind.SAR, comparator_noise=0.7, comparator_offset=1.5, capacitor_spread=0.1),
    "sar mismatch": AdcConfig(bits=7, capacitor_spread=0.05),
    "sar noise": AdcConfig(bits=5, comparator_noise=2.0),
    "sar offset": AdcConfig(bits=5, comparator_offset=2.0),
    "ramp": AdcConfig(bits=6, kind=AdcKind.RAMP, comparator_noise=0.7, comparator_offset=1.5, bow=-3.3),
    "ramp bow": AdcConfig(bits=5, kind=AdcKind.RAMP, bow=3.75),
    "ramp ideal": AdcConfig(bits=4, kind=AdcKind.RAMP),
    "cco": AdcConfig(bits=6, kind=AdcKind.CCO, phase_noise=1),
    "cco ideal": AdcConfig(bits=4, kind=AdcKind.CCO),
    "spi": AdcConfig(bits=16, kind=AdcKind.SPI),
}
by_kind = pytest.mark.parametrize("name", KINDS)


def everything(config: AdcConfig) -> np.ndarray:
    """Every charge up to two LSB beyond the rails."""
    end = (config.code.max + 2) * conversion.LSB
    return np.arange(-end, end + 1, 1 if config.bits < 12 else 997)


@by_kind
@pytest.mark.parametrize("seed", [1, 2])
def test_tiles_equal_the_reference(name, seed):
    config = replace(CONFIGS["tiny"], adc=replace(KINDS[name], bound=2.0, gain_spread=0.05, offset_spread=1.0,
                                                  columns_per_adc=seed))
    tile = loaded_tile(config, seed)
    tile.set("event", 77)
    planes = {plane.name: values.tolist() for plane, values in tile.planes.items()}
    for n, (transpose, multiply, length) in enumerate(((False, tile.forward, config.rows),
                                                       (True, tile.backward, config.cols))):
        codes = random_codes(config, 5, length, seed)
        weights = np.transpose(planes["WEIGHT"]).tolist() if transpose else planes["WEIGHT"]
        wanted = [reference.convert(config, reference.charge(vector, weights), planes, seed, 77 + 5 * n + k)
                  for k, vector in enumerate(codes.tolist())]
        assert_bits(f"{name}, codes", wanted, multiply(codes))


@by_kind
def test_conversions_equal_the_reference(name):
    """Charges about every level, in one converter of each kind, with planes of any words."""
    config, rng = KINDS[name], np.random.default_rng(3)
    adc = Adc(config, LSB)
    held = rng.choice(everything(config), 300)
    comparator = int(rng.integers(-700, 700)) if config.comparator_offset else 0
    dac = rng.integers(-300, 300, (config.bits, 1)) if config.capacitor_spread else np.zeros((config.bits, 1), int)
    draws = adc.draws(5, np.arange(300), 1, 13)
    found = adc.convert(held[:, None], comparator, dac, draws)[:, 0]
    raw = [[reference.draw(5, 8, event, 0, 0, trial, 13) for trial in range(config.bits)] for event in range(300)]
    wanted = [reference.find(config, int(q), comparator, dac[:, 0].tolist(), each)
              for q, each in zip(held, raw, strict=True)]
    assert_bits(f"{name}, code", wanted, found)


@pytest.mark.parametrize("bits", [4, 7])
@pytest.mark.parametrize("kind", [AdcKind.SAR, AdcKind.RAMP, AdcKind.SPI])
def test_ideal_converters_round(kind, bits):
    """The search itself, too, where nothing is amiss."""
    config = AdcConfig(bits=bits, kind=kind)
    held = everything(config)[:, None]
    nearest = saturate(round_half_even(held, 8), config.code)
    assert_bits("code", nearest, Adc(config, LSB).convert(held))
    assert_bits("searched code", nearest, conversion.search(held, config.code, 0, 0))
    assert_bits("code on the ramp", nearest, conversion.ramp(held, config.code, 0))


def test_oscillators_cut_off_the_fraction():
    adc = Adc(AdcConfig(bits=5, kind=AdcKind.CCO), LSB)
    held = everything(adc.config)
    codes = adc.convert(held)
    assert_bits("code", np.clip(np.trunc(held / 256), -15, 15), codes)
    assert_bits("odd", -codes[::-1], codes)
    phases = np.arange(256)
    found = adc.convert(np.full(256, 5 * 256 + 100), draws=phases)
    assert found.mean() == 5 + 100 / 256, "a random phase makes the mean exact"


@pytest.mark.parametrize("bow", [-3.75, 0.0, 3.75])
def test_ramps_are_monotone_and_bow(bow):
    config = AdcConfig(bits=5, kind=AdcKind.RAMP, bow=bow)
    held = everything(config)
    codes = Adc(config, LSB).convert(held)
    assert (np.diff(codes) >= 0).all()
    assert set(codes) == set(range(-15, 16))
    levels = conversion.ramp_levels(config.code, config.bow_factor)
    deviation = (levels - conversion.level(np.arange(-14, 16))) / 256
    assert deviation[14] == pytest.approx(bow, abs=0.01)
    assert deviation[-1] == 0


@pytest.mark.parametrize("bits", range(4, 13))
def test_levels_of_a_ramp_rise_at_the_largest_bow(bits):
    code = Format(bits, symmetric=True)
    for sign in (-1, 1):
        config = AdcConfig(bits=bits, kind=AdcKind.RAMP, bow=sign * min(25, code.max / 4))
        assert (np.diff(conversion.ramp_levels(code, config.bow_factor)) > 0).all()


def test_capacitors_share_one_reference():
    """Weights and the terminating capacitor make full scale exactly, whatever the mismatch."""
    xi = np.random.default_rng(1).normal(0, 0.1, (10, 50))
    deviations = conversion.capacitors(9, xi)
    weights = deviations + 2.0 ** np.arange(9)[:, None]
    units = np.append(2.0 ** np.arange(9), 1)[:, None]
    capacitors = units + np.sqrt(units) * xi
    np.testing.assert_allclose(weights.sum(axis=0) + capacitors[-1] * 512 / capacitors.sum(axis=0), 512)
    assert (conversion.capacitors(9, np.zeros((10, 1))) == 0).all()
    assert (deviations[:, :1] == conversion.capacitors(9, xi[:, :1])).all(), "alone as together"


def test_noise_of_comparators_is_anew_in_every_trial():
    adc = Adc(KINDS["sar"], LSB)
    noise = adc.draws(1, np.arange(3000), 5, 13)
    assert noise.shape == (3000, 6, 5)
    assert noise.std() == pytest.approx(0.7 * 256, rel=0.02)
    correlation = np.corrcoef(noise.reshape(3000, 30).T)
    assert np.abs(correlation[np.triu_indices(30, 1)]).max() < 0.1
    other = adc.draws(1, np.arange(3000), 5, 13, 1)
    assert abs(np.corrcoef(noise.ravel(), other.ravel())[0, 1]) < 0.02


def test_attempts_draw_noise_of_their_own():
    adc = Adc(AdcConfig(), LSB)
    first, second = (adc.noise(1, np.arange(500), 8, 13, attempt) for attempt in (0, 9))
    assert_bits("attempt 0", adc.noise(1, np.arange(500), 8, 13), first)
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.05


def test_lines_that_share_a_converter_share_its_draw():
    config = AdcConfig(gain_spread=0.1, offset_spread=2.0, comparator_offset=1.0, capacitor_spread=0.1)
    alone = Adc(config, LSB).populate(4, 9, 13)
    shared = Adc(replace(config, columns_per_adc=3), LSB).populate(10, 9, 13)
    assert list(alone) == ["adc_gain", "adc_offset", "comparator", "adc_dac"]
    for name, values in alone.items():
        assert len(np.unique(values, axis=1).T) == 4
        assert_bits(name, np.repeat(values, 3, axis=1)[:, :10], shared[name])


def test_capacitors_are_drawn_as_the_contract_says():
    config = AdcConfig(bits=5, capacitor_spread=0.07)
    found = Adc(config, LSB).populate(3, 8, 13)["adc_dac"]
    for m in range(3):
        units = [1, 2, 4, 8, 16, 1]
        z = [0.07 * (reference.xi(reference.draw(8, 9, 0, 0, m, i, 13)) / 2 ** GAUSSIAN_FRAC) for i in range(6)]
        capacitors = [u + u ** 0.5 * each for u, each in zip(units, z, strict=True)]
        scale = 32 / sum(capacitors)
        assert found[:, m].tolist() == [round((c * scale - u) * 256)
                                        for c, u in zip(capacitors[:5], units, strict=False)]


@by_kind
def test_chip_time_counts_steps_of_all_rounds(name):
    config = replace(CONFIGS["tiny"], adc=replace(KINDS[name], bound=2.0, columns_per_adc=4))
    tile = Tile(config)
    tile.set("t_convert", 3)
    one, _ = tile.forward(np.zeros(5, int)), tile.set("t_convert", 4)
    before = tile.counters()["chip_cycles"]
    tile.forward(np.zeros(5, int))
    steps = {AdcKind.SAR: config.adc.bits, AdcKind.RAMP: 2 * config.adc.code.max, AdcKind.CCO: config.adc.code.max,
             AdcKind.SPI: 56}[config.adc.kind]
    assert tile.counters()["chip_cycles"] - 2 * before == 4 * steps
    assert one.shape == (1, 6)


def test_planes_exist_where_they_are_needed():
    def planes(**parameters):
        return set(TileConfig(adc=AdcConfig(**parameters)).planes) & {Plane.ADC_DAC, Plane.COMPARATOR}

    assert planes(comparator_noise=1.0) == set()
    assert planes(comparator_offset=1.0) == {Plane.COMPARATOR}
    assert planes(capacitor_spread=0.1) == {Plane.ADC_DAC}
    assert TileConfig(adc=AdcConfig(bits=14, capacitor_spread=0.1), rows=2, cols=3, lanes=1).planes[
        Plane.ADC_DAC][1:] == (14, 3)


@pytest.mark.parametrize(("parameters", "error", "message"), [
    ({"kind": "flash"}, ValueError, "ADC kind must be one of sar, ramp, cco, spi, not 'flash'"),
    ({"kind": "ramp", "bits": 13}, ValueError, r"ADC bits must be in 4\.\.12, not 13"),
    ({"kind": "spi", "bits": 17}, ValueError, r"ADC bits must be in 4\.\.16, not 17"),
    ({"columns_per_adc": 0}, ValueError, r"ADC columns_per_adc must be in 1\.\.1024, not 0"),
    ({"columns_per_adc": 1.5}, TypeError, r"ADC columns_per_adc must be an integer, not 1\.5"),
    ({"kind": "cco", "comparator_noise": 1.0}, ValueError, r"ADC comparator_noise must be 0 for kind cco, not 1\.0"),
    ({"kind": "ramp", "capacitor_spread": 0.1}, ValueError, r"ADC capacitor_spread must be 0 for kind ramp, not 0\.1"),
    ({"bow": 1.0}, ValueError, r"ADC bow must be 0 for kind sar, not 1\.0"),
    ({"kind": "ramp", "bits": 5, "bow": -4.0}, ValueError, r"ADC bow must be in \+-3\.75 for 5 bits, not -4\.0"),
    ({"phase_noise": 1}, ValueError, "ADC phase_noise must be 0 for kind sar, not 1"),
    ({"kind": "cco", "phase_noise": 2}, ValueError, r"ADC phase_noise must be in 0\.\.1, not 2"),
    ({"capacitor_spread": 0.3}, ValueError, r"ADC capacitor_spread must be in 0\.\.0\.2, not 0\.3")])
def test_bad_parameters(parameters, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        AdcConfig(**parameters)


def test_kinds_by_value():
    assert AdcConfig(kind="ramp") == AdcConfig(kind=AdcKind.RAMP)
    assert hash(AdcConfig(kind="ramp")) == hash(AdcConfig(kind=AdcKind.RAMP))
    assert [kind.number for kind in AdcKind] == [0, 1, 2, 3]
