# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from pathlib import Path

import pytest
from amaranth.hdl import Assert, Assume, Cover, Module, Signal
from amaranth.lib.wiring import Component, In

from sim.formal import BMC, INDUCTION, PDR, FormalError, Job, convert, run, run_all


class Counter(Component):
    """Counts to a limit and starts again; claims that it stays below a bound."""

    enable: In(1)

    def __init__(self, limit: int = 5, bound: int = 6, seen: int = 4):
        self.limit, self.bound, self.seen = limit, bound, seen
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        count, other = Signal(4), Signal(4)
        with m.If(self.enable):
            m.d.sync += count.eq(count + 1)
            with m.If(count == self.limit):
                m.d.sync += count.eq(0)
        m.d.sync += other.eq(other - self.enable)
        m.d.comb += [
            Assume(self.enable | (count != 2), "never waits at two"),
            Assert(count < self.bound, "stays in bounds"),
            Cover(count == self.seen, "far enough"),
        ]
        return m


def job(engine: str = PDR, **options) -> Job:
    return Job(name=f"counter_{engine.replace(' ', '_')}", harness=lambda: Counter(**options), claim="It counts.",
               engine=engine, depth=8, cover=6)


@pytest.mark.parametrize("engine", [PDR, BMC, INDUCTION])
def test_what_holds_passes(engine, tmp_path):
    result = run(job(engine), tmp_path)
    assert result.reached == {"far enough": 4}
    assert result.frames == 8 if engine != PDR else result.frames > 0


@pytest.mark.parametrize("engine", [PDR, BMC, INDUCTION])
def test_a_broken_property_is_named_with_its_trace(engine, tmp_path):
    with pytest.raises(FormalError, match=r"does not hold: stays in bounds \(trace in ") as caught:
        run(job(engine, limit=6), tmp_path)
    path = str(caught.value).split("trace in ")[1].rstrip(")")
    assert "$enddefinitions" in Path(path).read_text()


@pytest.mark.parametrize(("bound", "holds"), [(7, False), (8, True)])
def test_a_bounded_search_looks_at_as_many_cycles_as_it_says(bound, holds, tmp_path):
    asked = job(BMC, limit=9, bound=bound)
    if holds:
        assert run(asked, tmp_path).frames == asked.depth
    else:
        with pytest.raises(FormalError, match="does not hold"):
            run(asked, tmp_path)


def test_what_induction_cannot_close_is_not_proved(tmp_path):
    with pytest.raises(FormalError, match="not proved, unknown: stays in bounds"):
        run(replace(job(INDUCTION, bound=7), depth=2), tmp_path)


def test_an_unreachable_cover_is_named(tmp_path):
    with pytest.raises(FormalError, match="not reached within 6 cycles: far enough"):
        run(job(PDR, seen=9), tmp_path)


def test_properties_are_known_by_name_and_kind():
    design = job().design
    assert (design.asserts, design.assumes, design.covers) == (
        ("stays in bounds",), ("never waits at two",), ("far enough",))


def test_jobs_run_side_by_side_and_report_in_order(tmp_path, monkeypatch):
    monkeypatch.setenv("CROSSTWIN_BUILD", str(tmp_path))
    told = []
    jobs = [job(BMC), replace(job(BMC, limit=6), name="other")]
    run_all(jobs, 2, lambda job, outcome: told.append(type(outcome).__name__))
    assert told == ["Result", "FormalError"]


class Claims(Component):
    """A design of nothing but properties."""

    zero: In(1)

    def __init__(self, *properties):
        self.properties = properties
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        m.d.comb += [make(self.zero == 0, *name) for make, *name in self.properties]
        return m


@pytest.mark.parametrize("properties", [
    [(Assert,)],
    [(Assert, "same"), (Cover, "same")],
    [(Assert, "a b"), (Cover, "a-b")],
])
def test_properties_must_have_names_of_their_own(properties):
    with pytest.raises(ValueError, match="must have a name of its own"):
        convert(Claims(*properties))


def test_a_job_must_have_covers():
    with pytest.raises(ValueError, match="Job bare must have asserts, and covers"):
        run(Job(name="bare", harness=lambda: Claims((Assert, "zero")), claim=""))
