"""A failure counts only where the same test was seen to pass with the same releases, or with earlier ones."""

from __future__ import annotations

import pytest

from stackcompat.core.vocabulary import Level
from stackcompat.evidence.greens import GreenRelease
from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.verdict.greens import Greens
from stackcompat.verdict.outcomes import classify
from stackcompat.verdict.verdict import CellVerdict, judge
from support.made_up import COMPONENTS, failed, make_cell, passed, planned, run_of

VERSIONS = {"alpha": "1.3.0", "beta": "2.4.1"}
CELL = planned(make_cell(VERSIONS), VERSIONS)
ROWS = COMPONENTS.components
IMPORT = passed("test_import.py::test_import[beta]", "beta", level="import")


def greens(*seen: tuple[str, str, str]) -> Greens:
    return Greens(GreenRelease(*each) for each in seen)


def runs(*tests: TestResult) -> tuple[Evidence, ...]:
    return run_of(CELL, *tests), run_of(CELL, *tests, attempt=1)


def verdict_on(*tests: TestResult, seen: Greens) -> CellVerdict:
    return judge(CELL, runs(*tests), COMPONENTS, greens=seen)


@pytest.mark.parametrize(
    ("seen", "version", "expected"),
    [
        ((), "2.4.1", False),
        (("2.4.1",), "2.4.1", True),
        (("2.4.1",), "2.4.1.0", True),
        (("2.3.0", "3.0"), "2.4.1", True),
        (("2.4.2",), "2.4.1", False),
        (("2.10.0",), "2.9.0", False),
        (("2.4.1",), "2.5.0.dev20261122", True),
        (("2.4.1",), "2.4.1rc1", False),
        (("not a version",), "2.4.1", False),
        (("2.4.1",), "not a version", False),
    ],
)
def test_the_same_release_or_an_earlier_one(seen: tuple[str, ...], version: str, expected: bool) -> None:
    table = greens(*(("a", "beta", each) for each in seen))
    assert table.earlier_or_same("a", "beta", version) is expected
    assert not table.earlier_or_same("another", "beta", version)
    assert not table.earlier_or_same("a", "alpha", version)


def test_the_versions_seen_green_are_known() -> None:
    table = greens(("a", "beta", "2.4.1"), ("a", "beta", "2.3.0"), ("a", "alpha", "1.0"), ("b", "beta", "1.0"))
    assert table.versions("a", "beta") == {"2.4.1", "2.3.0"}
    assert table.versions("c", "beta") == frozenset()


def test_a_failure_counts_where_the_test_passed_with_each_release_whatever_the_partners() -> None:
    seen = greens(("a", "alpha", "1.3.0"), ("a", "alpha", "1.1.0"), ("a", "beta", "2.4.1"))
    verdict = verdict_on(failed("a", "alpha", "beta"), seen=seen)
    assert (verdict.verdict, verdict.not_judged) == ("broken", {})


def test_a_failure_of_a_test_that_never_passed_with_a_release_decides_nothing() -> None:
    seen = greens(("a", "alpha", "1.3.0"), ("b", "alpha", "1.3.0"), ("b", "beta", "2.4.1"), ("c", "beta", "2.5.0"))
    tests = (IMPORT, failed("a", "alpha", "beta"), passed("b", "alpha", "beta"), failed("c", "alpha", "beta"))
    verdict = verdict_on(*tests, seen=seen)
    assert (verdict.verdict, verdict.level, verdict.failures) == ("works", "interop", ())
    assert verdict.sentence == "2 tests passed; not judged: 2 tests never passed with beta 2.4.1"
    assert verdict.not_judged == dict.fromkeys(("a", "c"), "our test never passed with beta 2.4.1")
    assert [status.state for status in verdict.statuses] == ["passed", "not-judged", "passed", "not-judged"]


def test_the_release_that_fewest_tests_passed_with_is_named() -> None:
    seen = greens(("b", "alpha", "1.3.0"), ("c", "alpha", "1.2.0"), ("c", "beta", "2.4.1"))
    verdict = verdict_on(failed("a", "alpha", "beta"), seen=seen)
    assert verdict.not_judged == {"a": "our test never passed with beta 2.4.1"}
    assert verdict.verdict == "untested"
    assert verdict.sentence.endswith("; not judged: 1 test never passed with beta 2.4.1")


def test_the_other_failures_of_the_cell_count() -> None:
    seen = greens(("b", "alpha", "1.3.0"), ("b", "beta", "2.4.1"), ("a", "alpha", "1.3.0"))
    verdict = verdict_on(failed("a", "alpha", "beta"), failed("b", "alpha", "beta"), seen=seen)
    assert (verdict.verdict, [test.test for test in verdict.failures]) == ("broken", ["b"])
    assert verdict.sentence.endswith("; not judged: 1 test never passed with beta 2.4.1")


@pytest.mark.parametrize("level", ["import", "exchange", "upstream"])
def test_tests_with_rules_of_their_own_need_no_green(level: Level) -> None:
    verdict = verdict_on(failed("a", "alpha", level=level), seen=greens())
    assert verdict.verdict == "broken"


def test_a_feature_that_does_not_work_is_told_whether_or_not_it_ever_did() -> None:
    limit = failed("a", "alpha").model_copy(update={"feature": "shards"})
    verdict = verdict_on(IMPORT, limit, seen=greens())
    assert [test.feature for test in verdict.broken_features] == ["shards"]


def test_a_test_that_fails_in_another_way_each_time_and_never_passed_decides_nothing() -> None:
    first, second = failed("a", "beta", type="KeyError"), failed("a", "beta", type="ValueError")
    evidence = (run_of(CELL, IMPORT, first), run_of(CELL, second, attempt=1))
    assert judge(CELL, evidence, COMPONENTS).verdict == "flaky"
    assert judge(CELL, evidence, COMPONENTS, greens=greens()).verdict == "works"
    wavering = (run_of(CELL, IMPORT, first), run_of(CELL, passed("a", "beta"), attempt=1))
    assert judge(CELL, wavering, COMPONENTS, greens=greens(("a", "beta", "2.4.1"))).verdict == "flaky"


def test_what_a_test_uses_and_is_not_installed_is_not_asked_for() -> None:
    assert verdict_on(failed("a", "alpha", "omega"), seen=greens(("a", "alpha", "1.0"))).verdict == "broken"


def test_without_the_table_every_failure_counts() -> None:
    (status,) = classify(runs(failed("a", "alpha")))
    assert (status.state, status.note) == ("confirmed", "")
    assert judge(CELL, runs(failed("a", "alpha")), COMPONENTS).verdict == "broken"


def test_a_test_that_does_what_the_documentation_of_each_release_shows_needs_no_green_with_it() -> None:
    rows = [row.model_copy(update={"documented_tests": ("a",)}) if row.name == "beta" else row for row in ROWS]
    components = COMPONENTS.model_copy(update={"components": tuple(rows)})
    seen = [GreenRelease("a", "alpha", "1.0")]
    assert verdict_on(failed("a", "alpha", "beta"), seen=Greens(seen)).not_judged
    assert verdict_on(failed("a", "alpha", "beta"), seen=Greens(seen, components)).verdict == "broken"
    assert verdict_on(failed("a", "alpha", "beta"), seen=Greens([], components)).not_judged == {
        "a": "our test never passed with alpha 1.3.0"
    }
