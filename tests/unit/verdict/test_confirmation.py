"""A limit is confirmed by the run of another cell with the same versions of what is on the traceback."""

from __future__ import annotations

from typing import Any

import pytest

from stackcompat.evidence.results import CompilerCacheUse, Evidence, Reused, TestResult
from stackcompat.verdict.confirmation import confirmation, limits_seen, unconfirmed_limits
from stackcompat.verdict.outcomes import classify
from stackcompat.verdict.retry import needs_run
from stackcompat.verdict.verdict import judge
from support.made_up import COMPONENTS, failed, limited, make_cell, passed, planned, run_of

VERSIONS = {"alpha": "1.3.0", "beta": "2.4.1", "delta": "5.3.0", "gamma": "1.0.2"}
LIMIT = limited("save", "beta", "delta-checkpoint")
GREEN = passed("train", "alpha", "beta")


def run(*tests: TestResult, python: str = "3.12", versions: dict[str, str] | None = None, **more: Any) -> Evidence:
    versions = VERSIONS | (versions or {})
    fields: dict[str, Any] = {
        name: more.pop(name) for name in ("hardware", "variables", "platform", "reads") if name in more
    }
    return run_of(planned(make_cell(versions, python), versions), *tests, **more).model_copy(update=fields)


OWN = run(GREEN, LIMIT)
ELSEWHERE = {"gamma": "1.0.1"}


def test_the_same_failure_with_the_same_versions_on_the_traceback_confirms() -> None:
    other = run(LIMIT, versions=ELSEWHERE)
    assert other.key != OWN.key
    found = confirmation((OWN,), limits_seen(other))
    assert found is not None
    assert found.is_confirmation
    assert not OWN.is_confirmation
    assert (found.key, found.attempt, found.observed, found.seconds) == (OWN.key, 1, None, 0)
    assert [(result.test, result.confirmed_by) for result in found.tests] == [("save", other.id)]
    assert found.log == (
        f"no environment was made: save failed in the same way in run {other.id}, "
        "also with beta 2.4.1, delta-checkpoint 5.3.0"
    )
    runs = (OWN, found)
    assert {status.result.test: status.state for status in classify(runs)} == {
        "train": "passed",
        "save": "feature-broken",
    }
    (note,) = (status.note for status in classify(runs) if status.state == "feature-broken")
    assert note == f"the second time in another cell, in run {other.id}"
    assert not needs_run(runs)
    assert not unconfirmed_limits(runs)
    # The cell has the verdict that a second environment of its own would give it.
    cell = planned(make_cell(VERSIONS), VERSIONS)
    again = run(LIMIT, attempt=1)
    verdict, usual = (judge(cell, evidence, COMPONENTS) for evidence in (runs, (OWN, again)))
    assert (verdict.verdict, verdict.level, verdict.sentence) == (usual.verdict, usual.level, usual.sentence)
    assert verdict.broken_features


def test_another_python_confirms_too() -> None:
    assert confirmation((OWN,), limits_seen(run(LIMIT, python="3.13"))) is not None


def test_a_compiler_cache_that_fails_does_not_confirm_itself() -> None:
    used = {"compiler_caches": (CompilerCacheUse(distribution="alpha", found=3),)}
    own, other = OWN.model_copy(update=used), run(LIMIT, versions=ELSEWHERE)
    assert confirmation((own,), limits_seen(other.model_copy(update=used))) is None
    found = confirmation((own,), limits_seen(other))
    assert found is not None
    assert found.compiler_caches == ()


def test_a_result_that_was_reused_is_no_second_sighting() -> None:
    source = Reused(evidence="e", cell="c", label="", lock_id="l", seen=OWN.started, runs=2)
    assert not list(limits_seen(run(LIMIT.model_copy(update={"reused": source}), versions=ELSEWHERE)))


@pytest.mark.parametrize(
    "other",
    [
        run(LIMIT, versions={"delta": "5.2.0"}),
        run(LIMIT, versions={"beta": "2.4.0"}),
        run(limited("save", "beta", packages=("alpha", "beta", "delta-checkpoint")), versions={"alpha": "1.2.9"}),
        run(limited("load", "beta", "delta-checkpoint"), versions=ELSEWHERE),
        run(limited("save", message="another thing"), versions=ELSEWHERE),
        run(limited("save", type="ValueError"), versions=ELSEWHERE),
        run(limited("save", line="test_delta.py:13"), versions=ELSEWHERE),
        run(limited("save", line=""), versions=ELSEWHERE),
        run(passed("save", "beta", "delta-checkpoint"), versions=ELSEWHERE),
        run(LIMIT, versions=ELSEWHERE, hardware="TPU v5e"),
        run(LIMIT, versions=ELSEWHERE, platform="macos-arm64"),
        run(LIMIT, versions=ELSEWHERE, variables={"XLA_FLAGS": "--odd"}),
        run(LIMIT, versions=ELSEWHERE, reads="key of a writer"),
        run(LIMIT, versions=ELSEWHERE, outcome="invalid"),
        # The same cell confirms itself only by an environment of its own.
        run(LIMIT),
    ],
)
def test_anything_else_does_not_confirm(other: Evidence) -> None:
    assert confirmation((OWN,), limits_seen(other)) is None


def test_a_break_is_never_confirmed_elsewhere() -> None:
    red = failed("save", "beta", packages=("beta",))
    assert confirmation((run(red),), limits_seen(run(red, versions=ELSEWHERE))) is None


def test_a_limit_without_a_distribution_on_its_traceback_is_not_confirmed_elsewhere() -> None:
    bare = limited("save", packages=())
    assert confirmation((run(bare),), limits_seen(run(bare, versions=ELSEWHERE))) is None


def test_a_confirmation_confirms_nothing_itself() -> None:
    found = confirmation((OWN,), limits_seen(run(LIMIT, versions=ELSEWHERE)))
    assert found is not None
    assert not list(limits_seen(found))


def test_what_passed_or_was_confirmed_here_needs_nothing_from_elsewhere() -> None:
    others = list(limits_seen(run(LIMIT, versions=ELSEWHERE)))
    for second in (passed("save", "beta", "delta-checkpoint"), LIMIT):
        assert confirmation((OWN, run(second, attempt=1)), others) is None


def test_a_test_that_passes_later_is_flaky_as_always() -> None:
    found = confirmation((OWN,), limits_seen(run(LIMIT, versions=ELSEWHERE)))
    assert found is not None
    later = run(passed("save", "beta", "delta-checkpoint"), attempt=2)
    assert [status.state for status in classify((OWN, found, later)) if status.result.test == "save"] == ["flaky"]
