"""What the evidence on a cell says of the two releases that it pins."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from stackcompat.evidence.results import TestResult
from stackcompat.frontier.answers import PairQuestion
from stackcompat.frontier.driver import answer_questions
from stackcompat.frontier.search import explore
from stackcompat.pipeline.runner import Runner
from stackcompat.resolve.lock import Resolution
from stackcompat.run.job import Job
from support.made_up import blocked, failed, not_applicable, passed, starved
from support.surveyed import IMPORTS, runner_of, survey_of


def with_delta(runner: Runner) -> None:
    """Every cell asks for delta, too: version 1, or 2 among the partners of today."""
    resolver: Any = runner.resolver
    plain = resolver.resolve

    def resolve(cell: Any, catalog: Any = None) -> Resolution:
        free = cell.exclude_newer is None
        wider = cell.model_copy(update={"requirements": (*cell.requirements, f"delta-checkpoint=={2 if free else 1}")})
        resolution: Resolution = plain(wider, catalog)
        return resolution

    resolver.resolve = resolve


@pytest.mark.parametrize(
    ("tests", "verdict"),
    [
        ((passed("fits", "alpha", "beta"),), "works"),
        ((passed("fits", "alpha", "beta", "delta-checkpoint"),), "works"),
        ((passed("fits", "alpha"), passed("nets", "beta")), "untested"),
        ((passed("fits", "alpha", "beta"), blocked("saves", "alpha", "beta", "delta-checkpoint")), "untested"),
        ((passed("starts", "alpha", "beta", level="run"),), "untested"),
    ],
)
def test_where_only_others_fail_the_tests_of_both_tell(
    tests: tuple[TestResult, ...], verdict: str, tmp_path: Path
) -> None:
    red = failed("saves[delta]", "alpha", "delta-checkpoint", packages=("delta-checkpoint",))
    runner, _ = runner_of(tmp_path, lambda *_: (*IMPORTS, *tests, red))
    with_delta(runner)
    (answer,) = answer_questions(survey_of(), [PairQuestion((0, 0), "interop")], runner)
    assert (answer.verdict, answer.level) == (verdict, "interop")
    assert answer.sentence.startswith("1 of their tests passed" if verdict == "works" else "hidden by a failure of")
    runner.store.close()


def test_a_failure_of_others_tells_nothing_and_may_be_asked_with_partners_of_today(tmp_path: Path) -> None:
    def rule(job: Job, before: int) -> Iterable[TestResult]:
        message = "module 'alpha' has no attribute 'thing'"
        return (
            *IMPORTS,
            failed(
                "import[delta]",
                "delta-checkpoint",
                level="import",
                type="AttributeError",
                message=message,
                packages=("delta-checkpoint",),
            ),
        )

    runner, executor = runner_of(tmp_path, rule)
    with_delta(runner)
    questions = [PairQuestion((0, 0), "import"), PairQuestion((0, 0), "import", again=True)]
    for question in questions:
        (answer,) = answer_questions(survey_of(), [question], runner)
        assert answer.verdict == "untested"
        assert answer.sentence.startswith("hidden by a failure of delta: ")
        assert answer.runs == 2
    assert len({job.lock.id for job in executor.asked}) == 2
    runner.store.close()


def test_a_run_without_a_test_of_both_is_no_pass(tmp_path: Path) -> None:
    runner, _ = runner_of(tmp_path, lambda *_: IMPORTS[:1])
    (answer,) = answer_questions(survey_of(), [PairQuestion((0, 0), "import")], runner)
    assert (answer.verdict, answer.sentence) == ("untested", "no test of beta applies")
    runner.store.close()


def test_faults_stay_faults(tmp_path: Path) -> None:
    runner, _ = runner_of(tmp_path, lambda *_: (*IMPORTS, starved("slow", "alpha", "beta")))
    (answer,) = answer_questions(survey_of(), [PairQuestion((0, 0), "interop")], runner)
    assert answer.verdict == "infra-error"
    runner.store.close()


@pytest.mark.parametrize("together", [True, False])
def test_a_failure_of_one_side_alone_is_no_failure_of_the_two(tmp_path: Path, together: bool) -> None:
    """What beta could not import is not there at all, or else is alpha's: the one is of beta, the other of both."""

    def rule(job: Job, before: int) -> Iterable[TestResult]:
        absent = "alpha.thing" if together else "zeta"
        return (
            IMPORTS[0],
            failed(
                "import[beta]",
                "beta",
                level="import",
                type="ModuleNotFoundError",
                message=f"No module named '{absent}'",
                packages=("beta",),
            ),
        )

    runner, _ = runner_of(tmp_path, rule)
    (answer,) = answer_questions(survey_of(), [PairQuestion((0, 0), "import")], runner)
    assert answer.verdict == "broken"
    assert (answer.alone, answer.doubt) == (("", "") if together else ("beta", "it points at beta and nobody else"))
    runner.store.close()


APART = not_applicable("fits", "alpha", "beta")


@pytest.mark.parametrize(
    ("tests", "verdict", "level"),
    [
        ((passed("fits", "alpha", "beta"),), "works", "interop"),
        # A test of one side with a third one says nothing of the two.
        ((passed("saves", "alpha", "delta-checkpoint"), APART), "works", "import"),
        ((passed("saves", "alpha", "delta-checkpoint"), passed("nets", "beta")), "works", "import"),
        ((APART,), "works", "import"),
        ((), "works", "import"),
        ((passed("starts", "alpha", "beta", level="run"), passed("nets", "beta")), "works", "run"),
        ((passed("starts", "alpha", "beta", level="run"), passed("fits", "alpha", "beta")), "works", "interop"),
        ((starved("fits", "alpha", "beta"),), "infra-error", None),
    ],
)
def test_a_pair_works_as_deep_as_a_test_of_both_passed(
    tests: tuple[TestResult, ...], verdict: str, level: str | None, tmp_path: Path
) -> None:
    runner, _ = runner_of(tmp_path, lambda *_: (*IMPORTS, *tests))
    (answer,) = answer_questions(survey_of(), [PairQuestion((0, 0), "interop")], runner)
    assert answer.verdict == verdict
    if level is not None:
        assert answer.level == level
    if level == "import":
        assert answer.sentence.startswith("works up to import: no test that uses both beta and alpha applies; ")
    runner.store.close()


def test_nothing_joint_and_no_import_of_one_side_is_untested(tmp_path: Path) -> None:
    runner, _ = runner_of(tmp_path, lambda *_: (IMPORTS[0], passed("saves", "alpha", "delta-checkpoint"), APART))
    (answer,) = answer_questions(survey_of(), [PairQuestion((0, 0), "interop")], runner)
    assert (answer.verdict, answer.sentence) == ("untested", "no test of beta applies")
    runner.store.close()


def test_a_test_of_a_leader_uses_the_component_that_moves_with_it(tmp_path: Path) -> None:
    survey = survey_of("alpha-native", "beta")
    assert survey.components["alpha-native"].moves_with == "alpha"
    runner, _ = runner_of(tmp_path, lambda *_: (*IMPORTS, passed("fits", "alpha", "beta")))
    (answer,) = answer_questions(survey, [PairQuestion((0, 0), "interop")], runner)
    assert (answer.verdict, answer.level) == ("works", "interop")
    runner.store.close()


@pytest.mark.parametrize("joint", [True, False])
def test_a_frontier_goes_no_deeper_than_the_tests_of_both(joint: bool, tmp_path: Path) -> None:
    test = passed("fits", "alpha", "beta") if joint else APART
    runner, _ = runner_of(tmp_path, lambda *_: (*IMPORTS, passed("saves", "alpha", "delta-checkpoint"), test))
    survey = survey_of("alpha", "beta")
    found = explore(survey.space, lambda asked: answer_questions(survey, asked, runner), levels=("import", "interop"))
    works = {(finding.verdict, finding.level) for finding in found.findings.values() if finding.verdict == "works"}
    assert works == {("works", "interop" if joint else "import")}
    runner.store.close()
