# SPDX-License-Identifier: Apache-2.0
"""`python -m tests.formal`: prove everything, or the jobs that are named; nonzero exit if anything fails."""
import argparse
import sys
import time

from rich.console import Console

from sim.formal import Job, Result, run_all
from tests.formal.jobs import JOBS
from tests.formal.report import PAGE, outcome, written


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.formal", description="Prove the properties of the hardware")
    parser.add_argument("jobs", nargs="*", metavar="JOB", help=f"of {', '.join(JOBS)} (default: all)")
    parser.add_argument("--workers", type=int, default=2, help="jobs side by side (default: 2)")
    parser.add_argument("--write", action="store_true", help=f"put the outcome into {PAGE.name}; the rest of it stays")
    options = parser.parse_args()
    unknown = [name for name in options.jobs if name not in JOBS]
    if unknown:
        parser.error(f"Job must be one of {', '.join(JOBS)}, not {unknown[0]}")

    console, results, start = Console(), [], time.monotonic()

    def report(job: Job, outcome_of: Result | Exception) -> None:
        if isinstance(outcome_of, Result):
            results.append(outcome_of)
            console.print(f"[green]pass[/] {job.name:24} {len(job.design.asserts):3} properties, "
                          f"{outcome(outcome_of):26} {job.engine:10} {outcome_of.seconds:6.1f} s",
                          highlight=False, soft_wrap=True)
        else:
            console.print(f"[red]FAIL[/] {outcome_of}", highlight=False, soft_wrap=True)

    chosen = [JOBS[name] for name in options.jobs] or list(JOBS.values())
    run_all(chosen, options.workers, report)
    n = sum(len(result.job.design.asserts) for result in results)
    console.print(f"{len(results)} of {len(chosen)} jobs pass, {n} properties, {time.monotonic() - start:.0f} s")
    if options.write:
        found = {result.job.name: result for result in results}
        ran = {job.name: (job, found.get(job.name)) for job in chosen}
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), JOBS, ran), encoding="utf-8")
    return int(len(results) < len(chosen))


if __name__ == "__main__":
    sys.exit(main())
