"""Questions answered from cells: which cells are made, and what is run again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path

from stackcompat.evidence.results import TestResult
from stackcompat.frontier.answers import PairQuestion
from stackcompat.frontier.driver import answer_questions, cell_of
from stackcompat.resolve.conflict import Conflict
from stackcompat.resolve.lock import Resolution
from stackcompat.run.job import Job
from support.made_up import failed, passed
from support.surveyed import IMPORTS, WORLD, installed_by, runner_of, survey_of
from support.timed_world import TimedTable
from support.world import day


def test_partners_are_of_the_day_of_the_later_release() -> None:
    cell = cell_of(survey_of(), (1, 1))
    assert cell.requirements == ("alpha==1.1", "beta==2.0")
    assert cell.exclude_newer == dt.datetime(2025, 4, 10, 23, 59, 59, tzinfo=dt.UTC)
    assert cell_of(survey_of(), (1, 1), today=True).exclude_newer is None


def test_what_the_documentation_installs_beside_a_side_is_there() -> None:
    asked = installed_by("beta[extra]", "plain>=1")
    assert cell_of(asked, (1, 1)).requirements == ("alpha==1.1", "beta[extra]==2.0", "plain>=1")
    assert asked.space.forbidden == survey_of().space.forbidden


def test_what_moves_with_a_release_is_pinned_alike_where_nobody_else_brings_it() -> None:
    cell = cell_of(survey_of(), (0, 0))
    assert cell.requirements == ("alpha-native==1.0", "alpha==1.0", "beta==1.0")
    assert cell_of(survey_of(since=day("2025-01-01")), (0, 1)).requirements == ("alpha==1.1", "beta==1.0")
    late = cell_of(survey_of("plain"), (0, 0))
    assert late.exclude_newer == dt.datetime(2025, 1, 12, 23, 59, 59, tzinfo=dt.UTC)


def test_red_is_confirmed_and_what_is_known_is_not_run_again(tmp_path: Path) -> None:
    def rule(job: Job, before: int) -> Iterable[TestResult]:
        message = "cannot import name 'thing' from 'alpha.core'"
        red = failed("import[beta]", "beta", level="import", type="ImportError", message=message, packages=("beta",))
        return IMPORTS if job.lock.versions()["alpha"] == "1.0" else (IMPORTS[0], red)

    runner, executor = runner_of(tmp_path, rule)
    questions = [PairQuestion((0, 0), "import"), PairQuestion((0, 1), "import")]
    green, red = answer_questions(survey_of(), questions, runner)
    assert (green.verdict, green.level, green.runs, green.reused) == ("works", "import", 1, 0)
    assert (red.verdict, red.level, red.runs, red.reused) == ("broken", "import", 2, 0)
    assert "cannot import name 'thing'" in red.sentence
    assert len(red.evidence) == 2
    again = answer_questions(survey_of(), questions, runner)
    assert [(answer.runs, answer.reused) for answer in again] == [(0, 1), (0, 2)]
    assert len(executor.asked) == 3
    assert all(job.level == "import" for job in executor.asked)
    runner.store.close()


def test_what_does_not_resolve_takes_no_run(tmp_path: Path) -> None:
    conflict = Conflict(kind="bounds", sentence="delta 1 depends on alpha>2")
    others = {"beta 1.0, alpha 1.0": Resolution(outcome="conflict", conflict=conflict)}
    runner, executor = runner_of(tmp_path, lambda *_: IMPORTS, others)
    (answer,) = answer_questions(survey_of(), [PairQuestion((0, 0), "import")], runner)
    assert (answer.verdict, answer.runs) == ("unresolvable", 0)
    assert answer.sentence == "delta 1 depends on alpha>2"
    assert not executor.asked
    runner.store.close()


def test_a_failure_of_a_test_that_never_passed_with_a_side_does_not_break_the_pair(tmp_path: Path) -> None:
    def rule(job: Job, before: int) -> Iterable[TestResult]:
        versions = job.lock.versions()
        written_for_beta_2 = versions["beta"] == "2.0"
        dropped = versions["alpha"] == "1.4" and versions["beta"] == "1.0"
        joint = failed if dropped else passed
        keys = passed if written_for_beta_2 else failed
        return (*IMPORTS, joint("t.py::joint", "alpha", "beta"), keys("t.py::keys", "alpha", "beta"))

    table = TimedTable(tmp_path, rule, WORLD)
    survey = survey_of(since=day("2025-01-01"))
    pairs = [(0, column) for column, version in enumerate(survey.space.second.versions) if version in ("1.0", "1.4")]
    questions = [PairQuestion(pair, "interop") for pair in pairs]
    works, broken = answer_questions(survey, questions, table.runner)
    assert (works.verdict, works.level) == ("works", "interop")
    assert works.sentence.endswith("; not judged: 1 test never passed with beta 1.0")
    assert (broken.verdict, broken.sentence.partition(":")[0]) == ("broken", "t.py")
    assert broken.signature
    known = len(table.executor.asked)
    assert answer_questions(survey, questions, table.runner)[1].verdict == "broken"
    assert len(table.executor.asked) == known
