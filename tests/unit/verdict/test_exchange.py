"""Crossings planned and judged, over a made-up writer and reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from stackcompat.evidence.results import Evidence, Failure, TestResult
from stackcompat.evidence.runs import Crossing, ExchangePlan, PlannedCell
from stackcompat.resolve.lock import Resolution
from stackcompat.verdict.exchange import CrossingVerdict, judge_crossing, written
from support.made_up import failed, make_cell, passed, planned, run_of, starved, unresolved

OLD, NEW = {"alpha": "1.0.0"}, {"alpha": "1.3.0"}
WRITER, READER = planned(make_cell(OLD), OLD), planned(make_cell(NEW), NEW)
#: Keys of the evidence on reading: writer and reader, by first letters.
KEYS = {("o", "n"): "o-n", ("o", "o"): "o-o", ("n", "n"): "n-n"}
CELLS = {"o": WRITER, "n": READER}
PLAN = ExchangePlan(
    cells=(WRITER, READER),
    crossings=tuple(
        Crossing(writer=CELLS[w].cell.id, reader=CELLS[r].cell.id, key=key, square="s" if w != r else "")
        for (w, r), key in KEYS.items()
    ),
)
WRITE, READ = "test_box.py::test_write", "test_box.py::test_read"


def of(result: TestResult, artifact: str = "box") -> TestResult:
    return result.model_copy(update={"artifact": artifact, "level": "exchange"})


def red(test: str = READ, **more: Any) -> TestResult:
    return of(failed(test, "alpha", **more))


def green(test: str = READ) -> TestResult:
    return of(passed(test, "alpha"))


def absent(test: str = READ) -> TestResult:
    return TestResult(
        test=test, level="exchange", components=("alpha",), outcome="not-applicable", reason="too old", artifact="box"
    )


def changed() -> TestResult:
    failure = Failure(type="Changed", message="mask: other values", changed=True)
    return red().model_copy(update={"failure": failure})


def runs(cell: PlannedCell, *results: TestResult, outcome: str = "ran") -> tuple[Evidence, ...]:
    """One run of `cell` for each result; the same result twice is a confirmed one."""
    if outcome != "ran":
        return tuple(run_of(cell, attempt=n, outcome=outcome, detail="no compiler") for n in range(2))
    return tuple(run_of(cell, result, attempt=n) for n, result in enumerate(results))


def verdict(
    *reads: TestResult,
    writes: tuple[TestResult, ...] = (green(WRITE),),
    back: tuple[TestResult, ...] = (green(),),
    own: tuple[TestResult, ...] = (),
    evidence: Mapping[str, tuple[Evidence, ...]] | None = None,
) -> CrossingVerdict:
    known = {
        WRITER.key: runs(WRITER, *writes),
        "o-n": runs(READER, *reads),
        "o-o": runs(WRITER, *back),
        "n-n": runs(READER, *own),
    }
    return judge_crossing(PLAN.crossings[0], PLAN, known | dict(evidence or {}))


@pytest.mark.parametrize(
    ("found", "expected", "side"),
    [
        (lambda: verdict(green()), "works", ""),
        (lambda: verdict(red(), red()), "broken", ""),
        (lambda: verdict(changed(), changed()), "changed", ""),
        (lambda: verdict(red()), "infra-error", "reader"),
        (lambda: verdict(red(), green()), "flaky", "reader"),
        (lambda: verdict(of(starved(READ, "alpha"))), "infra-error", "reader"),
        (lambda: verdict(absent()), "untested", ""),
        # The baseline: a side that does not read back what it wrote itself says nothing about the crossing.
        (lambda: verdict(red(), red(), back=(red(), red())), "untested", "writer"),
        (lambda: verdict(red(), red(), own=(red(), red())), "untested", "reader"),
        (lambda: verdict(red(), red(), back=(red(), green())), "untested", "writer"),
        (lambda: verdict(red(), red(), back=()), "untested", ""),
        (lambda: verdict(changed(), changed(), back=(changed(), changed())), "untested", "writer"),
        # A reader's test that is not for the writer's releases has the reader's own artifact as its baseline.
        (lambda: verdict(red(), red(), back=(absent(),), own=(green(),)), "broken", ""),
        (lambda: verdict(red(), red(), back=(absent(),)), "untested", ""),
        # What the writer could not write is not the reader's fault, whatever the reader says.
        (lambda: verdict(red(), red(), writes=(red(WRITE), red(WRITE))), "untested", "writer"),
        (lambda: verdict(writes=(red(WRITE), red(WRITE))), "untested", "writer"),
        (lambda: verdict(writes=(red(WRITE), green(WRITE))), "flaky", "writer"),
        (lambda: verdict(writes=(absent(WRITE),)), "untested", ""),
    ],
)
def test_a_crossing_is_judged_by_both_sides(found: Any, expected: str, side: str) -> None:
    crossing = found()
    assert (crossing.verdict, crossing.side, crossing.level) == (expected, side, "exchange"), crossing.sentence


def test_a_side_that_never_ran_says_so() -> None:
    refused = verdict(evidence={WRITER.key: runs(WRITER, outcome="uninstallable")})
    assert (refused.verdict, refused.side, refused.level) == ("uninstallable", "writer", "install")
    refused = verdict(evidence={"o-n": runs(READER, outcome="uninstallable")})
    assert (refused.verdict, refused.side) == ("uninstallable", "reader")
    unread = verdict(evidence={"o-n": ()})
    assert (unread.verdict, unread.side) == ("untested", "reader")


@pytest.mark.parametrize("side", ["writer", "reader"])
def test_a_side_without_a_lock_is_unresolvable(side: str) -> None:
    stuck = unresolved(make_cell({"alpha": "9"}), "the index has no alpha 9")
    ends = (stuck, READER) if side == "writer" else (WRITER, stuck)
    plan = ExchangePlan(cells=ends, crossings=(Crossing(writer=ends[0].cell.id, reader=ends[1].cell.id),))
    found = judge_crossing(plan.crossings[0], plan, {WRITER.key: runs(WRITER, green(WRITE))})
    assert (found.verdict, found.level, found.side) == ("unresolvable", "resolve", side)
    assert found.conflict is not None
    # Where one side has no lock, nothing is run.
    assert judge_crossing(plan.crossings[0], plan, {}) == found.model_copy(update={"seen": None, "evidence": ()})


def test_a_side_without_its_interpreter_is_infrastructure() -> None:
    missing = Resolution(outcome="interpreter-missing", detail="there is no Python 3.99 here")
    reader = PlannedCell(cell=make_cell(NEW, python="3.99"), resolution=missing)
    plan = ExchangePlan(cells=(WRITER, reader), crossings=(Crossing(writer=WRITER.cell.id, reader=reader.cell.id),))
    found = judge_crossing(plan.crossings[0], plan, {})
    assert (found.verdict, found.level, found.side) == ("infra-error", "resolve", "reader")
    assert found.sentence == missing.detail


def test_the_worst_artifact_is_named_and_the_others_are_counted() -> None:
    both = (of(passed("write a", "alpha"), "a"), of(passed("write b", "alpha"), "b"))
    reads = (of(passed("read a", "alpha"), "a"), of(failed("read b", "alpha", message="no such leaf"), "b"))
    back = (of(passed("read a", "alpha"), "a"), of(passed("read b", "alpha"), "b"))
    found = judge_crossing(
        PLAN.crossings[0],
        PLAN,
        {
            WRITER.key: (run_of(WRITER, *both),),
            "o-n": (run_of(READER, *reads), run_of(READER, reads[1], attempt=1)),
            "o-o": (run_of(WRITER.model_copy(update={"key": "o-o"}), *back),),
        },
    )
    assert [(a.artifact, a.verdict) for a in found.artifacts] == [("a", "works"), ("b", "broken")]
    assert "of 2 artifacts, 1 work, 1 broken; b read b: AssertionError: no such leaf" in found.sentence
    assert [test.test for test in found.failures] == ["read b"]
    assert len(found.evidence) == 4


def test_works_with_what_could_not_be_tried_says_so() -> None:
    both = (of(passed("write a", "alpha"), "a"), of(failed("write b", "alpha"), "b"))
    known = {
        WRITER.key: (run_of(WRITER, *both), run_of(WRITER, both[1], attempt=1)),
        "o-n": (run_of(READER, of(passed("read a", "alpha"), "a")),),
    }
    found = judge_crossing(PLAN.crossings[0], PLAN, known)
    assert found.verdict == "works"
    assert "1 work, 1 untested; b could not be written" in found.sentence


def test_written_is_what_passed_and_never_failed() -> None:
    assert written(runs(WRITER, green(WRITE))) == ("box",)
    assert written(runs(WRITER, red(WRITE), green(WRITE))) == ()
    assert written(runs(WRITER, red(WRITE), red(WRITE))) == ()
    assert written(()) == ()
