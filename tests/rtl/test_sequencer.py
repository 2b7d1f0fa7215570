# SPDX-License-Identifier: Apache-2.0
"""The digital side of the analog port, with the bench as array: phases, times, and the rules of the pins."""
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import pytest

from golden.config import MAX_BL, TileConfig
from golden.noise import Stream
from golden.protocol import Status
from golden.pulses import Encoding, Train, negative, pulse_width, train
from rtl.analog_port import Bias, Mode
from rtl.drive import OUTPUT_LATENCY
from rtl.phases import TIMES
from rtl.sequencer import Sequencer
from tests.rtl.simulation import run, take
from tests.rtl.test_pulses import bits, levels, load_codes, load_levels
from tests.support import CONFIGS, assert_bits, random_codes

DURATIONS = [(0, 1, 1, 0, 1, 1, 0), (0, 4, 1, 0, 4, 1, 0), (3, 1, 3, 2, 2, 2, 1), (1, 7, 2, 5, 1, 5, 9),
             (255, 255, 40, 255, 255, 30, 255)]
"""By TIMES."""
DRIVEN = {Mode.FORWARD: (True, False), Mode.BACKWARD: (False, True), Mode.UPDATE: (True, True),
          Mode.PROGRAM: (True, True), Mode.REFERENCE: (False, False)}


@dataclass
class PortChecker:
    """Watches an `AnalogPort` in every cycle of a sequence; fails in the first that breaks a rule."""

    config: TileConfig
    times: dict[str, int]
    mode: Mode
    slots: list[tuple[list[int], list[int]]] = field(default_factory=list)
    polarities: list[tuple[int, int]] = field(default_factory=list)
    windows: int = 0
    holds: int = 0
    chip_cycles: int = 0
    cycles: int = 0
    is_aborted: bool = False
    last_taken: int = 0
    """The cycle before the last slot, in which an abort would still keep it away."""
    _rest: int = 0
    """Cycles for which the lines have been at rest and the polarities stood, in an open window."""
    _open: int = 0
    _in_slot: int = 0
    _lines: tuple = (0, 0)

    def watch(self, ctx, sequencer, cycle: int) -> None:
        port, at = sequencer.port, f"in cycle {cycle}"
        is_open = bool(ctx.get(port.integrate))
        pulses = (int(ctx.get(port.row_pulse)), int(ctx.get(port.col_pulse)))
        polarity = (int(ctx.get(port.row_negative)), int(ctx.get(port.col_negative)))
        self.chip_cycles += int(ctx.get(sequencer.chip_cycle))
        assert Mode(ctx.get(port.mode)) == self.mode, f"mode must be stable {at}"
        assert is_open or not any(pulses), f"lines must rest outside the window {at}"
        assert is_open or not ctx.get(port.slot), f"slots are within the window {at}"
        if ctx.get(port.hold):
            self.holds += 1
            assert self.windows == self.holds, f"a window is held once {at}"
            assert not is_open, f"hold comes behind the window {at}"
        self.windows += is_open and not self._open
        self._open = self._open + 1 if is_open else 0
        is_changed = bool(self.polarities) and polarity != self.polarities[-1]
        self.polarities.append(polarity)
        assert not (is_changed and any((*pulses, *self._lines))), f"polarities must change with all lines off {at}"
        self._rest = 0 if is_changed or not is_open else self._rest + 1
        for is_driven, lines in zip(DRIVEN[self.mode], pulses, strict=True):
            assert is_driven or not lines, f"lines of the other side must rest {at}"
        if not is_open:
            return
        if not self._in_slot and not any(pulses) and not ctx.get(port.slot) and not self._is_slot(ctx, sequencer):
            return
        if not self._in_slot:
            self.last_taken = cycle
            assert self._open > self.times["t_settle"] + self.times["t_guard"], f"lines must rest before a slot {at}"
            assert self._rest > self.times["t_guard"], f"lines must rest behind a change of polarity {at}"
        assert self._in_slot == 0 or pulses == self._lines, f"lines must stand within a slot {at}"
        self._lines = pulses
        self._in_slot += 1
        if ctx.get(port.slot):
            t_slot = self.times["t_slot"]
            assert self._in_slot == t_slot, f"a slot must last {t_slot} cycles, not {self._in_slot} {at}"
            self.slots.append((bits(pulses[0], self.config.rows), bits(pulses[1], self.config.cols)))
            self._in_slot = 0
            self._lines = (0, 0)

    def _is_slot(self, ctx, sequencer) -> bool:
        """Whether a cycle without pulses belongs to a slot: the controller counts it as the chip's time then."""
        return bool(ctx.get(sequencer.chip_cycle)) and self._open > self.times["t_settle"] + self.times["t_guard"]


class Bench:
    """One sequence after the other; the array is busy behind each window, its converters see given levels."""

    def __init__(self, config: TileConfig, times=DURATIONS[1]):
        self.sequencer, self.times = Sequencer(config), dict(zip(TIMES, times, strict=True))
        self.codes: list[list[int]] = []

    async def operate(self, ctx, mode: Mode, *, busy: int = 0, levels_at=None, abort_in: int | None = None,
                      status: Status | None = Status.OK, **settings) -> PortChecker:
        """`levels_at(conversion)` are the sampled charges in LSB, `abort_in` the cycle of an abort."""
        sequencer, port, drive = self.sequencer, self.sequencer.port, self.sequencer.drive
        checker = PortChecker(sequencer.config, self.times, mode)
        for name, value in {**self.times, "seed": 0, "event": 0, "watchdog": 0, **settings}.items():
            ctx.set(getattr(drive if name in drive.signature.members else sequencer, name), value)
        await ctx.tick()
        ctx.set(drive.mode, mode)
        ctx.set(drive.start, 1)
        assert Mode(ctx.get(port.mode)) == Mode.IDLE
        await ctx.tick()
        ctx.set(drive.start, 0)
        left = 0
        for cycle in range(200_000):
            if abort_in is not None and cycle >= abort_in:
                ctx.set(sequencer.abort, 1)
            left = busy if ctx.get(port.integrate) else max(left - 1, 0)
            ctx.set(port.busy, 0 < left < busy)
            if levels_at is not None:
                trials, held = take(ctx, port.adc_trial), levels_at(checker.holds - 1)
                ctx.set(port.adc_compare, sum(int(level >= trial) << n for n, (level, trial)
                                              in enumerate(zip(held, trials, strict=True))))
            checker.watch(ctx, sequencer, cycle)
            assert not (ctx.get(port.hold) and ctx.get(port.busy)), "hold must wait for busy"
            is_done, found = ctx.get(drive.done), Status(ctx.get(drive.status))
            await ctx.tick()
            if is_done:
                break
        checker.cycles = cycle + 1
        assert is_done, "a sequence must end"
        ctx.set(sequencer.abort, 0)
        ctx.set(drive.resume, 0)
        assert found == status or (status is None and found in (Status.OK, Status.ABORTED))
        checker.is_aborted = found == Status.ABORTED
        assert not ctx.get(drive.done), "done must last one cycle"
        assert Mode(ctx.get(port.mode)) == Mode.IDLE
        assert not any(ctx.get(getattr(port, name)) for name in ("integrate", "slot", "hold", "row_pulse", "col_pulse"))
        return checker

    async def outputs(self, ctx, n: int) -> list[int]:
        found = []
        for line in range(n):
            ctx.set(self.sequencer.drive.output_index, line)
            await ctx.tick().repeat(OUTPUT_LATENCY)
            found.append(int(ctx.get(self.sequencer.drive.output)))
        return found

    def chip_time(self, slots: int, is_measured: bool, is_aborted: bool = False) -> int:
        times, bits = self.times, self.sequencer.config.adc.bits
        window = sum(times[name] for name in ("t_precharge", "t_settle", "t_guard", "t_recover"))
        measured = times["t_hold"] + bits * times["t_convert"] if is_measured and not is_aborted else 0
        return window + slots * times["t_slot"] + measured


@pytest.mark.parametrize("busy", [0, 17])
@pytest.mark.parametrize("times", DURATIONS, ids=str)
@pytest.mark.parametrize(("mode", "encoding"), list(product((Mode.FORWARD, Mode.BACKWARD), Encoding)),
                         ids=lambda value: value.name)
def test_multiply(mode, encoding, times, busy):
    """Pulses are the codes', slot by slot; outputs are the codes of the converters, shifted and added over the bits;
    chip cycles are golden's, whatever the emulator takes.
    """
    config = CONFIGS["narrow"] if max(times) > 50 else CONFIGS["quiet"]
    bench, code, width = Bench(config, times), config.adc.code, config.code_bits - 1
    n_in = config.rows if mode == Mode.FORWARD else config.cols
    n_out = config.cols if mode == Mode.FORWARD else config.rows
    rng, is_serial = np.random.default_rng(3), encoding is Encoding.SERIAL

    async def testbench(ctx):
        for codes in random_codes(config, 5, n_in, 1)[[3, 2, 0]]:
            await load_codes(ctx, bench.sequencer.drive, codes, "width_")
            held = rng.integers(code.min - 2, code.max + 3, (width, config.n_converters))
            checker = await bench.operate(ctx, mode, busy=busy, levels_at=lambda n, held=held: held[n],
                                          encoding=encoding)
            driven = np.array([slot[mode == Mode.BACKWARD] for slot in checker.slots])
            planes = np.array([np.abs(codes) >> bit & 1 for bit in range(width)])
            wanted = {Encoding.WIDTH: pulse_width(codes, config.code.max).T, Encoding.SERIAL: planes[::-1],
                      Encoding.SERIAL_ANALOG: planes}[encoding]
            assert_bits("pulses (slot, line)", wanted, driven)
            assert_bits("polarity", codes < 0, bits(checker.polarities[-1][mode == Mode.BACKWARD], n_in))
            found = np.clip(held, code.min, code.max)[:, :n_out]
            weights = 2 ** np.arange(width)[::-1, None]
            outputs = (found * weights).sum(axis=0) if is_serial else found[0]
            assert_bits("outputs", outputs, await bench.outputs(ctx, n_out))
            conversions = width if is_serial else 1
            assert_bits("hold strobes", conversions, checker.holds)
            rails = np.abs(found[:conversions]) == code.max
            assert_bits("saturated", rails.any(), ctx.get(bench.sequencer.drive.saturated))
            chip = width * bench.chip_time(1, True) if is_serial else bench.chip_time(len(wanted), True)
            assert_bits("chip cycles", chip, checker.chip_cycles)
            if not busy:
                own = bench.sequencer.own_cycles * conversions
                assert_bits("cycles beside the chip's", own, checker.cycles - checker.chip_cycles)

    run(bench.sequencer, testbench)


@pytest.mark.parametrize("times", DURATIONS[:4], ids=str)
@pytest.mark.parametrize(("name", "bl", "kind"), [
    ("tiny", 1, Train.STOCHASTIC), ("tiny", 2, Train.WORDS), ("narrow", MAX_BL, Train.STOCHASTIC),
    ("linear", 17, Train.MEAN_COUNT), ("tiny", 0, Train.STOCHASTIC)])
def test_update(name, times, bl, kind):
    """Trains are golden's; the lines rest while a slot's pulses are not ready, which is not chip time."""
    config = CONFIGS[name]
    bench = Bench(config, times)

    async def testbench(ctx):
        drive = bench.sequencer.drive
        ctx.set(bench.sequencer.train, kind)
        ctx.set(drive.bl, bl)
        for number in range(2):
            values = levels(config, number)
            x, d = values[:config.rows], values[config.rows:]
            await load_levels(ctx, bench.sequencer, values)
            checker = await bench.operate(ctx, Mode.UPDATE, seed=number, event=5, busy=number * 9)
            for n, (stream, given) in enumerate(((Stream.ROW_TRAIN, x), (Stream.COLUMN_TRAIN, d))):
                wanted = train(config, number, stream, 5, given, bl, kind).T
                found = np.array([slot[n] for slot in checker.slots], dtype=int).reshape(-1, len(given))
                assert_bits(f"{stream.name} (slot, line)", wanted, found)
                assert_bits(f"{stream.name} polarity", negative(given, kind),
                            bits(checker.polarities[-1][n], len(given)))
            assert_bits("hold strobes", 0, checker.holds)
            assert_bits("chip cycles", bench.chip_time(bl, False), checker.chip_cycles)

    run(bench.sequencer, testbench)


@pytest.mark.parametrize("times", DURATIONS[1:4], ids=str)
def test_program(times):
    """A row or all rows, positive; columns by their counts and signs; the bias stands only meanwhile."""
    config = CONFIGS["tiny"]
    bench = Bench(config, times)

    async def testbench(ctx):
        drive, port = bench.sequencer.drive, bench.sequencer.port
        ctx.set(bench.sequencer.half_select, Bias.THIRD)
        for row in (0, config.rows - 1, None):
            codes = random_codes(config, 4, config.cols, 5)[3]
            await load_codes(ctx, drive, codes, "width_")
            checker = await bench.operate(ctx, Mode.PROGRAM, bl=40, row_all=row is None, row_index=row or 0, busy=5)
            on = [row in (None, n) for n in range(config.rows)]
            assert_bits("rows (slot, line)", [on] * 40, [slot[0] for slot in checker.slots])
            assert_bits("columns (slot, line)", pulse_width(codes, 40).T, [slot[1] for slot in checker.slots])
            assert_bits("polarities", (0, sum(1 << n for n, code in enumerate(codes) if code < 0)),
                        checker.polarities[-1])
            assert_bits("chip cycles", bench.chip_time(40, False), checker.chip_cycles)
            assert Bias(ctx.get(port.half_select)) == Bias.NONE

    run(bench.sequencer, testbench)


def test_reference_measures_without_lines():
    config = CONFIGS["tiny"]
    bench = Bench(config)

    async def testbench(ctx):
        for reference in (-1, 0, 1):
            held = list(range(config.n_converters))
            checker = await bench.operate(ctx, Mode.REFERENCE, reference=reference, levels_at=lambda n, held=held: held)
            assert checker.slots == []
            assert_bits("reference", reference, ctx.get(bench.sequencer.port.reference))
            assert_bits("outputs", held, await bench.outputs(ctx, config.n_converters))
            assert_bits("chip cycles", bench.chip_time(0, True), checker.chip_cycles)

    run(bench.sequencer, testbench)


def test_modes_in_turn():
    """Nothing of one sequence shows in the next of another mode."""
    config = CONFIGS["tiny"]
    bench = Bench(config, (1, 2, 1, 1, 1, 1, 1))

    async def testbench(ctx):
        for mode in (Mode.FORWARD, Mode.UPDATE, Mode.BACKWARD, Mode.UPDATE, Mode.FORWARD):
            if mode == Mode.UPDATE:
                values = levels(config, 9)
                ctx.set(bench.sequencer.drive.bl, 7)
                await load_levels(ctx, bench.sequencer, values)
                checker = await bench.operate(ctx, mode, bl=7, seed=1, event=2)
                wanted = train(config, 1, Stream.ROW_TRAIN, 2, values[:config.rows], 7).T
            else:
                n = config.rows if mode == Mode.FORWARD else config.cols
                codes = random_codes(config, 4, n, 3)[3]
                await load_codes(ctx, bench.sequencer.drive, codes, "width_")
                checker = await bench.operate(ctx, mode, levels_at=lambda n: [0] * config.n_converters)
                wanted = pulse_width(codes, config.code.max).T
            assert_bits(f"{mode.name} pulses", wanted, [slot[mode == Mode.BACKWARD] for slot in checker.slots])

    run(bench.sequencer, testbench)


@pytest.mark.parametrize("encoding", Encoding, ids=lambda encoding: encoding.name)
def test_abort_of_a_forward_in_any_cycle(encoding):
    """It ends before its next slot, if there is one to come; otherwise it gives what it always gives."""
    config = CONFIGS["narrow"] if encoding is Encoding.WIDTH else CONFIGS["tiny"]
    bench = Bench(config, (1, 2, 3, 2, 2, 1, 2))
    total = config.code.max if encoding is Encoding.WIDTH else config.code_bits - 1

    async def testbench(ctx):
        codes = random_codes(config, 4, config.rows, 3)[3]
        await load_codes(ctx, bench.sequencer.drive, codes, "width_")
        seen, whole = set(), None
        for abort_in in (None, *range(0, 1000, 5 if encoding is Encoding.SERIAL else 1)):
            status = Status.OK if whole is None or abort_in >= whole else Status.ABORTED
            checker = await bench.operate(ctx, Mode.FORWARD, levels_at=lambda n: [n] * config.n_converters, busy=3,
                                          encoding=encoding, abort_in=abort_in, status=status)
            if abort_in is None:  # the last slot to be taken closes the door, for who comes in the cycle before as well
                whole = checker.last_taken - 1
                continue
            played = int(ctx.get(bench.sequencer.played))
            assert_bits("slots", len(checker.slots), played)
            if status is Status.OK:
                assert played == total
                break
            seen.add(played)
            chip = bench.chip_time(played, True, is_aborted=True)
            if encoding is Encoding.SERIAL:
                chip = played * bench.chip_time(1, True) + bench.chip_time(0, True, is_aborted=True)
            assert_bits(f"chip cycles, aborted behind {played} slots", chip, checker.chip_cycles)
        assert seen == set(range(total))

    run(bench.sequencer, testbench)


@pytest.mark.parametrize("kind", [Train.STOCHASTIC, Train.IMPLICIT], ids=lambda kind: kind.name)
def test_abort_and_resume_of_an_update(kind):
    """Wherever it is cut, once or twice, the parts are the whole train."""
    config, bl = CONFIGS["tiny"], 9
    bench, rng = Bench(config, (1, 2, 2, 2, 1, 1, 1)), np.random.default_rng(1)

    async def testbench(ctx):
        sequencer, drive = bench.sequencer, bench.sequencer.drive
        values = levels(config, 1)
        ctx.set(sequencer.train, kind)
        ctx.set(drive.bl, bl)
        await load_levels(ctx, sequencer, values)
        wanted = train(config, 3, Stream.ROW_TRAIN, 4, values[:config.rows], bl, kind).T
        cuts: set[int] = set()
        for first_cut in range(0, 84, 2):
            slots, is_aborted = [], False
            for cut in (first_cut, int(rng.integers(0, 84)), None):
                checker = await bench.operate(ctx, Mode.UPDATE, seed=3, event=4, busy=6, resume=is_aborted,
                                              abort_in=cut, status=None)
                slots, is_aborted = slots + checker.slots, checker.is_aborted
                assert_bits("(played, first slot)", (len(slots), len(slots) - len(checker.slots)),
                            (ctx.get(sequencer.played), ctx.get(sequencer.first_slot)))
                assert_bits("chip cycles", bench.chip_time(len(checker.slots), False), checker.chip_cycles)
                cuts.add(len(slots))
                if not is_aborted:
                    break
            assert_bits("rows (slot, line)", wanted, [slot[0] for slot in slots])
        assert cuts == set(range(bl + 1))

    run(bench.sequencer, testbench)


@pytest.mark.parametrize("watchdog", [1, 40])
def test_watchdog_ends_what_the_array_holds_up(watchdog):
    """An array that is never ready, behind the window or before it; with time enough nothing happens."""
    config = CONFIGS["tiny"]
    bench = Bench(config)

    async def testbench(ctx):
        port, drive = bench.sequencer.port, bench.sequencer.drive
        await load_codes(ctx, drive, random_codes(config, 4, config.rows, 3)[3], "width_")
        await bench.operate(ctx, Mode.FORWARD, busy=watchdog, watchdog=watchdog,
                            levels_at=lambda n: [0] * config.n_converters)
        await bench.operate(ctx, Mode.FORWARD, busy=watchdog + 9, watchdog=watchdog, status=Status.TIMEOUT)
        ctx.set(port.busy, 1)
        ctx.set(drive.start, 1)
        await ctx.tick()
        ctx.set(drive.start, 0)
        for _ in range(watchdog + 3):
            assert not ctx.get(port.integrate)
            if ctx.get(drive.done):
                break
            await ctx.tick()
        assert Status(ctx.get(drive.status)) == Status.TIMEOUT
        await ctx.tick()
        ctx.set(port.busy, 0)
        await bench.operate(ctx, Mode.FORWARD, watchdog=watchdog, levels_at=lambda n: [0] * config.n_converters)

    run(bench.sequencer, testbench)
