"""What a sweep says of a cell: limits of modules, and a break only of a distribution that no test tells of."""

from __future__ import annotations

import pytest

from stackcompat.evidence.greens import GreenRelease
from stackcompat.evidence.results import TestResult
from stackcompat.verdict.greens import Greens
from stackcompat.verdict.outcomes import limit_in_words
from stackcompat.verdict.verdict import CellVerdict, judge
from support.made_up import COMPONENTS, make_cell, passed, planned, run_of
from support.swept import lost_module, module_test, swept, whole_sweep

VERSIONS = {"alpha": "1.3.0"}
CELL = planned(make_cell(VERSIONS), VERSIONS)
IMPORT = passed("test_import.py::test_import[alpha]", "alpha", level="import")
GREEN = Greens([GreenRelease(module_test("alpha.a"), "alpha", "1.2.0")])


def judged(*runs: tuple[TestResult, ...], greens: Greens | None = GREEN) -> CellVerdict:
    return judge(
        CELL, tuple(run_of(CELL, *tests, attempt=n) for n, tests in enumerate(runs)), COMPONENTS, greens=greens
    )


def test_modules_are_counted_apart_and_deepen_nothing() -> None:
    plain = judged((IMPORT,))
    verdict = judged((IMPORT, whole_sweep("alpha.a", "alpha.b")))
    assert (verdict.passed, verdict.modules) == (1, 2)
    assert (verdict.sentence, verdict.level, verdict.components) == (plain.sentence, plain.level, plain.components)
    assert [status.result.test for status in verdict.statuses] == [IMPORT.test]


def test_a_sweep_alone_tries_nothing() -> None:
    verdict = judged((whole_sweep("alpha.a"),))
    assert (verdict.verdict, verdict.level) == ("untested", "install")


def test_modules_that_fail_twice_are_a_limit_of_them() -> None:
    lost = lost_module("alpha.a", "alpha.b", "alpha.c")
    again = lost_module("alpha.a")
    verdict = judged((IMPORT, whole_sweep("alpha.d", lost=(lost,)), lost), (again,))
    assert (verdict.verdict, verdict.modules, verdict.not_judged) == ("works", 1, {})
    (limit,) = verdict.broken_features
    assert limit_in_words(limit) == (
        "alpha.a and 2 more modules of alpha cannot be imported: ImportError: no boxes [alpha]"
    )
    assert verdict.sentence == "alpha was imported, nothing else of it was tried, all but 3 modules of alpha"


def test_one_module_is_named() -> None:
    verdict = judged((IMPORT, lost_module("alpha.a")), (lost_module("alpha.a"),))
    assert limit_in_words(verdict.broken_features[0]) == "alpha.a cannot be imported: ImportError: no boxes [alpha]"
    assert verdict.sentence.endswith(", all but the module alpha.a")


def numbers(loaded: list[str], failed: list[str]) -> CellVerdict:
    """The verdict on a cell of a distribution that is no component, of whose public modules some load and some fail."""
    cell = planned(make_cell(VERSIONS).model_copy(update={"requirements": ("alpha==1.3.0", "numbers")}), VERSIONS)
    assert cell.resolution.lock is not None
    version = cell.resolution.lock.versions()["numbers"]
    lost = lost_module(*failed, distribution="numbers")
    tests = (
        IMPORT,
        passed("test_import.py::test_import[numbers]", "numbers", level="import"),
        whole_sweep(*loaded, distribution="numbers", lost=(lost,)),
        lost,
    )
    greens = Greens([GreenRelease(module_test("numbers.a"), "numbers", version)])
    return judge(cell, tuple(run_of(cell, *tests, attempt=n) for n in range(2)), COMPONENTS, greens=greens)


def test_a_distribution_of_which_most_modules_fail_is_broken() -> None:
    """dynamax 0.1.5 beside jax 0.6.0 was a tick: its main module, which is all but empty, could be imported."""
    verdict = numbers(["numbers.x"], ["numbers.a", "numbers.b", "numbers.c"])
    assert (verdict.verdict, verdict.level, verdict.broken_features) == ("broken", "import", ())
    assert verdict.sentence == (
        "test_sweep.py::test_module[numbers.a]: ImportError: no boxes [alpha]"
        " (3 of 4 public modules of numbers cannot be imported)"
    )
    assert [result.test for result in verdict.failures] == [module_test("numbers.a")]


def test_a_distribution_of_which_as_many_modules_load_is_not() -> None:
    verdict = numbers(["numbers.x"], ["numbers.a", "numbers.b"])
    assert (verdict.verdict, len(verdict.broken_features)) == ("works", 1)


def test_a_module_that_never_could_be_imported_is_not_spoken_of() -> None:
    lost = lost_module("alpha.never")
    verdict = judged((IMPORT, lost), (lost,))
    assert (verdict.broken_features, verdict.not_judged) == ((), {})
    assert verdict.sentence == judged((IMPORT,)).sentence


@pytest.mark.parametrize("outcome", ["failed", "passed", "timeout", "blocked"])
def test_a_sweep_makes_no_cell_red_or_unknown(outcome: str) -> None:
    second = swept("alpha.a", outcome=outcome, feature="alpha.a")
    verdict = judged((IMPORT, lost_module("alpha.a")), (second,))
    assert verdict.verdict == "works"
