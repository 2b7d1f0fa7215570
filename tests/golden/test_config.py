# SPDX-License-Identifier: Apache-2.0
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from golden.adc import AdcConfig
from golden.config import DIGITAL, LEVEL, MAX_BL, MAX_LEVEL, VECTOR, Plane, TileConfig
from golden.device import ConstantStep, Device, LinearStep
from golden.formats import Format
from golden.presets import DEVICES
from tests.support import CONFIGS, PARAMETERS, random_config


def test_formats_of_the_default():
    config = TileConfig()
    assert config.code == Format(7, symmetric=True)
    assert (config.code.min, config.code.max) == (-63, 63)
    assert config.weight == Format(18, frac=16)
    assert config.adc.code.max == 255
    assert config.charge == Format(30)
    assert config.n_converters == 64
    assert config.chunks == 4


def test_constants():
    assert (MAX_BL, MAX_LEVEL) == (63, 65536)
    assert LEVEL.holds([-MAX_LEVEL, MAX_LEVEL])
    assert Format(24, frac=16) == VECTOR
    assert [(p.name, p.value) for p in Plane] == [
        ("WEIGHT", 0), ("STEP_UP", 1), ("STEP_DOWN", 2), ("W_MAX", 3), ("W_MIN", 4), ("SLOPE_UP", 5),
        ("SLOPE_DOWN", 6), ("ADC_GAIN", 7), ("ADC_OFFSET", 8), ("HIDDEN", 9), ("ADC_DAC", 10),
        ("COMPARATOR", 11), ("CORRECTION_OFFSET", 12), ("CORRECTION_GAIN", 13)]


@pytest.mark.parametrize("weight_bits", range(8, 19))
def test_weights_reach_from_minus_two_to_two(weight_bits):
    weight = TileConfig(weight_bits=weight_bits).weight
    assert weight.real(weight.min) == -2
    assert weight.real(weight.max) == 2 - weight.lsb


@pytest.mark.parametrize("seed", range(20))
def test_charge_holds_the_extremes_and_no_bit_more(seed):
    config = random_config(seed)
    extreme = config.n_converters * config.code.max * 2 ** (config.weight_bits - 1)
    assert config.charge.holds([-extreme, extreme])
    assert not Format(config.charge.bits - 1).holds(extreme)


def test_largest_tile():
    config = TileConfig(rows=1024, cols=1024, lanes=1024, code_bits=9, adc=AdcConfig(bits=14))
    assert config.charge.bits + 16 < 62  # charge * gain in int64


@pytest.mark.parametrize(("rows", "cols", "n"), [(5, 9, 9), (9, 5, 9), (4, 4, 4)])
def test_one_converter_a_line_of_the_longer_side(rows, cols, n):
    config = TileConfig(rows=rows, cols=cols, lanes=1)
    assert config.n_converters == n
    assert config.planes[Plane.ADC_GAIN][1:] == (1, n)
    assert config.planes[Plane.WEIGHT][1:] == (rows, cols)


@pytest.mark.parametrize(("lines", "share", "n"), [(9, 1, 9), (9, 2, 5), (9, 8, 2), (9, 9, 1)])
def test_lines_share_converters(lines, share, n):
    assert TileConfig(rows=2, cols=lines, lanes=1, adc=AdcConfig(columns_per_adc=share)).n_adcs == n


@pytest.mark.parametrize(("cols", "lanes", "chunks"), [(6, 4, 2), (8, 4, 2), (9, 4, 3), (5, 5, 1), (5, 1, 5)])
def test_chunks(cols, lanes, chunks):
    assert TileConfig(cols=cols, lanes=lanes).chunks == chunks


@pytest.mark.parametrize("name", CONFIGS)
def test_planes_in_the_order_of_their_number(name):
    planes = CONFIGS[name].planes
    assert list(planes) == sorted(planes)
    assert (Plane.SLOPE_UP in planes) == (Plane.SLOPE_DOWN in planes) == CONFIGS[name].device.has_slope
    assert (Plane.HIDDEN in planes) == name.startswith("writenoise")


def test_only_the_correction_can_be_loaded_behind_pins():
    config = TileConfig(pins=True)
    assert config.planes == replace(config, pins=False).planes == replace(config, pins=False).loadable
    assert set(config.loadable) == {Plane.CORRECTION_OFFSET, Plane.CORRECTION_GAIN}


@pytest.mark.parametrize(("bits", "expected"), [(8, 8), (9, 9), (15, 15), (16, 16)])
def test_planes_of_narrow_parameters(bits, expected):
    config = TileConfig(device=DEVICES["EcRam"], weight_bits=17, parameter_bits=bits) if bits > 8 else \
        TileConfig(device=DEVICES["EcRam"], weight_bits=12, parameter_bits=bits)
    widths = {config.planes[plane].format.bits for plane in Plane if Plane.STEP_UP <= plane <= Plane.SLOPE_DOWN}
    assert widths == {expected}
    assert config.planes[Plane.W_MIN].format.real(config.planes[Plane.W_MIN].format.min) == -2


@pytest.mark.parametrize("name", PARAMETERS)
def test_what_is_populated_are_the_planes_that_there_are(name):
    config = PARAMETERS[name]
    planes = config.populate(5)
    others = {Plane.WEIGHT, Plane.HIDDEN, *DIGITAL}
    assert planes.keys() == config.planes.keys() - others
    assert all(config.planes[plane].format.holds(values) for plane, values in planes.items())
    w_min, w_max = config.bounds(planes)
    assert w_min.shape == w_max.shape == (config.rows, config.cols)
    assert config.weight.holds([w_min, w_max])
    assert abs(np.median(config.weight.real(w_max)) - config.device.w_max) < 0.2
    assert not {Plane.STEP_UP, Plane.W_MAX} & planes.keys() or config.parameter_bits


def test_the_smallest_widths_that_hold_a_step():
    for bits, step in ((8, 255.0), (9, 255.1), (9, 511.0)):
        TileConfig(device=ConstantStep(dw_min=step / 65536).alike(), parameter_bits=bits)


@pytest.mark.parametrize("name", CONFIGS)
def test_hashable_frozen_and_replaceable(name):
    config = CONFIGS[name]
    same = replace(config)
    assert same == config
    assert hash(same) == hash(config)
    assert len({config, same, replace(config, rounds=31)}) == 2
    with pytest.raises(FrozenInstanceError):
        config.rows = 3


def test_device_models_with_like_parameters_differ():
    assert TileConfig(device=Device()) != TileConfig(device=DEVICES["ConstantStep"])


@pytest.mark.parametrize(("parameters", "error", "message"), [
    ({"pins": 1}, TypeError, "Pins must be true or false, not 1"),
    ({"rows": 0}, ValueError, r"Row count must be in 2\.\.1024, not 0"),
    ({"rows": 1025}, ValueError, r"Row count must be in 2\.\.1024, not 1025"),
    ({"rows": 4.0}, TypeError, r"Row count must be an integer, not 4\.0"),
    ({"rows": True}, TypeError, "Row count must be an integer, not True"),
    ({"cols": 1, "lanes": 1}, ValueError, r"Column count must be in 2\.\.1024, not 1"),
    ({"lanes": 0}, ValueError, r"Lane count must be in 1\.\.1024, not 0"),
    ({"cols": 8, "lanes": 9}, ValueError, "Lane count must be at most the column count 8, not 9"),
    ({"code_bits": 1}, ValueError, r"Input code width must be in 2\.\.9, not 1"),
    ({"code_bits": 10}, ValueError, r"Input code width must be in 2\.\.9, not 10"),
    ({"weight_bits": 7}, ValueError, r"Weight width must be in 8\.\.18, not 7"),
    ({"weight_bits": 19}, ValueError, r"Weight width must be in 8\.\.18, not 19"),
    ({"rounds": 12}, ValueError, r"Threefry rounds must be in 13\.\.32, not 12"),
    ({"rounds": 33}, ValueError, r"Threefry rounds must be in 13\.\.32, not 33"),
    ({"parameter_bits": 9.0}, TypeError, r"Parameter width must be an integer, not 9\.0"),
    ({"parameter_bits": -1}, ValueError, r"Parameter width must be in 0\.\.18, not -1"),
    ({"parameter_bits": 19}, ValueError, r"Parameter width must be in 0\.\.18, not 19"),
    ({"parameter_bits": 7}, ValueError, r"Parameter width must be 0 or in 8\.\.18, not 7"),
    ({"parameter_bits": 0, "device": LinearStep(dw_min_dtod=0.0, w_max_dtod=0.0)}, ValueError,
     "Parameter width must be above 0 for devices that differ in up_down_dtod, w_min_dtod, gamma_up_dtod, "
     "gamma_down_dtod, not 0"),
    ({"parameter_bits": 9, "device": ConstantStep(dw_min=0.01)}, ValueError,
     r"Parameter width must be at least 11, for steps of up to 1549 weight LSBs, not 9"),
    ({"parameter_bits": 8, "device": ConstantStep(dw_min=255.1 / 65536).alike()}, ValueError,
     r"Parameter width must be at least 9, for steps of up to 255\.1 weight LSBs, not 8"),
    ({"adc": 9}, TypeError, "ADC configuration must be an AdcConfig, not 9"),
    ({"device": "EcRam"}, TypeError, "Device must be a Device, not 'EcRam'"),
    ({"adc": AdcConfig(bits=14, bound=2.0 ** -10), "code_bits": 2, "weight_bits": 8}, ValueError,
     "ADC bound must put one LSB .*"),
    ({"rows": 3, "cols": 5, "lanes": 1, "adc": AdcConfig(columns_per_adc=6)}, ValueError,
     "ADC columns_per_adc must be at most the lines of the longer side, 5, not 6")])
def test_bad_parameters(parameters, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        TileConfig(**parameters)


def test_parts_in_any_order_and_kind_of_collection_are_one_configuration():
    config = TileConfig(engines=["correction", "managed"], counters={"slots", "forwards"}, operation_counters=False)
    assert config.engines == ("managed", "correction")
    assert config.counters == ("forwards", "slots")
    same = TileConfig(engines=("managed", "correction"), counters=("forwards", "slots"), operation_counters=False)
    assert config == same
    assert hash(config) == hash(same)


@pytest.mark.parametrize(("fields", "kind", "match"), [
    ({"engines": ("raw",)}, ValueError, "Engines must be of managed, programming, correction, update, not 'raw'"),
    ({"engines": ("programming",)}, ValueError, "Engines with programming must be with update, not programming"),
    ({"folded": 1}, TypeError, "Folded must be true or false, not 1"),
    ({"folded": True}, ValueError, "Engines of a folded tile must be without programming, not managed, programming"),
    ({"rolled": True}, ValueError, "A rolled tile must be folded"),
    ({"rolled": 1}, TypeError, "Rolled must be true or false, not 1"),
    ({"rolled": True, "folded": True, "engines": (), "lanes": 12}, ValueError,
     "Lane count of a rolled tile must be a power of two, not 12"),
    ({"rolled": True, "folded": True, "engines": ("update",)}, ValueError,
     "Device of a rolled tile must have dw_min_std and write_noise_std 0, not 0.3 and 0"),
    ({"folded": True, "engines": (), "pins": True}, ValueError, "A folded tile must be one without pins"),
    ({"folded": True, "engines": (), "adc": AdcConfig(comparator_noise=0.5)}, ValueError,
     "Converters of a folded tile must be sar or spi without mismatch, offsets and noise of comparators"),
    ({"engines": "managed"}, TypeError, "Engines must be a collection of names, not 'managed'"),
    ({"engines": None}, TypeError, "Engines must be a collection of names, not None"),
    ({"counters": ("slots", "spikes")}, ValueError, "Counters must be of forwards, .*, not 'spikes'"),
    ({"operation_counters": 1}, TypeError, "Operation counters must be true or false, not 1"),
    ({"fixed": ("t_slot", "seed")}, ValueError, "Fixed registers must be of t_precharge, .*, irq_enable, not 'seed'"),
    ({"fixed": "train"}, TypeError, "Fixed registers must be a collection of names, not 'train'"),
    ({"max_bl": 30}, ValueError, r"Most slots of an update must be in 31\.\.63, not 30"),
    ({"max_bl": 64}, ValueError, r"Most slots of an update must be in 31\.\.63, not 64"),
    ({"max_bl": 31.0}, TypeError, r"Most slots of an update must be an integer, not 31\.0"),
])
def test_bad_parts(fields, kind, match):
    with pytest.raises(kind, match=match):
        TileConfig(**fields)


def test_a_tile_without_an_engine_has_no_planes_of_it():
    def absent(device, **fields):
        return TileConfig(device=device).planes.keys() - TileConfig(device=device, **fields).planes.keys()

    device = DEVICES["ReRamSB"]
    assert absent(device, engines=("update",)) == {Plane.CORRECTION_OFFSET, Plane.CORRECTION_GAIN}
    assert absent(device, engines=("correction",)) == {
        Plane.STEP_UP, Plane.STEP_DOWN, Plane.SLOPE_UP, Plane.SLOPE_DOWN, Plane.W_MAX, Plane.W_MIN, Plane.HIDDEN}
    assert not TileConfig(engines=(), pins=True).loadable
