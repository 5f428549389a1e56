"""One artifact: the verdict by what was written, what was read, and what each side reads of its own."""

from __future__ import annotations

from typing import Any

import pytest

from stackcompat.evidence.results import Failure, TestResult
from stackcompat.verdict.artifacts import ArtifactVerdict, Baselines, judge_artifacts, written_artifacts
from stackcompat.verdict.outcomes import TestState, TestStatus
from support.made_up import failed, not_applicable, passed

WRITE, READ = "test_box.py::test_write", "test_box.py::test_read"


def status(state: TestState, test: str = READ, artifact: str = "box", note: str = "", **fields: Any) -> TestStatus:
    result: TestResult
    if state == "passed":
        result = passed(test, "alpha")
    elif state == "not-applicable":
        result = not_applicable(test, "alpha")
    else:
        result = failed(test, "alpha", message="no lid")
    return TestStatus(state, result.model_copy(update={"artifact": artifact, **fields}), note)


def written(state: TestState = "passed", artifact: str = "box") -> TestStatus:
    return status(state, WRITE, artifact)


def baselines(writer: tuple[TestStatus, ...] = (), reader: tuple[TestStatus, ...] = ()) -> Baselines:
    return Baselines(writer=writer, reader=reader)


def judge(*reads: TestStatus, known: Baselines | None = None) -> ArtifactVerdict:
    (verdict,) = judge_artifacts([written()], reads, known or baselines((status("passed"),)))
    return verdict


@pytest.mark.parametrize(
    ("states", "left"),
    [
        (("passed",), ("box",)),
        (("passed", "not-applicable"), ("box",)),
        (("not-applicable",), ()),
        (("passed", "flaky"), ()),
        (("passed", "infra"), ()),
        ((), ()),
    ],
)
def test_an_artifact_is_left_if_all_tests_that_apply_passed(
    states: tuple[TestState, ...], left: tuple[str, ...]
) -> None:
    assert written_artifacts(map(written, states)) == left


def test_each_artifact_is_left_or_not_for_itself() -> None:
    writes = (written(artifact="box"), written("confirmed", "bag"), written(artifact="net"))
    assert written_artifacts(writes) == ("box", "net")


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        ("confirmed", "untested"),
        ("flaky", "flaky"),
        ("unconfirmed", "infra-error"),
        ("infra", "infra-error"),
        ("blocked", "infra-error"),
        ("not-applicable", "not-applicable"),
    ],
)
def test_an_artifact_that_was_not_written_is_no_fault_of_the_reader(state: TestState, verdict: str) -> None:
    (found,) = judge_artifacts([written(state)], [status("confirmed")], baselines())
    assert (found.verdict, found.side) == (verdict, "writer")
    assert found.sentence.startswith("is not written there" if state == "not-applicable" else "could not be written")
    assert not found.failures


@pytest.mark.parametrize(
    ("state", "verdict", "side"),
    [
        ("passed", "works", ""),
        ("confirmed", "broken", ""),
        ("flaky", "flaky", "reader"),
        ("unconfirmed", "infra-error", "reader"),
        ("infra", "infra-error", "reader"),
        ("blocked", "infra-error", "reader"),
        ("not-applicable", "not-applicable", "reader"),
    ],
)
def test_what_was_written_is_judged_by_the_reader(state: TestState, verdict: str, side: str) -> None:
    found = judge(status(state))
    assert (found.verdict, found.side) == (verdict, side)


def test_an_artifact_that_no_test_reads_is_not_applicable() -> None:
    found = judge()
    assert (found.verdict, found.sentence) == ("not-applicable", "is not read there: no test is for what is installed")


@pytest.mark.parametrize(
    ("known", "verdict", "side"),
    [
        (baselines((status("passed"),)), "broken", ""),
        (baselines((), (status("passed"),)), "broken", ""),
        (baselines((status("not-applicable"),), (status("passed"),)), "broken", ""),
        (baselines(), "untested", ""),
        (baselines((status("not-applicable"),)), "untested", ""),
        (baselines((status("passed", "another test"),)), "untested", ""),
        (baselines((status("confirmed"),), (status("passed"),)), "untested", "writer"),
        (baselines((status("passed"),), (status("confirmed"),)), "untested", "reader"),
        (baselines((status("passed"),), (status("infra"),)), "untested", "reader"),
    ],
)
def test_a_failure_counts_only_with_a_baseline(known: Baselines, verdict: str, side: str) -> None:
    found = judge(status("confirmed"), known=known)
    assert (found.verdict, found.side) == (verdict, side), found.sentence


def test_other_values_are_a_change_and_no_break() -> None:
    failure = Failure(type="Changed", message="mask: other values", changed=True)
    assert judge(status("confirmed", failure=failure)).verdict == "changed"


def test_the_worst_test_decides_and_the_others_are_counted() -> None:
    known = baselines((status("passed", "a"), status("passed", "b"), status("passed", "c")))
    reads = (status("passed", "a"), status("flaky", "b", note="failed once"), status("confirmed", "c"))
    found = judge(*reads, status("not-applicable", "d"), known=known)
    assert (found.verdict, found.passed, found.not_applicable) == ("broken", 1, 1)
    assert [test.test for test in found.failures] == ["c"]
    assert found.sentence == "c: AssertionError: no lid [test]"


def test_tests_of_one_artifact_say_nothing_of_another() -> None:
    writes = [written(artifact="box"), written(artifact="bag")]
    reads = [status("passed", artifact="box"), status("flaky", "b", artifact="bag")]
    verdicts = judge_artifacts(writes, reads, baselines())
    assert [(found.artifact, found.verdict) for found in verdicts] == [("box", "works"), ("bag", "flaky")]
