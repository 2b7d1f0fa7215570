# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from golden.config import MAX_BL
from rtl.analog_port import Mode
from rtl.recorder import LineRecorder
from tests.rtl.simulation import run
from tests.support import CONFIGS, assert_bits, random_codes


def word(lines) -> int:
    return sum(1 << n for n, bit in enumerate(lines) if bit)


def bits(value: int, n: int) -> list[int]:
    return [value >> i & 1 for i in range(n)]


async def window(ctx, recorder, mode: Mode, row_pulses, col_pulses, row_negative, col_negative, rng) -> None:
    """Play (lines, slots) with other lines between the strobes, which must not be heard."""
    port, config = recorder.port, recorder.config
    ctx.set(port.mode, mode)
    ctx.set(recorder.clear, 1)
    await ctx.tick()
    ctx.set(recorder.clear, 0)
    for slot in range(row_pulses.shape[1]):
        for strobe in (0, 1):
            ctx.set(port.slot, strobe)
            for name, lines, negative in (("row", row_pulses[:, slot], row_negative),
                                          ("col", col_pulses[:, slot], col_negative)):
                garbage = int(rng.integers(0, 1 << getattr(config, name + "s")))
                ctx.set(getattr(port, f"{name}_pulse"), word(lines) if strobe else garbage)
                # a line's polarity counts while it pulses
                ctx.set(getattr(port, f"{name}_negative"), word(negative & lines) if strobe else garbage)
            await ctx.tick()
        ctx.set(port.slot, 0)
    ctx.set(port.mode, mode)


def widths(ctx, recorder, n: int) -> np.ndarray:
    """Signed widths of the first n lines."""
    magnitude = sum(np.array(bits(ctx.get(plane), n)) << bit for bit, plane in enumerate(recorder.planes))
    return np.where(bits(ctx.get(recorder.negative), n), -magnitude, magnitude)


@pytest.mark.parametrize("mode", [Mode.FORWARD, Mode.BACKWARD], ids=lambda mode: mode.name)
@pytest.mark.parametrize("name", ["tiny", "linear", "narrow"])
def test_widths_are_the_codes(name, mode):
    """Window after window: rails, zero, any; the lines of the other side are not heard."""
    config = CONFIGS[name]
    recorder, rng = LineRecorder(config), np.random.default_rng(1)
    n = config.rows if mode == Mode.FORWARD else config.cols
    n_slots = config.code.max

    async def bench(ctx):
        for number, codes in enumerate(random_codes(config, 5, n, 2)):
            pulses = np.arange(n_slots) < np.abs(codes)[:, None]
            other = rng.random((config.cols if mode == Mode.FORWARD else config.rows, n_slots)) < 0.5
            lines = (pulses, other) if mode == Mode.FORWARD else (other, pulses)
            negatives = [codes < 0, rng.random(len(other)) < 0.5]
            await window(ctx, recorder, mode, *lines, *(negatives if mode == Mode.FORWARD else negatives[::-1]), rng)
            assert_bits(f"widths, window {number}", codes, widths(ctx, recorder, n))
            active = bits(ctx.get(recorder.active), config.n_converters)
            assert_bits("active", [*(codes != 0), *[0] * (config.n_converters - n)], active)

    run(recorder, bench)


@pytest.mark.parametrize("bl", [1, 2, MAX_BL])
@pytest.mark.parametrize("name", ["tiny", "softbounds", "narrow"])
def test_trains_are_kept_slot_by_slot(name, bl):
    config = CONFIGS[name]
    recorder, rng = LineRecorder(config), np.random.default_rng(bl)

    async def bench(ctx):
        for _ in range(2):
            row, col = (rng.random((n, bl)) < 0.5 for n in (config.rows, config.cols))
            row[0], col[-1] = True, False
            negatives = [rng.random(n) < 0.5 for n in (config.rows, config.cols)]
            await window(ctx, recorder, Mode.UPDATE, row, col, *negatives, rng)
            assert_bits("n_slots", bl, ctx.get(recorder.n_slots))
            found = []
            for slot in range(bl):
                ctx.set(recorder.address, slot)
                await ctx.tick()
                found.append(bits(ctx.get(recorder.row_bits), config.rows)
                             + bits(ctx.get(recorder.col_bits), config.cols))
            assert_bits("bits (slot, line)", np.concatenate([row, col]).T, found)
            for side, lines, negative in (("row", row, negatives[0]), ("col", col, negatives[1])):
                pulsed = lines.any(axis=1)
                kept = np.array(bits(ctx.get(getattr(recorder, f"{side}_negative")), len(lines)))
                assert_bits(f"{side}_negative of lines that pulsed", negative[pulsed], kept[pulsed])

    run(recorder, bench)


@pytest.mark.parametrize("mode", [Mode.FORWARD, Mode.BACKWARD], ids=lambda mode: mode.name)
@pytest.mark.parametrize("name", ["tiny", "narrow"])
def test_bits_of_a_weighted_window_are_the_codes(name, mode):
    """Slot b counts 2**b times; windows with and without weights in turn."""
    config = CONFIGS[name]
    recorder, rng = LineRecorder(config), np.random.default_rng(1)
    n = config.rows if mode == Mode.FORWARD else config.cols

    async def bench(ctx):
        for number, codes in enumerate(random_codes(config, 6, n, 2)):
            is_weighted = number % 3 != 1
            pulses = np.array([np.abs(codes) >> bit & 1 for bit in range(config.code_bits - 1)]).T.astype(bool) \
                if is_weighted else np.arange(config.code.max) < np.abs(codes)[:, None]
            other = np.zeros((config.cols if mode == Mode.FORWARD else config.rows, pulses.shape[1]), dtype=bool)
            lines = (pulses, other) if mode == Mode.FORWARD else (other, pulses)
            negative = [np.zeros(config.rows, dtype=bool), np.zeros(config.cols, dtype=bool)]
            negative[mode == Mode.BACKWARD] = codes < 0
            ctx.set(recorder.port.weighted, is_weighted)
            await window(ctx, recorder, mode, *lines, *negative, rng)
            assert_bits(f"widths of window {number}", np.abs(codes), np.abs(widths(ctx, recorder, n)))

    run(recorder, bench)
