# SPDX-License-Identifier: Apache-2.0
from itertools import product

import numpy as np
import pytest
from amaranth.hdl import Module, Shape, Signal, signed, unsigned

from golden import formats
from golden.formats import Format
from rtl.formats import add_or_subtract, add_with_carry, clip, delay, round_half_even, saturate, shape_of, within
from tests.rtl.simulation import evaluate, run
from tests.support import assert_bits

FORMATS = [Format(bits, signed=is_signed, symmetric=symmetric)
           for bits in (2, 3, 4, 5) for is_signed, symmetric in ((False, False), (True, False), (True, True))]


def all_values(shape: Shape) -> np.ndarray:
    low = -(1 << (shape.width - 1)) if shape.signed else 0
    return np.arange(low, low + (1 << shape.width), dtype=np.int64)


SHAPES = [signed(1), unsigned(1), signed(3), unsigned(3), signed(6), unsigned(6)]


@pytest.mark.parametrize("fmt", FORMATS, ids=str)
def test_shape_holds_exactly_the_codes(fmt):
    shape = shape_of(fmt)
    values = all_values(shape)
    assert values[0] in (fmt.min, fmt.min - fmt.symmetric)
    assert values[-1] == fmt.max


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_round_half_even_of_every_value(shape):
    """Every tie among them, at shifts from growing to losing all bits."""
    shifts = range(-2, shape.width + 2)
    value, values = Signal(shape), all_values(shape)
    found = evaluate([value], [round_half_even(value, shift) for shift in shifts], values[:, None])
    for n, shift in enumerate(shifts):
        assert_bits(f"round_half_even by {shift}", formats.round_half_even(values, shift), found[:, n])


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_rounded_value_goes_on_in_arithmetic(shape):
    value, values = Signal(shape), all_values(shape)
    found = evaluate([value], [round_half_even(value, 1) * -3 - 5], values[:, None])
    assert_bits("round_half_even * -3 - 5", formats.round_half_even(values, 1) * -3 - 5, found[:, 0])


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_saturate_of_every_value(shape):
    value, values = Signal(shape), all_values(shape)
    found = evaluate([value], [saturate(value, fmt) for fmt in FORMATS], values[:, None])
    for n, fmt in enumerate(FORMATS):
        assert_bits(f"saturate to {fmt}", formats.saturate(values, fmt), found[:, n])


@pytest.mark.parametrize("seed", range(3))
def test_wide_values(seed):
    """Random words of 50 bits and the neighbors of each bound and tie."""
    rng, fmt, shift = np.random.default_rng(seed), Format(18), 9 + seed
    around = [base + d for base in (fmt.max << shift, fmt.min << shift, 1 << (shift - 1), 3 << (shift - 1), 0)
              for d in (-1, 0, 1)]
    values = np.concatenate([np.array(around), rng.integers(-(1 << 49), 1 << 49, 200)])
    value = Signal(signed(50))
    rounded = round_half_even(value, shift)
    found = evaluate([value], [rounded, saturate(rounded, fmt)], values[:, None])
    assert_bits("round_half_even", formats.round_half_even(values, shift), found[:, 0])
    assert_bits("saturate", formats.saturate(formats.round_half_even(values, shift), fmt), found[:, 1])


@pytest.mark.parametrize("shape", [signed(4), unsigned(4), signed(1), unsigned(1)], ids=str)
def test_within_every_range(shape):
    value, values = Signal(shape), all_values(shape)
    ranges = [(low, high) for low in range(-17, 17) for high in range(max(low, 0), 17)]
    found = evaluate([value], [within(value, low, high) for low, high in ranges], values[:, None])
    for n, (low, high) in enumerate(ranges):
        assert_bits(f"within {low}..{high}", (values >= low) & (values <= high), found[:, n])


def test_clip_to_every_pair_of_bounds():
    """Bounds in disorder included: any words may be loaded as a device's bounds."""
    ports = [Signal(signed(4), name="value"), Signal(signed(3), name="low"), Signal(signed(3), name="high")]
    rows = np.array(list(product(*(all_values(port.shape()) for port in ports))))
    found = evaluate(ports, [clip(*ports)], rows)
    wanted = np.clip(*rows.T)
    wrong = np.nonzero(wanted != found[:, 0])[0]
    named = f"clip of (value, low, high) = {rows[wrong[0]].tolist()}" if len(wrong) else "clip"
    assert_bits(named, wanted, found[:, 0])


@pytest.mark.parametrize("b", [signed(3), unsigned(3)], ids=str)
def test_sums_by_one_carry_chain(b):
    ports = [Signal(shape, name=name) for name, shape in (("a", signed(4)), ("b", b), ("carry", 1), ("subtract", 1))]
    rows = np.array(list(product(*(all_values(port.shape()) for port in ports))))
    one, other, carry, subtract = ports
    found = evaluate(ports, [add_with_carry(one, other, carry), add_or_subtract(one, other, subtract),
                             add_or_subtract(one, other, subtract, carry)], rows)
    sign = np.where(rows[:, 3], -1, 1)
    assert_bits("a + b + carry", rows[:, :3].sum(axis=1), found[:, 0])
    assert_bits("a + b or a - b", rows[:, 0] + sign * rows[:, 1], found[:, 1])
    assert_bits("a + (b + carry) or a - (b + carry)", rows[:, 0] + sign * (rows[:, 1] + rows[:, 2]), found[:, 2])


@pytest.mark.parametrize("cycles", range(4))
def test_delay_keeps_shape_and_counts_cycles(cycles):
    m, value = Module(), Signal(signed(5))
    late = delay(m, value, cycles)
    m.d.sync += Signal().eq(0)
    assert Shape.cast(late.shape()) == signed(5)
    given = np.random.default_rng(cycles).integers(-16, 16, 20)
    found = []

    async def bench(ctx):
        for each in given:
            ctx.set(value, int(each))
            found.append(int(ctx.get(late)))
            await ctx.tick()

    run(m, bench)
    assert_bits("delay", [*[0] * cycles, *given][:20], found, 0)


def test_delay_counts_the_cycles_that_are_meant():
    m, value, moves = Module(), Signal(signed(7)), Signal()
    late = delay(m, value, 2, when=moves)
    rng = np.random.default_rng(2)
    given, moving, found = rng.integers(-64, 64, 40), rng.integers(0, 2, 40), []

    async def bench(ctx):
        for each, is_moving in zip(given.tolist(), moving.tolist(), strict=True):
            ctx.set(value, each)
            ctx.set(moves, is_moving)
            found.append(ctx.get(late))
            await ctx.tick()

    run(m, bench)
    taken = [0, 0, *given[moving == 1]]
    assert_bits("delay", [taken[n] for n in np.cumsum(moving) - moving], found)
