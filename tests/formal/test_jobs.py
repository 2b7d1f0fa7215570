# SPDX-License-Identifier: Apache-2.0
"""Quick proofs, and that docs/verification.md lists what the jobs claim."""
import pytest

from sim.formal import run
from tests.formal.jobs import JOBS
from tests.formal.report import PAGE, claims, section


@pytest.mark.parametrize("name", [name for name, job in JOBS.items() if job.quick])
def test_quick_proofs(name, tmp_path):
    assert set(run(JOBS[name], tmp_path).reached) == set(JOBS[name].design.covers)


def test_the_page_lists_what_the_jobs_claim():
    found = claims(PAGE.read_text(encoding="utf-8"))
    assert list(found) == list(JOBS), "run `python -m tests.formal --write`"
    for name, job in JOBS.items():
        assert found[name] == section(job, {}).strip(), "run `python -m tests.formal --write`"
