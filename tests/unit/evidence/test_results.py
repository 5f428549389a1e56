"""What the key of evidence depends on, when two failures are equal, and what of a run is stored."""

from __future__ import annotations

import datetime as dt

from stackcompat.core.record import read_stored
from stackcompat.evidence.closure import Closure, Surface
from stackcompat.evidence.results import CellResult, Evidence, Failure, TestResult, evidence_key


def test_every_part_of_the_question_changes_the_key() -> None:
    question = {"lock_id": "l", "roots": ("a", "b"), "interpreter": "i", "platform": "p", "suite": "s", "level": "run"}
    others = [
        question | change
        for change in (
            {"lock_id": "m"},
            {"roots": ("a",)},
            {"interpreter": "j"},
            {"platform": "q"},
            {"suite": "t"},
            {"level": "interop"},
            {"hardware": "1 NVIDIA H200"},
            {"variables": {"OMP_NUM_THREADS": "1"}},
        )
    ]
    keys = {evidence_key(**given) for given in [question, *others]}
    assert len(keys) == 9
    assert evidence_key(**question | {"roots": ("b", "a")}) in keys  # type: ignore[arg-type]


def test_on_a_cpu_alone_the_key_is_that_of_older_evidence() -> None:
    question = {"lock_id": "l", "roots": ("a", "b"), "interpreter": "i", "platform": "p", "suite": "s", "level": "run"}
    assert evidence_key(**question, hardware="", variables={}) == evidence_key(**question)  # type: ignore[arg-type]
    assert evidence_key(**question) == "bb1ea55fc7287aa3"  # type: ignore[arg-type]


def test_a_signature_is_type_message_and_package() -> None:
    failure = Failure(type="TypeError", message="m", package="alpha", where="x:y", traceback="t")
    assert failure.signature == "TypeError: m [alpha]"
    assert Failure(type="AssertionError", message="m").signature == "AssertionError: m [test]"


def test_a_signature_does_not_depend_on_white_space() -> None:
    said = ("no such field: 'alpha'", "no  such   field: 'alpha' ")
    assert len({Failure(type="RuntimeError", message=message).signature for message in said}) == 1


def test_a_class_is_the_same_with_and_without_its_module() -> None:
    said = ("'alpha.core.Box' object has no attribute 'lid'", "'Box' object has no attribute 'lid'")
    assert len({Failure(type="AttributeError", message=message).signature for message in said}) == 1
    other = Failure(type="AttributeError", message="module 'alpha.core' has no attribute 'lid'")
    assert "'alpha.core'" in other.signature


def test_a_failure_record_reads_as_one_line() -> None:
    assert Failure(type="ValueError", message="no", package="beta").signature == "ValueError: no [beta]"


def test_closures_are_stored_with_the_evidence_and_surfaces_are_not() -> None:
    result = TestResult(test="t", level="run", components=("alpha",), outcome="passed", closure=0)
    run = CellResult(
        outcome="ran",
        started=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        seconds=1.0,
        tests=(result,),
        closures=(Closure(distributions=("alpha",), absent=("beta",)),),
        surfaces={"alpha": Surface(roots=("alpha",))},
    )
    question = {"key": "k", "attempt": 0, "lock_id": "l", "python": "3.11", "interpreter": "i", "platform": "p"}
    fields = {name: getattr(run, name) for name in CellResult.model_fields}
    evidence = Evidence(**question, suite="s", level="run", **fields)
    assert evidence.surfaces == run.surfaces
    again = read_stored(Evidence, evidence.to_json())
    assert (again.closures, again.tests, again.surfaces) == (run.closures, run.tests, {})
    assert CellResult.model_validate_json(run.to_json()) == run
