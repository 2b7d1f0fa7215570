# SPDX-License-Identifier: Apache-2.0
"""The digital side of the analog port, with the bench as array: phases, times, and the rules of the pins."""
from dataclasses import dataclass, field

import numpy as np
import pytest

from golden.config import MAX_BL, TileConfig
from golden.noise import Stream
from golden.pulses import pulse_width, train
from rtl.analog_port import Mode
from rtl.sequencer import Sequencer
from tests.rtl.simulation import run, take
from tests.rtl.test_pulses import bits, levels, load_codes, load_levels
from tests.support import CONFIGS, assert_bits, random_codes

TIMES = [(1, 1, 1, 1), (1, 4, 4, 1), (3, 1, 2, 2), (2, 7, 1, 5), (40, 255, 255, 30)]
"""t_slot, t_settle, t_hold, t_convert."""


@dataclass
class PortChecker:
    """Watches an `AnalogPort` in every cycle of an operation; fails in the first that breaks a rule."""

    config: TileConfig
    t_slot: int
    t_settle: int
    mode: Mode
    slots: list[tuple[list[int], list[int]]] = field(default_factory=list)
    holds: int = 0
    chip_cycles: int = 0
    window: int = 0
    settled: int = 0
    _in_slot: int = 0
    _lines: tuple = (0, 0)
    _polarity: tuple | None = None
    _closed: bool = False
    _trials: int = 0

    def watch(self, ctx, sequencer, cycle: int) -> None:
        port, at = sequencer.port, f"in cycle {cycle}"
        mode, is_open = Mode(ctx.get(port.mode)), bool(ctx.get(port.integrate))
        pulses = (int(ctx.get(port.row_pulse)), int(ctx.get(port.col_pulse)))
        self.chip_cycles += int(ctx.get(sequencer.chip_cycle))
        assert mode == self.mode, f"mode must be stable {at}"
        assert is_open or not any(pulses), f"lines must rest outside the window {at}"
        assert is_open or not ctx.get(port.slot), f"slots are within the window {at}"
        if ctx.get(port.hold):
            self.holds += 1
            assert self._closed, f"hold comes behind the window {at}"
        if not is_open:
            self._closed |= self.window > 0
            return
        assert not self._closed, f"the window must open once {at}"
        self.window += 1
        polarity = (int(ctx.get(port.row_negative)), int(ctx.get(port.col_negative)))
        assert self._polarity in (None, polarity), f"polarity must be stable while the window is open {at}"
        self._polarity = polarity
        driven = {Mode.FORWARD: (True, False), Mode.BACKWARD: (False, True), Mode.UPDATE: (True, True)}[mode]
        for is_driven, lines in zip(driven, pulses, strict=True):
            assert is_driven or not lines, f"lines of the other side must rest {at}"
        if not self._in_slot and not any(pulses) and not self._is_slot(ctx, sequencer):
            self.settled += not self.slots
            return
        assert self._in_slot == 0 or pulses == self._lines, f"lines must stand within a slot {at}"
        self._lines = pulses
        self._in_slot += 1
        if ctx.get(port.slot):
            assert self._in_slot == self.t_slot, f"a slot must last {self.t_slot} cycles, not {self._in_slot} {at}"
            assert self.settled >= self.t_settle, f"settling must last {self.t_settle}, not {self.settled} {at}"
            self.slots.append((bits(pulses[0], self.config.rows), bits(pulses[1], self.config.cols)))
            self._in_slot = 0

    def _is_slot(self, ctx, sequencer) -> bool:
        """Whether a cycle without pulses belongs to a slot: the controller counts it as the chip's time then."""
        return bool(ctx.get(sequencer.chip_cycle)) and self.settled >= self.t_settle


async def operate(ctx, sequencer, mode: Mode, times, *, bl=0, seed=0, event=0, busy=0, levels_at=None) -> PortChecker:
    """One operation; the array is busy for `busy` cycles behind the window, its converters see `levels_at`."""
    port = sequencer.port
    t_slot, t_settle, t_hold, t_convert = times
    checker = PortChecker(sequencer.config, t_slot, t_settle, mode)
    for name, value in {"t_slot": t_slot, "t_settle": t_settle, "t_hold": t_hold, "t_convert": t_convert, "bl": bl,
                        "seed": seed, "event": event, "mode": mode, "start": 1}.items():
        ctx.set(getattr(sequencer, name), value)
    assert Mode(ctx.get(port.mode)) == Mode.IDLE
    await ctx.tick()
    ctx.set(sequencer.start, 0)
    left = busy
    for cycle in range(200_000):
        is_behind = checker.window > 0 and not ctx.get(port.integrate)
        ctx.set(port.busy, left > 0 and is_behind)
        left -= is_behind
        if levels_at is not None:
            trials = take(ctx, port.adc_trial)
            ctx.set(port.adc_compare, sum(int(level >= trial) << n for n, (level, trial)
                                          in enumerate(zip(levels_at, trials, strict=True))))
        checker.watch(ctx, sequencer, cycle)
        assert not (ctx.get(port.hold) and ctx.get(port.busy)), "hold must wait for busy"
        is_done = ctx.get(sequencer.done)
        await ctx.tick()
        if is_done:
            break
    assert is_done, "an operation must end"
    assert not ctx.get(sequencer.done), "done must last one cycle"
    assert Mode(ctx.get(port.mode)) == Mode.IDLE
    assert not any(ctx.get(getattr(port, name)) for name in ("integrate", "slot", "hold", "row_pulse", "col_pulse"))
    return checker


@pytest.mark.parametrize("busy", [0, 17])
@pytest.mark.parametrize("times", TIMES, ids=str)
@pytest.mark.parametrize("mode", [Mode.FORWARD, Mode.BACKWARD], ids=lambda mode: mode.name)
def test_multiply(mode, times, busy):
    """Pulses are the codes', slot by slot; chip cycles are golden's, whatever the emulator takes."""
    config = CONFIGS["narrow"] if max(times) > 50 else CONFIGS["tiny"]
    sequencer, code = Sequencer(config), config.adc.code
    n_in = config.rows if mode == Mode.FORWARD else config.cols
    t_slot, t_settle, t_hold, t_convert = times
    rng = np.random.default_rng(3)

    async def bench(ctx):
        for codes in random_codes(config, 5, n_in, 1)[[3, 2, 0]]:
            await load_codes(ctx, sequencer.width, codes)
            held = rng.integers(code.min - 2, code.max + 3, config.n_converters)
            checker = await operate(ctx, sequencer, mode, times, busy=busy, levels_at=held)
            driven = [slot[mode == Mode.BACKWARD] for slot in checker.slots]
            assert_bits("pulses (slot, line)", pulse_width(codes, config.code.max).T, driven)
            assert_bits("polarity", codes < 0, bits(checker._polarity[mode == Mode.BACKWARD], n_in))
            assert_bits("codes", np.clip(held, code.min, code.max), take(ctx, sequencer.codes))
            assert_bits("hold strobes", 1, checker.holds)
            assert_bits("chip cycles", t_settle + config.code.max * t_slot + t_hold + config.adc.bits * t_convert,
                        checker.chip_cycles)

    run(sequencer, bench)


@pytest.mark.parametrize("times", TIMES[:4], ids=str)
@pytest.mark.parametrize(("name", "bl"), [("tiny", 1), ("tiny", 2), ("narrow", MAX_BL), ("linear", 17)])
def test_update(name, times, bl):
    """Trains are golden's; the lines rest while a slot's pulses are not ready, which is not chip time."""
    config = CONFIGS[name]
    sequencer = Sequencer(config)
    t_slot, t_settle, *_ = times

    async def bench(ctx):
        for number in range(2):
            values = levels(config, number)
            x, d = values[:config.rows], values[config.rows:]
            await load_levels(ctx, sequencer.train, values)
            checker = await operate(ctx, sequencer, Mode.UPDATE, times, bl=bl, seed=number, event=5, busy=number * 9)
            for n, (stream, given) in enumerate(((Stream.ROW_TRAIN, x), (Stream.COLUMN_TRAIN, d))):
                assert_bits(f"{stream.name} (slot, line)", train(config, number, stream, 5, given, bl).T,
                            [slot[n] for slot in checker.slots])
                assert_bits(f"{stream.name} polarity", given < 0, bits(checker._polarity[n], len(given)))
            assert_bits("hold strobes", 0, checker.holds)
            assert_bits("chip cycles", t_settle + bl * t_slot, checker.chip_cycles)

    run(sequencer, bench)


def test_modes_in_turn():
    """Nothing of one operation shows in the next of another mode."""
    config = CONFIGS["tiny"]
    sequencer, times = Sequencer(config), (1, 2, 1, 1)

    async def bench(ctx):
        for mode in (Mode.FORWARD, Mode.UPDATE, Mode.BACKWARD, Mode.UPDATE, Mode.FORWARD):
            if mode == Mode.UPDATE:
                values = levels(config, 9)
                await load_levels(ctx, sequencer.train, values)
                checker = await operate(ctx, sequencer, mode, times, bl=7, seed=1, event=2)
                wanted = train(config, 1, Stream.ROW_TRAIN, 2, values[:config.rows], 7).T
            else:
                n = config.rows if mode == Mode.FORWARD else config.cols
                codes = random_codes(config, 4, n, 3)[3]
                await load_codes(ctx, sequencer.width, codes)
                checker = await operate(ctx, sequencer, mode, times, levels_at=[0] * config.n_converters)
                wanted = pulse_width(codes, config.code.max).T
            assert_bits(f"{mode.name} pulses", wanted, [slot[mode == Mode.BACKWARD] for slot in checker.slots])

    run(sequencer, bench)
