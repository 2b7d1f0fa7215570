# SPDX-License-Identifier: Apache-2.0
from dataclasses import dataclass, field

import numpy as np
import pytest
from amaranth.hdl import Array, Module, Signal

from golden.config import TileConfig
from golden.management import UpdateManagement
from golden.protocol import Opcode, Status
from rtl.analog_port import Mode
from rtl.drive import ENGINE_LATENCY
from rtl.engine import PAYLOAD_REST
from rtl.formats import delay
from rtl.gain import GainUnit
from rtl.manager import Manager
from tests.golden import reference
from tests.rtl.simulation import run
from tests.support import CONFIGS, assert_bits, managed_vectors

COUNTERS = ("forwards", "backwards", "updates", "retries")


@dataclass
class Job:
    """A command, and what the array answers in each pass: outputs, whether they saturate, and the status."""

    opcode: Opcode
    words: list[int]
    passes: list[tuple[list[int], bool]] = field(default_factory=list)
    settings: dict[str, int] = field(default_factory=dict)
    status: Status = Status.OK
    resume: bool = False


@dataclass
class Answer:
    """What a manager did: by sequence the lines that it loaded and what stood at the start; counts; results."""

    loads: list[dict[int, int]] = field(default_factory=list)
    starts: list[tuple] = field(default_factory=list)
    cycles: list[int] = field(default_factory=list)
    events: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTERS, 0))
    status: Status = Status.OK
    results: list[int] = field(default_factory=list)


def manage(config: TileConfig, jobs: list[Job], stall: float = 0.3, idle: float = 0.2, rest: int = 0) -> list[Answer]:
    """Run commands on a manager, with a sequencer and a controller that are made here: words come `rest` cycles apart,
    and with the probability `idle` later.
    """
    m = Module()
    m.submodules.manager = manager = Manager(config)
    control, drive = manager.control, manager.drive
    lines = [Signal(config.output.bits, name=f"line_{n}") for n in range(config.n_converters)]
    m.d.comb += drive.output.eq(delay(m, Array(lines)[drive.output_index], ENGINE_LATENCY))
    rng = np.random.default_rng(len(jobs))
    row_chunks = -(-config.rows // config.lanes)
    answers: list[Answer] = []

    def watch(ctx, answer: Answer, loads: dict):
        if ctx.get(drive.width_write):
            loads[int(ctx.get(drive.width_index))] = int(ctx.get(drive.width_code))
        if ctx.get(drive.train_write):
            chunk, lane = int(ctx.get(drive.train_chunk)), int(ctx.get(drive.train_lane))
            line = chunk * config.lanes + lane if chunk < row_chunks else \
                config.rows + (chunk - row_chunks) * config.lanes + lane
            loads[line] = int(ctx.get(drive.train_value))
        answer.events += int(ctx.get(drive.next_event))
        for name in COUNTERS:
            answer.counts[name] += int(ctx.get(getattr(control, name)))

    async def load(ctx, job: Job):
        ctx.set(control.opcode, job.opcode)
        for name, value in ({"nm": 1, "bm_passes": 5, "bm_backward": 0, "um": 2, "bl": 31, "ratio": 0}
                            | job.settings).items():
            ctx.set(getattr(manager, name), value)
        for n, word in enumerate(job.words if not job.resume else []):
            while rng.random() < idle:
                await ctx.tick()
            ctx.set(control.write, 1)
            ctx.set(control.n, n)
            ctx.set(control.value, word)
            await ctx.tick()
            ctx.set(control.write, 0)
            for _ in range(rest):
                await ctx.tick()
        for _ in range(PAYLOAD_REST):
            await ctx.tick()

    async def bench(ctx):
        for job in jobs:
            answer, loads, passes, cycle = Answer(), {}, list(job.passes), 0
            await load(ctx, job)
            ctx.set(control.start, 1)
            ctx.set(control.resume, job.resume)
            while True:
                watch(ctx, answer, loads)
                if ctx.get(control.done):
                    break
                if ctx.get(drive.start):
                    answer.loads.append(loads)
                    standing = (int(ctx.get(getattr(drive, name))) for name in ("attempt", "bl", "resume"))
                    answer.starts.append((Mode(ctx.get(drive.mode)), *standing))
                    answer.cycles.append(cycle)
                    loads = {}
                    await ctx.tick()
                    ctx.set(control.start, 0)
                    for _ in range(int(rng.integers(0, 50))):
                        watch(ctx, answer, loads)
                        await ctx.tick()
                    outputs, saturated = passes.pop(0)
                    for line, value in zip(lines, outputs, strict=False):
                        ctx.set(line, value)
                    ctx.set(drive.saturated, saturated)
                    ctx.set(drive.status, job.status)
                    ctx.set(drive.done, 1)
                    watch(ctx, answer, loads)
                    if ctx.get(control.done):
                        break
                    await ctx.tick()
                    ctx.set(drive.done, 0)
                    cycle = 1
                else:
                    await ctx.tick()
                    ctx.set(control.start, 0)
                    cycle += 1
            answer.status = Status(ctx.get(control.status))
            await ctx.tick()
            ctx.set(drive.done, 0)
            ctx.set(control.resume, 0)
            assert not passes
            count = {Opcode.FORWARD_VECTOR: config.cols, Opcode.BACKWARD_VECTOR: config.rows, Opcode.UPDATE_VECTOR: 1}
            while answer.status == Status.OK and len(answer.results) < count[job.opcode]:
                ctx.set(control.result.ready, rng.random() >= stall)
                if ctx.get(control.result.valid) and ctx.get(control.result.ready):
                    answer.results.append(int(ctx.get(control.result.payload)))
                await ctx.tick()
            ctx.set(control.result.ready, 0)
            answers.append(answer)

    run(m, bench)
    return answers


def multiply_jobs(config: TileConfig, seed: int, count: int = 16) -> list[Job]:
    """Forwards and backwards of vectors of every size, under any settings, with random outputs in each pass."""
    rng = np.random.default_rng(seed)
    jobs = []
    for n in range(count):
        is_forward = bool(rng.integers(2))
        side, other = (config.rows, config.cols) if is_forward else (config.cols, config.rows)
        settings = {"nm": int(rng.integers(3)), "bm_passes": int(rng.integers(1, 9)),
                    "bm_backward": int(rng.integers(2))}
        most = settings["bm_passes"] if is_forward or settings["bm_backward"] else 1
        played = int(rng.integers(1, most + 1))
        passes = [(rng.integers(config.output.min, config.output.max, other, endpoint=True).tolist(),
                   k + 1 < played or (played == most and bool(rng.integers(2)))) for k in range(played)]
        vector = managed_vectors(count, side, seed + 1000)[n].tolist()
        jobs.append(Job(Opcode.FORWARD_VECTOR if is_forward else Opcode.BACKWARD_VECTOR, vector, passes, settings))
    return jobs


def check_multiply(config: TileConfig, job: Job, answer: Answer) -> None:
    is_forward = job.opcode == Opcode.FORWARD_VECTOR
    scale = reference.scale(job.words, job.settings["nm"])
    assert answer.starts == [(Mode.FORWARD if is_forward else Mode.BACKWARD, k, answer.starts[k][2], 0)
                             for k in range(len(job.passes))]
    for k, loads in enumerate(answer.loads):
        assert_bits(f"Manager codes of pass {k}", reference.encode(config, job.words, scale << k),
                    [loads[n] for n in range(len(job.words))])
    other = config.cols if is_forward else config.rows
    outputs = job.passes[-1][0][:other]
    assert_bits("Manager values", reference.decode(config, outputs, scale << len(job.passes) - 1), answer.results)
    assert answer.counts == {"forwards": is_forward, "backwards": not is_forward, "updates": 0,
                             "retries": len(job.passes) - 1}
    assert answer.events == 1


@pytest.mark.parametrize("name", CONFIGS)
def test_forward_and_backward(name):
    config = CONFIGS[name]
    jobs = multiply_jobs(config, 5)
    for job, answer in zip(jobs, manage(config, jobs), strict=True):
        check_multiply(config, job, answer)


def update_jobs(config: TileConfig, seed: int, count: int = 16) -> list[Job]:
    rng = np.random.default_rng(seed)
    xs, ds = managed_vectors(count, config.rows, seed), managed_vectors(count, config.cols, seed + 1)
    rng.shuffle(ds)
    return [Job(Opcode.UPDATE_VECTOR, x + d, [([], False)], {
        "um": int(rng.integers(3)), "bl": int(rng.integers(1, 64)),
        "ratio": int(2.0 ** rng.uniform(8, 32)) if n else 0}) for n, (x, d) in enumerate(zip(xs.tolist(), ds.tolist(),
                                                                                        strict=True))]


@pytest.mark.parametrize("name", CONFIGS)
def test_update(name):
    config = CONFIGS[name]
    jobs, expected = update_jobs(config, 6), []
    for job in jobs:
        settings = job.settings
        x, d = job.words[:config.rows], job.words[config.rows:]
        expected.append(reference.update_levels(x, d, settings["ratio"], settings["um"], settings["bl"]))
        if expected[-1][2] == 0:
            job.passes = []
    assert {0} < {bl for _, _, bl in expected}
    for answer, (rows, cols, bl) in zip(manage(config, jobs), expected, strict=True):
        assert answer.results == [bl]
        assert [(start[0], start[2], start[3]) for start in answer.starts] == ([(Mode.UPDATE, bl, 0)] if bl else [])
        if bl:
            levels = [answer.loads[0][n] for n in range(config.rows + config.cols)]
            assert_bits("Manager levels", rows + cols, levels)
        assert answer.counts == {"forwards": 0, "backwards": 0, "updates": 1, "retries": 0}
        assert answer.events == 1


def test_an_aborted_update_is_resumed_with_its_levels_in_place():
    config = CONFIGS["tiny"]
    job = update_jobs(config, 6)[8]
    aborted = Job(job.opcode, job.words, job.passes, job.settings, Status.ABORTED)
    resumed = Job(job.opcode, job.words, job.passes, job.settings, resume=True)
    first, second = manage(config, [aborted, resumed])
    assert (first.status, first.events, first.counts["updates"]) == (Status.ABORTED, 0, 0)
    assert (second.status, second.events, second.counts["updates"]) == (Status.OK, 1, 1)
    (mode, _, bl, is_resumed), = second.starts
    assert (mode, [bl], is_resumed) == (Mode.UPDATE, second.results, 1)
    assert (second.loads, second.cycles) == ([{}], [1])


def test_an_aborted_forward_begins_anew_when_resumed():
    config = CONFIGS["tiny"]
    job = next(job for job in multiply_jobs(config, 5) if len(job.passes) > 1)
    aborted = Job(job.opcode, job.words, job.passes[:1], job.settings, Status.ABORTED)
    resumed = Job(job.opcode, job.words, job.passes, job.settings, resume=True)
    first, second = manage(config, [aborted, resumed])
    assert (first.status, first.events, sum(first.counts.values())) == (Status.ABORTED, 0, 0)
    check_multiply(config, job, second)


def test_cycles():
    """What stays between start and sequence is bounded by the constants, which are reached."""
    config = TileConfig(rows=60, cols=60, lanes=5)
    forwards = [Job(Opcode.FORWARD_VECTOR, [largest] + [0] * 59, [([], True), ([], True), ([], False)])
                for largest in (1, 2 ** 20)]
    updates = [Job(Opcode.UPDATE_VECTOR, [x] * 60 + [d] * 60, [([], False)], {"um": um, "ratio": ratio, "bl": 63})
               for um in UpdateManagement for x, d in ((1, 1), (1, 2 ** 22), (2 ** 22, 2 ** 22))
               for ratio in (2 ** 31, 1 << 16)]
    answers = manage(config, forwards + updates, idle=0.0)
    forward_cycles, update_cycles = ([answer.cycles[0] for answer in part] for part in (answers[:2], answers[2:]))
    assert max(forward_cycles) == Manager.code_latency + config.rows
    assert max(update_cycles) == Manager.level_latency + config.rows + config.cols
    assert {cycles for answer in answers for cycles in answer.cycles[1:]} == {Manager.pass_latency + config.rows}


def test_a_slow_stream_only_hides_the_product_of_an_update():
    """Cycles are the same at any pace of words, but of an update, whose first product runs while d loads."""
    config = TileConfig(rows=60, cols=10, lanes=5)
    jobs = [Job(Opcode.FORWARD_VECTOR, [1] * 60, [([], False)]), Job(Opcode.BACKWARD_VECTOR, [1] * 10, [([], False)]),
            *(Job(Opcode.UPDATE_VECTOR, [1 << 20] * 70, [([], False)], {"um": um, "ratio": 1 << 16, "bl": 63})
              for um in (UpdateManagement.OFF, UpdateManagement.UM, UpdateManagement.UBLM))]
    fast, slow, slowest = (np.array([answer.cycles for answer in manage(config, jobs, idle=0.0, rest=rest)])[:, 0]
                           for rest in (0, 2, GainUnit.multiply_latency))
    assert (fast - slow).tolist() == [0, 0, 0, 20, 20]
    assert (slow - slowest)[:3].tolist() == [0, 0, 0]
    assert 0 < (fast - slowest)[3] == (fast - slowest)[4] < GainUnit.multiply_latency
