# SPDX-License-Identifier: Apache-2.0
"""Run a cocotb bench on a design, and take nothing but a full pass for one.

cocotb's own runner sets up the simulator's environment; the build is ours (``sim.build.build_bench``),
because cocotb's makes every signal public and needs perl and make.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from subprocess import TimeoutExpired, run
from typing import TextIO
from xml.etree import ElementTree

from cocotb_tools.runner import Verilator
from filelock import FileLock

from sim.build import build_bench
from sim.cache import build_root, key_of


class BenchError(RuntimeError):
    """A bench failed, crashed, ran too long or held no tests."""


class _Runner(Verilator):
    """cocotb's runner for a simulator that is already built, with an end to its patience."""

    def __init__(self, timeout: float):
        super().__init__()
        self._timeout = timeout

    def _execute_cmds(self, cmds, cwd, stdout: TextIO | None = None) -> None:
        for command in cmds:
            # Not judged by its exit status: results.xml says more, and is missing after a crash.
            run(
                command,
                cwd=cwd,
                env=self.env,
                stdout=stdout,
                stderr=stdout,
                timeout=self._timeout,
                check=False,
            )


def run_bench(
    verilog: str,
    top: str,
    test_module: str,
    *,
    env: Mapping[str, str] | None = None,
    seed: int = 0,
    opt: str = "-O1",
    waivers: tuple[str, ...] = (),
    waves: bool | None = None,
    timeout: float = 300.0,
) -> list[str]:
    """Run all tests of ``test_module`` in one simulator process and return their names.

    Parameters
    ----------
    verilog, top, opt, waivers : as for ``sim.build.build_bench``.
    test_module : importable name of the bench; more than one are separated by commas.
    env : environment variables for the bench, its only parameters.
    seed : cocotb's random seed.
    waves : write ``dump.vcd`` into the run's folder; unless given, when WAVES is set in the environment.
    timeout : seconds after which the simulator is ended.

    Raises
    ------
    BenchError : a test failed, or there were none, or the simulator did not finish; names and the log's path.
    """
    if waves is None:
        waves = os.environ.get("WAVES", "0") not in ("", "0")
    simulator = build_bench(verilog, top, opt=opt, waivers=waivers, waves=waves)
    extra = dict(env or {})
    key = key_of(simulator.parent.name, test_module, extra, seed)[:8]
    folder = build_root() / "bench" / f"{test_module}-{key}"
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "sim.log"
    results = folder / "results.xml"
    with FileLock(folder / "lock"):
        results.unlink(missing_ok=True)
        try:
            _Runner(timeout).test(
                test_module=test_module,
                hdl_toplevel=top,
                hdl_toplevel_lang="verilog",
                build_dir=simulator.parent,
                test_dir=folder,
                results_xml=str(results),
                seed=seed,
                extra_env=extra,
                waves=waves,
                log_file=log,
            )
        except SystemExit:
            pass  # cocotb's runner ends the process when a test failed; the names are in results.xml
        except TimeoutExpired:
            must = f"Bench {test_module} must end within {timeout:g} s"
            raise BenchError(f"{must}, but did not; see {log}") from None
        return _checked(test_module, results, log)


def _checked(test_module: str, results: Path, log: Path) -> list[str]:
    """Names of the tests that passed, when all did."""
    if not results.is_file():
        raise BenchError(f"Bench {test_module} must run to its end, but left no results; see {log}")
    cases = ElementTree.parse(results).getroot().findall(".//testcase")
    bad = [case.get("name", "?") for case in cases if {child.tag for child in case} & {"failure", "error"}]
    done = [case.get("name", "?") for case in cases if case.find("skipped") is None]
    if bad:
        failed = f"{len(bad)} of {len(cases)} tests failed: {', '.join(bad)}"
        raise BenchError(f"Bench {test_module} must pass, but {failed}; see {log}")
    if not done:
        raise BenchError(f"Bench {test_module} must run at least one test, but ran none; see {log}")
    return done
