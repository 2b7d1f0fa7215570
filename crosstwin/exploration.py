# SPDX-License-Identifier: Apache-2.0
"""The design space of a tile on a board: many configurations, estimated or really run, and which of them are best."""
import signal
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, as_completed
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from crosstwin.accuracy import rms_error
from crosstwin.arguments import board as board_of
from golden.config import TileConfig


@dataclass(frozen=True, kw_only=True)
class Job:
    """A configuration to be looked at: what differs from the board's own tile, and whether it is really run, where."""

    board: str
    rows: int
    cols: int
    lanes: int
    adc_bits: int
    base: TileConfig
    seed: int = 0
    folder: Path | None = None

    def config(self) -> TileConfig:
        """ValueError where there is no such tile."""
        return replace(self.base, rows=self.rows, cols=self.cols, lanes=self.lanes,
                       adc=replace(self.base.adc, bits=self.adc_bits))


@dataclass(frozen=True, kw_only=True)
class Point:
    """What came of a job: `failure` says in a sentence why nothing did.

    `area` is of the chip's logic, `fits` None where the estimate leaves that open; errors are relative, of estimates
    alone; `rms_error` is `crosstwin.accuracy`'s.
    """

    rows: int
    cols: int
    lanes: int
    adc_bits: int
    failure: str = ""
    used: dict[str, float] = field(default_factory=dict)
    area: float = 0.0
    area_error: float = 0.0
    fits: bool | None = None
    fmax_mhz: float = 0.0
    fmax_error: float = 0.0
    mac_per_s: float = 0.0
    updates_per_s: float = 0.0
    rms_error: float = 0.0

    def summary(self) -> dict:
        """Ready for JSON; a line of a table once `used` is spread."""
        return asdict(self)


def evaluate(job: Job) -> Point:
    """In whatever process: whatever goes wrong is in the point, and not raised."""
    try:
        config = job.config()
        found = _run(job, config) if job.folder else _estimated(job, config)
        return replace(_point(job), **found, rms_error=rms_error(config, job.seed))
    except Exception as error:
        return _failed(job, error)


def _estimated(job: Job, config: TileConfig) -> dict:
    from boards.estimate import estimate

    found = estimate(board_of(job.board, "Estimates need"), config)
    name = logic(found.used)
    return {"used": {each: figure.value for each, figure in found.used.items()}, "area": found.used[name].value,
            "area_error": found.used[name].error, "fits": found.fits, "fmax_mhz": found.fmax_mhz.value,
            "fmax_error": found.fmax_mhz.error, "mac_per_s": found.rates.mac_per_s,
            "updates_per_s": found.rates.updates_per_s}


def _run(job: Job, config: TileConfig) -> dict:
    from boards.run import measure

    assert job.folder is not None
    run = measure(board_of(job.board, "Synthesis needs"), config, job.folder)
    if run.fmax_mhz is None:
        raise RuntimeError(run.why)
    return {"used": dict(run.used), "area": float(run.used[logic(run.used)]), "fits": True, "fmax_mhz": run.fmax_mhz,
            "mac_per_s": run.mac_per_s, "updates_per_s": run.updates_per_s}


def logic(used: Iterable[str]) -> str:
    """The resource that stands for the area: LUTs, or cells of a LUT with a register."""
    return next(name for name in used if name.startswith("LUT"))


def explore(jobs: Sequence[Job], executor: AbstractContextManager[Executor] | None,
            evaluation: Callable[[Job], Point] = evaluate) -> Generator[Point]:
    """Points as they come, from an executor or from this process. When it is closed, jobs that have not begun never do.

    A worker that dies takes with it what others are at: these are begun again, each in a process of its own.
    """
    if executor is None:
        yield from map(evaluation, jobs)
        return
    broken = []
    with executor as pool:
        futures = {pool.submit(evaluation, job): job for job in jobs}
        try:
            for future in as_completed(futures):
                try:
                    yield future.result()
                except BrokenExecutor:
                    broken.append(futures[future])
                except Exception as error:  # of the cluster: a job's own are in its point
                    yield _failed(futures[future], error)
        finally:
            for future in futures:
                future.cancel()
    for job in broken:
        try:
            with workers(1) as pool:
                yield pool.submit(evaluation, job).result()
        except BrokenExecutor:
            yield _failed(job, RuntimeError("its process was killed, perhaps for want of memory"))


def workers(n: int) -> Executor:
    """As many processes of this machine. Ctrl-C ends them where they are."""
    return ProcessPoolExecutor(n, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_DFL))


def front(points: Sequence[Point], *objectives: Callable[[Point], float]) -> list[Point]:
    """The points to which no other is as good in all objectives, each the less the better, and better in one."""
    values = [tuple(objective(point) for objective in objectives) for point in points]

    def is_beaten(mine: tuple) -> bool:
        return any(all(a <= b for a, b in zip(other, mine, strict=True)) and other != mine for other in values)
    return [point for point, mine in zip(points, values, strict=True) if not is_beaten(mine)]


def fronts(points: Sequence[Point]) -> dict[str, list[Point]]:
    """The best of the points that fit: throughput against area, accuracy against ADC bits and lanes."""
    good = [point for point in points if not point.failure and point.fits is not False]
    return {"throughput": front(good, lambda point: point.area, lambda point: -point.mac_per_s),
            "accuracy": front(good, lambda point: point.rms_error, lambda point: point.adc_bits,
                              lambda point: point.lanes)}


def _point(job: Job) -> Point:
    return Point(rows=job.rows, cols=job.cols, lanes=job.lanes, adc_bits=job.adc_bits)


def _failed(job: Job, error: Exception) -> Point:
    return replace(_point(job), failure=_sentence(error))


def _sentence(error: Exception) -> str:
    """In one line; what is no error of the user's is named by its kind."""
    text = " ".join(str(error).split())
    return text if isinstance(error, ValueError | RuntimeError) and text else f"{type(error).__name__}: {text}"
