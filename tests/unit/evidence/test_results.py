"""What addresses evidence, and what identifies a failure."""

from __future__ import annotations

from stackcompat.evidence.results import Failure, evidence_key


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
        )
    ]
    keys = {evidence_key(**given) for given in [question, *others]}  # type: ignore[arg-type]
    assert len(keys) == 7
    assert evidence_key(**question | {"roots": ("b", "a")}) in keys  # type: ignore[arg-type]


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
