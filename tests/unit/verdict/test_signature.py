"""When two failures are the same: the four rules, signatures and ids."""

from __future__ import annotations

from typing import Any

import pytest

from stackcompat.evidence.results import Failure, TestResult
from stackcompat.verdict.signature import (
    failed_alike,
    failure_kind,
    failure_of,
    has_particulars,
    incompatibility_id,
    parse_signature,
    same_break,
    same_failure,
    similar_failure,
)
from support.made_up import failed, starved


def failure(message: str, type: str = "E", package: str = "beta", caller: str = "") -> Failure:  # noqa: A002
    return Failure(type=type, message=message, package=package, packages=(caller, package) if caller else ())


@pytest.mark.parametrize(
    ("other", "alike"),
    [
        ({"message": "the loss is 0.8"}, True),
        ({"message": "0.73 is the loss"}, True),  # the members of a set come in any order
        ({"message": "the queue was empty"}, False),
        ({"type": "TypeError"}, False),
        ({"packages": ("alpha", "beta")}, False),
        ({"where": "alpha.core:go"}, False),
        ({"outcome": "crashed"}, False),
    ],
)
def test_runs_failed_alike_at_one_place(other: dict[str, Any], alike: bool) -> None:
    first, second = failed("t", message="the loss is 0.73"), failed("t", **{"message": "the loss is 0.73"} | other)
    assert failed_alike(first, second) is alike


@pytest.mark.parametrize(("line", "alike"), [("t.py:7", True), ("t.py:8", False)])
def test_the_line_of_a_test_goes_before_its_message(line: str, alike: bool) -> None:
    first, second = at_line("t.py:7", "the shapes differ"), at_line(line, "the shapes are others")
    assert failed_alike(first, second) is alike


def at_line(line: str, message: str) -> TestResult:
    """A test that failed at a line of its file."""
    result = failed("t", message=message)
    assert result.failure is not None
    return result.model_copy(update={"failure": result.failure.model_copy(update={"line": line})})


@pytest.mark.parametrize(
    ("first", "second", "alike"),
    [
        ("the process died of SIGSEGV", "the process died of SIGSEGV", True),
        ("the process died of SIGSEGV", "the process died of SIGABRT", False),
        ("the process died of SIGSEGV", "the process exited with code 3 in the middle of the test", False),
        ("the process exited with code 4 of 5", "the process exited with code 3 of 5", False),
    ],
)
def test_processes_end_alike_by_the_same_signal_or_code(first: str, second: str, alike: bool) -> None:
    one, other = (failed("t", type="ProcessEnded", message=message, outcome="crashed") for message in (first, second))
    assert failed_alike(one, other) is alike


def test_the_rules_differ_in_what_they_leave_out() -> None:
    first, second = failed("t", message="the loss is 0.73"), failed("t", message="the loss is 0.8")
    third = failed("t", message="no box")
    assert failure_of(first).signature != failure_of(second).signature
    assert failure_kind(failure_of(first).signature) == failure_kind(failure_of(second).signature)
    assert similar_failure(first, second)
    assert failed_alike(first, second)
    assert not failed_alike(first, third)
    assert not similar_failure(first, third)


@pytest.mark.parametrize(
    ("signature", "kind"),
    [
        ("E: needs 1.2.0, not v1.1 [beta]", "E: needs #, not # [beta]"),
        ("E: float32 is not int8 [test]", "E: float32 is not int8 [test]"),
        ("E: line 12: no [beta]", "E: line #: no [beta]"),
    ],
)
def test_the_kind_of_a_failure_has_no_numbers(signature: str, kind: str) -> None:
    assert failure_kind(signature) == kind


def test_an_incompatibility_has_one_id_whatever_the_numbers_and_the_order() -> None:
    one = incompatibility_id("E: needs 1.2 [beta]", ("beta", "alpha"))
    assert one == incompatibility_id("E: needs 1.3 [beta]", ("alpha", "beta"))
    assert one != incompatibility_id("E: needs 1.2 [beta]", ("beta", "gamma"))
    assert one != incompatibility_id("E: lacks 1.2 [beta]", ("beta", "alpha"))
    assert one.startswith("SC-")


def test_a_test_without_an_exception_fails_by_its_outcome() -> None:
    assert failure_of(starved("t")) == Failure(type="timeout", message="not finished after 60 s")


LACKS = "module 'alpha.core' has no attribute 'Box'"
GONE = "alpha.core.Box was removed in Alpha v0.6.0. Use alpha.extend.Box instead."
LONG_GONE = "alpha.core.Box was deprecated in Alpha v0.5.0 and removed in Alpha v0.6.0. Use alpha.extend.Box instead."


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (failure("no attribute 'Box'"), failure("no attribute 'Box'"), True),
        (failure("no attribute 'Box'"), failure("no attribute 'Bag'"), False),
        (failure("native 1.2.0 is newer than 1.1"), failure("native 1.2.0 is newer than 1.0.3"), True),
        (failure("the loss is 0.73"), failure("the loss is 0.8"), True),
        (failure("no 'trapz'. Did you mean: 'trace'?"), failure("no 'trapz'. Did you mean: 'trapezoid'?"), True),
        (failure("'alpha.boxes.Box' object has no lid"), failure("'Box' object has no lid"), True),
        (failure("'alpha.boxes.Box' object has no lid"), failure("'Bag' object has no lid"), False),
        (failure("a field:  1"), failure("a field: 1"), True),
        (failure("m"), failure("m", type="F"), False),
        (failure("m"), failure("m", package="gamma"), False),
        (failure(LACKS, package="alpha", caller="beta"), failure(GONE, package="alpha", caller="beta"), True),
        (failure(GONE, package="alpha", caller="beta"), failure(LONG_GONE, package="alpha", caller="beta"), True),
        (failure(LACKS, package="alpha", caller="beta"), failure(LACKS, package="beta", caller="gamma"), True),
        (failure(LACKS, package="alpha", caller="beta"), failure(GONE, package="alpha", caller="gamma"), False),
        (failure(LACKS), failure(f"{LACKS}. `alpha.Box` was an alias for `box`."), True),
        (failure(LACKS), failure(GONE.replace("Box", "Bag", 1)), False),
        (failure(LACKS), failure("alpha.core.Box was deprecated in Alpha v0.5.0."), False),
    ],
)
def test_same_failure(one: Failure, other: Failure, same: bool) -> None:
    assert same_failure(one, other) is same
    assert same_failure(other, one) is same


@pytest.mark.parametrize(
    "original",
    [
        failure("No module named 'gamma'", type="ModuleNotFoundError"),
        failure("no lid [of a box]: none", type="alpha.core.BoxError"),
        failure("the loss is 0.73", package=""),
    ],
)
def test_a_signature_is_read_back(original: Failure) -> None:
    assert parse_signature(original.signature) == original


def test_a_text_that_is_no_signature_is_a_message() -> None:
    assert parse_signature("no lid") == Failure(type="", message="no lid")


@pytest.mark.parametrize(
    ("said", "particular"),
    [
        (Failure(type="ProcessEnded", message="the process died of SIGSEGV"), False),
        (Failure(type="timeout", message="not finished after 60 s"), False),
        (Failure(type="AssertionError", message="assert 3 == 4"), False),
        (Failure(type="AssertionError", message="assert out.shape == (3,)"), False),
        (Failure(type="ValueError", message="shapes differ"), False),
        (Failure(type="AssertionError", message="assert 3 == 4", package="beta", packages=("beta",)), True),
        (Failure(type="ProcessEnded", message="the process died of SIGSEGV", packages=("beta",)), True),
        (Failure(type="AttributeError", message="module 'alpha.boxes' has no attribute 'Box'"), True),
        (Failure(type="TypeError", message="make_array() got an unexpected keyword argument 'kind'"), True),
        (Failure(type="KeyError", message="'memory_kind'"), True),
        (Failure(type="ValueError", message="alpha.core has no box"), True),
        (Failure(type="ValueError", message="ShapeError of a box"), True),
        (Failure(type="ValueError", message="3 is too much"), False),
        (Failure(type="AssertionError", message="assert 'float32' == 'int8'"), False),
        # Helpers that compare values raise an assertion for whoever calls them.
        (Failure(type="AssertionError", message="not close", package="np", where="np.testing._private:go"), False),
        (Failure(type="AssertionError", message="not close at all", package="c", where="c._src.asserts:go"), False),
        (Failure(type="AssertionError", message="not so close", package="beta", where="beta:assert_close"), False),
        (Failure(type="AssertionError", message="no box", package="beta", where="beta.core:go"), True),
        (Failure(type="ProcessEnded", message="the process exited with code 3 in the middle of the test"), False),
        (Failure(type="Hang", message="no outcome within 60 s"), False),
        (failure_of(starved("t")), False),
    ],
    ids=lambda value: value.message if isinstance(value, Failure) else "",
)
def test_what_a_failure_can_be_recognised_by(said: Failure, particular: bool) -> None:
    assert has_particulars(said) is particular


def test_a_culprit_is_shared_only_by_failures_that_can_be_recognised() -> None:
    crash: Any = {"type": "ProcessEnded", "message": "the process died of SIGSEGV", "outcome": "crashed"}
    assert same_break(failed("a", **crash), failed("a", **crash))
    assert not same_break(failed("a", **crash), failed("b", **crash))
    assert same_break(failed("a", **crash, packages=("beta",)), failed("b", **crash, packages=("beta",)))
    assert not same_break(failed("a", **crash, packages=("beta",)), failed("b", **crash, packages=("alpha",)))
