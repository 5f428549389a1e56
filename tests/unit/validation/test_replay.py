"""Cases of history: the file, and how a decision is compared with what is known."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from stackcompat.core.errors import UsageError
from stackcompat.evidence.results import TestResult
from stackcompat.gate.policy import GatePolicy
from stackcompat.run.job import Job
from stackcompat.validation.replay import ReplayCase, compare_case, load_replay, replay
from support.fakes import Catalogue, make_runner
from support.made_up import failed, passed
from support.paired import GREEN, judge, pair

FILE = """
title = "R"
policy = "p.toml"

[[cases]]
candidates = ["alpha==1.3.0"]
exclude-newer = 2026-08-16
decision = "PASS"
"""


def test_the_projects_own_cases_are_valid() -> None:
    told = load_replay(Path(__file__).parents[3] / "matrices" / "replay.toml")
    assert {case.decision for case in told.cases} == {"PASS", "BLOCK"}
    assert all(case.names for case in told.cases if case.decision == "BLOCK")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("2026-08-16", "2999-08-16", "cases[0].exclude-newer: 2999-08-16 lies in the future"),
        ('"PASS"', '"GREEN"', "cases[0].decision: must be one of 'PASS', 'BLOCK', 'NEEDS-REVIEW' or 'CANNOT-TELL'"),
        ('["alpha==1.3.0"]', "[]", "cases[0].candidates: is empty or too short"),
        ('["alpha==1.3.0"]', '["alpha==1.3.0"]\npythons = ["3"]', 'cases[0].pythons[0]: "3" is not a Python such as'),
        ('policy = "p.toml"', "", "policy: is missing; it must be given"),
    ],
)
def test_a_mistake_in_the_file_is_one_sentence(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    path = tmp_path / "replay.toml"
    path.write_text(FILE.replace(old, new))
    with pytest.raises(UsageError) as caught:
        load_replay(path)
    assert sentence in str(caught.value)


def test_a_decision_must_be_the_known_one_and_name_who_is_to_be_named() -> None:
    case = ReplayCase(candidates=("alpha==1.3.0",), exclude_newer=dt.date(2026, 8, 16), decision="PASS")
    report = judge(pair(GREEN))
    assert compare_case(case, report) == ""
    assert compare_case(case.model_copy(update={"decision": "BLOCK"}), report).startswith("PASS, known to be BLOCK: ")
    wanted = case.model_copy(update={"names": ("alpha", "gamma 7")})
    assert compare_case(wanted, report).startswith("does not name gamma 7: ")


def test_history_is_judged_case_by_case(tmp_path: Path) -> None:
    def broken(job: Job, before: int) -> tuple[TestResult, ...]:
        bad = job.lock.versions()["alpha"] == "1.2"
        return ((failed if bad else passed)("t.py::x", "alpha", "beta"),)

    world = Catalogue(
        {
            "alpha": {"1.0": "2026-01-01", "1.1": "2026-02-01", "1.2": "2026-06-01"},
            "beta": {"2.0": {"uploaded": "2026-01-01", "requires": ["alpha"]}},
        }
    )
    runner, _, _ = make_runner(tmp_path, broken, {"alpha": "1.0", "beta": "2.0"}, catalog=world)
    policy = GatePolicy.model_validate(
        {
            "title": "P",
            "components": ["alpha", "beta"],
            "pythons": ["3.12"],
            "rules": [{"rule": "newest", "weight": "required"}],
        }
    )
    cases = [
        ReplayCase(candidates=("alpha==1.1",), exclude_newer=dt.date(2026, 1, 31), decision="PASS"),
        ReplayCase(
            candidates=("alpha==1.2",), exclude_newer=dt.date(2026, 5, 31), decision="BLOCK", names=("alpha 1.2",)
        ),
        ReplayCase(candidates=("alpha==1.2",), exclude_newer=dt.date(2026, 5, 31), decision="PASS", pythons=("3.13",)),
    ]
    found = replay(cases, policy, runner)
    runner.store.close()
    assert [one.report.decision for one in found] == ["PASS", "BLOCK", "BLOCK"]
    assert [bool(one.wrong) for one in found] == [False, False, True]
    assert [one.report.requirements[0].python for one in found] == ["3.12", "3.12", "3.13"]
