# SPDX-License-Identifier: Apache-2.0
"""Every held charge into converters with all their imperfections, through the packets of a whole tile."""
from dataclasses import replace

import numpy as np
import pytest

from golden.adc import AdcConfig, AdcKind
from golden.config import Plane, TileConfig
from golden.conversion import LSB
from golden.device import ConstantStep
from golden.protocol import Opcode, packets
from golden.pulses import Encoding
from tests.rtl.test_tile import Pair

IMPERFECT = {
    "sar": AdcConfig(kind=AdcKind.SAR, capacitor_spread=0.1, comparator_offset=1.5, comparator_noise=0.5, noise=0.0),
    "ramp": AdcConfig(kind=AdcKind.RAMP, bow=1.7, comparator_offset=1.5, comparator_noise=0.5, noise=0.0),
    "cco": AdcConfig(kind=AdcKind.CCO, phase_noise=1, noise=0.0)}
_GAIN_BITS = 14


def tile_of(kind: str, bits: int, lines: int) -> TileConfig:
    """A tile whose columns hold 256 LSBs of charge a code step: two rows reach every code, offsets all between."""
    config = replace(IMPERFECT[kind], bits=bits)
    bound = config.code.max * LSB / 1.5 * 2.0 ** -10 / 255
    return TileConfig(rows=2, cols=lines, lanes=min(lines, 32) // 2, code_bits=9, weight_bits=12,
                      device=ConstantStep(dw_min=0.1, dw_min_std=0.0), adc=replace(config, bound=bound))


def check_every_charge(kind: str, bits: int, lines: int, seeds) -> int:
    """All charges from beyond one rail to beyond the other, into the first converter that each seed draws, which every
    line is given. Returns how many were compared.
    """
    config = tile_of(kind, bits, lines)
    unit = LSB << (config.converter.shift - _GAIN_BITS)
    end = config.adc.code.max + 2
    steps = np.arange(-end, end + 1)
    coarse = np.clip(steps // 2, -config.code.max, config.code.max)
    codes = np.stack([coarse, steps - 2 * coarse], axis=1)
    words = packets(Opcode.FORWARD, np.zeros(len(codes), int), np.zeros(len(codes), int), codes).reshape(-1)
    pair = Pair(config)
    pair.set("encoding", Encoding.SERIAL_ANALOG)
    pair.write(Plane.WEIGHT, np.broadcast_to([[2 * unit], [unit]], (2, lines)))
    pair.write(Plane.ADC_GAIN, np.full((1, lines), 1 << _GAIN_BITS))
    compared, seen = 0, set()
    for seed in seeds:
        pair.set("seed", seed)
        drawn = config.populate(seed)
        for plane in (Plane.COMPARATOR, Plane.ADC_DAC):
            if plane in config.planes:
                pair.write(plane, np.repeat(drawn[plane][:, :1], lines, axis=1))
        for first in range(-LSB // 2, LSB // 2, lines):
            pair.write(Plane.ADC_OFFSET, first + np.arange(lines)[None])
            answer = pair.exchange(words, f"FORWARD of all charges, {kind}, seed {seed}, offsets from {first}")
            outputs = answer.reshape(len(codes), 1 + lines)[:, 1:]
            compared += outputs.size
            seen |= set(np.unique(outputs & np.uint64(0xFFFFFFFF)).astype(np.uint32).view(np.int32).tolist())
    assert {config.adc.code.min, 0, config.adc.code.max} <= seen
    assert compared == len(list(seeds)) * len(steps) * LSB
    return compared


@pytest.mark.parametrize("kind", IMPERFECT)
def test_every_charge_of_five_bits(kind):
    check_every_charge(kind, 5, 16, range(1))


@pytest.mark.regress
@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize("kind", IMPERFECT)
def test_every_charge(kind, bits):
    check_every_charge(kind, bits, 256, range(3))
