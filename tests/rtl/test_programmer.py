# SPDX-License-Identifier: Apache-2.0
"""The engine of the programming commands, with golden as the sequencer and the array behind it."""
import numpy as np
import pytest

from golden import crossbar
from golden.config import ALL, Plane
from golden.controller import Controller
from golden.programmer import window_slots
from golden.protocol import Opcode, Status, packet
from golden.pulses import pulse_width
from golden.registers import register_map
from rtl.analog_port import Mode
from rtl.drive import ENGINE_LATENCY
from rtl.judge import Judge
from rtl.programmer import Programmer
from tests.rtl.simulation import run
from tests.support import CONFIGS, assert_bits, loaded_tile

SEED = 3


class Sequence:
    """What the sequencer does with the engine's drive, by golden: a sequence takes `cycles` cycles."""

    def __init__(self, tile, cycles: int = 3):
        self.tile, self.cycles, self.made = tile, cycles, 0
        self.codes = np.zeros(tile.config.n_converters, dtype=np.int64)
        self.outputs = np.zeros(tile.config.n_converters, dtype=np.int64)

    def make(self, mode, row_all: int, row: int, slots: int, reference: int) -> None:
        """The event is the register's: the engine counts it on behind the sequence."""
        tile, config, event = self.tile, self.tile.config, self.tile.get("event")
        self.made += 1
        if mode == Mode.PROGRAM:
            rows = np.full(config.rows, bool(row_all)) | (np.arange(config.rows) == row)
            codes = self.codes[:config.cols]
            crossbar.update(config, tile.planes, SEED, event, np.repeat(rows[:, None], slots, axis=1),
                            pulse_width(codes, slots), np.zeros(config.rows, dtype=bool), codes < 0)
            return
        charge = np.full((1, config.n_converters), reference * config.reference)
        if mode == Mode.FORWARD:
            charge = crossbar.charges(self.codes[None, :config.rows], tile.planes[Plane.WEIGHT], config)
        found, _ = tile._convert(charge, np.array([event]), 0)
        self.outputs[:] = 12345 % config.output.max  # what is not a result must not be looked at
        self.outputs[:found.shape[1]] = found[0]


def command(config, settings: dict, opcode: Opcode, argument: int, index: int, payload=(), abort_at: int | None = None,
            fail_at: int | None = None):
    """Give the engine a command; (status, result words, counts of OPERATIONS, the tile, sequences)."""
    engine, tile = Programmer(config), loaded_tile(config, SEED)
    sequence, counts, out = Sequence(tile), {"forwards": 0, "programs": 0}, []
    status = None

    async def bench(ctx):
        nonlocal status
        control, drive = engine.control, engine.drive
        for name in engine.settings:
            ctx.set(getattr(engine, name), settings.get(name, register_map(config)[name].reset))
        ctx.set(control.opcode, opcode)
        ctx.set(control.argument, argument)
        ctx.set(control.index, index)
        for n, value in enumerate(payload):
            ctx.set(control.write, 1)
            ctx.set(control.n, n)
            ctx.set(control.value, int(value))
            await ctx.tick()
        ctx.set(control.write, 0)
        ctx.set(control.start, 1)
        await ctx.tick()
        ctx.set(control.start, 0)
        left, asked = 0, []
        while status is None:
            if ctx.get(drive.width_write):
                sequence.codes[ctx.get(drive.width_index)] = ctx.get(drive.width_code)
            if ctx.get(drive.start):
                assert ctx.get(drive.raw)
                if fail_at != sequence.made:
                    sequence.make(ctx.get(drive.mode), ctx.get(drive.row_all), ctx.get(drive.row_index),
                                  ctx.get(drive.bl), ctx.get(drive.reference))
                    ctx.set(drive.status, Status.OK)
                else:
                    ctx.set(drive.status, Status.TIMEOUT)
                left = sequence.cycles
            is_done = left == 1
            left = max(left - 1, 0)
            ctx.set(drive.done, is_done)
            asked.append(int(sequence.outputs[ctx.get(drive.output_index)]))
            ctx.set(drive.output, asked[-1 - ENGINE_LATENCY] if len(asked) > ENGINE_LATENCY else 0)
            if abort_at == sequence.made and not left:
                ctx.set(drive.abort, 1)
            for name in counts:
                counts[name] += ctx.get(getattr(control, name))
            if ctx.get(drive.next_event):
                tile.set("event", (tile.get("event") + 1) % (1 << 32))
            if ctx.get(control.done):
                status = ctx.get(control.status)
            await ctx.tick()
        ctx.set(drive.done, 0)
        ctx.set(control.result.ready, 1)
        for _ in range((ENGINE_LATENCY + 2) * config.n_converters + 2):
            ctx.set(drive.output, 0)
            if ctx.get(control.result.valid):
                out.append(ctx.get(control.result.payload))
            await ctx.tick()
        assert not ctx.get(control.result.valid)

    run(engine, bench)
    return status, out, counts, tile, sequence.made


def check(config, opcode: Opcode, argument: int, index: int, payload=(), settings=None):
    """A command against golden's: words, planes, event, counts."""
    settings = settings or {}
    status, out, counts, tile, _ = command(config, settings, opcode, argument, index, payload)
    golden = loaded_tile(config, SEED)
    for name, value in settings.items():
        golden.set(name, value)
    answer = Controller(golden).exchange(packet(opcode, argument, index, payload))
    assert status == Status.OK
    assert_bits("result", (answer[1:] & np.uint64(0xFFFFFFFF)).astype(np.uint32).view(np.int32), out)
    for plane, values in golden.planes.items():
        assert_bits(plane.name, values, tile.planes[plane])
    assert tile.get("event") == golden.get("event")
    assert counts == {name: golden.counters()[name] for name in counts}


NAMES = ("tiny", "linear", "softbounds", "narrow")
names = pytest.mark.parametrize("name", NAMES)


@names
@pytest.mark.parametrize(("row", "col", "pulses", "down"), [(1, 2, 1, 1), (0, ALL, 130, 0), (ALL, 0, 64, 1)])
def test_program(name, row, col, pulses, down):
    check(CONFIGS[name], Opcode.PROGRAM, down, pulses if name != "narrow" else pulses % 7 + 1, (row, col))


@names
def test_symmetrize(name):
    check(CONFIGS[name], Opcode.SYMMETRIZE, 9, 3, (ALL, 1))


@names
@pytest.mark.parametrize("reads_log2", [0, 2])
def test_sense(name, reads_log2):
    check(CONFIGS[name], Opcode.SENSE, reads_log2, 1)


@names
@pytest.mark.parametrize("level", range(3))
def test_calibrate(name, level):
    check(CONFIGS[name], Opcode.CALIBRATE, 1, level)


@names
@pytest.mark.parametrize("seed", range(2))
def test_verify(name, seed):
    config, rng = CONFIGS[name], np.random.default_rng(seed)
    ranges = {"verify_reads": (0, 2), "verify_tolerance": (0, 300), "verify_limit": (1, 6), "verify_pulses": (1, 63),
              "verify_gain": (0, 3000), "verify_patience": (1, 2)}
    settings = {key: int(rng.integers(low, high + 1)) for key, (low, high) in ranges.items()}
    targets = config.adc.held.quantize(rng.normal(0, 0.5, config.cols) / config.adc.lsb)
    if seed == 0:
        targets[:2] = config.adc.held.max, config.adc.held.min
        settings |= {"verify_gain": (1 << 18) - 1, "verify_reads": 8 if name == "narrow" else 3, "verify_limit": 1}
    check(config, Opcode.VERIFY, 0, 1, targets.tolist(), settings)


def judged(config, settings: dict, targets, sums):
    """Rounds of sums (rounds, C) through golden's words: pulses of each round, and result words."""
    k = settings["reads_log2"]
    tolerance, most = settings["tolerance"] << k, min(settings["pulses"], window_slots(config))
    state, rounds = [{"open": True, "outcome": 2, "passes": 0, "error": 0, "streak": 0} for _ in targets], []
    for number, row in enumerate(sums):
        codes = []
        for column, target, total in zip(state, targets, row, strict=True):
            error, code = (target << k) - 256 * total, 0
            if column["open"]:
                column["error"] = max(-32768, min(32767, error >> k))
                same = column["streak"] and column["up"] == (error > 0) and \
                    abs(error) >= column["start"] - tolerance
                if abs(error) <= tolerance:
                    column.update(open=False, outcome=0)
                elif same and column["streak"] == settings["patience"]:
                    column.update(open=False, outcome=1)
                else:
                    column.update(up=error > 0, streak=column["streak"] + 1 if same else 1,
                                  start=column["start"] if same else abs(error))
                    column["passes"] += number != len(sums) - 1
                    pulses = max(1, min((abs(error) >> k) * settings["gain"] >> 16, most))
                    code = -pulses if error > 0 else pulses
            codes.append(code)
        rounds.append(codes)
    return rounds, [c["outcome"] | c["passes"] << 8 | (c["error"] & 0xFFFF) << 16 for c in state]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("name", ["tiny", "table"])
def test_what_is_decided_about_a_column(name, seed):
    """Few different errors, so that they meet the tolerance and the start of a streak exactly; then any."""
    config, rng = CONFIGS[name], np.random.default_rng(seed)
    held, k = config.adc.held, (0, int(rng.integers(1, 8)), 8)[seed % 3]
    settings = {"reads_log2": k, "tolerance": int(rng.choice([0, 256, 512, 700])), "pulses": int(rng.integers(1, 64)),
                "gain": int(rng.choice([256, (1 << 18) - 1, 0, 5000])), "patience": int(rng.integers(1, 4))}
    largest = config.adc.code.max << k
    targets = rng.integers(-4, 5, config.cols) << 8
    sums = rng.integers(-5, 6, (8, config.cols)) << k
    if seed % 3 == 2:
        targets = rng.choice([held.min, held.max, 0, 77], config.cols)
        sums = rng.choice([-largest, largest, 1], (8, config.cols))
    dut, found, results = Judge(config), [], []

    async def bench(ctx):
        for setting, value in settings.items():
            ctx.set(getattr(dut, setting), value)
        for number, row in enumerate(sums):
            codes = []
            ctx.set(dut.is_first, number == 0)
            ctx.set(dut.is_final, number == len(sums) - 1)
            for line in range(config.cols):
                ctx.set(dut.line, line)
                await ctx.tick().repeat(ENGINE_LATENCY)
                ctx.set(dut.sum, int(row[line]))
                ctx.set(dut.target, int(targets[line]))
                await ctx.tick().repeat(Judge.latency - ENGINE_LATENCY)
                codes.append(ctx.get(dut.code))
                assert ctx.get(dut.slots) == abs(codes[-1])
                ctx.set(dut.write, 1)
                await ctx.tick()
                ctx.set(dut.write, 0)
            found.append(codes)
        for line in range(config.cols):
            ctx.set(dut.line, line)
            await ctx.tick().repeat(2)
            results.append(ctx.get(dut.result))

    run(dut, bench)
    rounds, words = judged(config, settings, targets.tolist(), sums.tolist())
    assert_bits("codes", rounds, found)
    assert_bits("results", words, results)


def test_verify_with_nothing_to_do():
    """Every column is where it should be: no window."""
    config = CONFIGS["tiny"]
    status, out, counts, _, made = command(config, {"verify_tolerance": (1 << 18) - 1}, Opcode.VERIFY, 0, 0,
                                           [0] * config.cols)
    assert (status, counts, made) == (Status.OK, {"forwards": 1, "programs": 0}, 1)
    assert [word & 0xFFFF for word in out] == [0] * config.cols


COMMANDS = {
    "program": (Opcode.PROGRAM, 1, 150, (0, ALL)), "symmetrize": (Opcode.SYMMETRIZE, 0, 2, (ALL, 1)),
    "sense": (Opcode.SENSE, 2, 1, ()), "calibrate": (Opcode.CALIBRATE, 1, 2, ()),
    "verify": (Opcode.VERIFY, 0, 1, (20000,) * CONFIGS["tiny"].cols),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_aborted_between_any_two_steps(name):
    config, (opcode, argument, index, payload) = CONFIGS["tiny"], COMMANDS[name]
    settings = {"verify_limit": 2, "verify_reads": 1}
    *_, total = command(config, settings, opcode, argument, index, payload)
    for steps in range(total):
        status, out, _, tile, made = command(config, settings, opcode, argument, index, payload, abort_at=steps)
        assert (status, out, made, tile.get("event")) == (Status.ABORTED, [], steps, steps)


def test_a_sequence_that_fails_ends_the_command():
    config, (opcode, argument, index, payload) = CONFIGS["tiny"], COMMANDS["verify"]
    status, out, counts, tile, _ = command(config, {}, opcode, argument, index, payload, fail_at=1)
    assert (status, out, counts["forwards"] + counts["programs"]) == (Status.TIMEOUT, [], 1)
    assert tile.get("event") == 1
