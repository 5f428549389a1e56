"""Records: frozen, strict, addressable."""

from __future__ import annotations

from functools import cached_property

import pytest
from pydantic import ValidationError

from stackcompat.core.errors import StackcompatError, UsageError
from stackcompat.core.record import Record, digest


class Inner(Record):
    a_number: int = 1

    @cached_property
    def doubled(self) -> int:
        return 2 * self.a_number


class Outer(Record):
    inner_one: Inner
    names: tuple[str, ...] = ()


def test_a_record_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Inner().a_number = 2  # type: ignore[misc]


def test_a_copy_works_out_anew_what_follows_from_its_fields() -> None:
    inner = Inner()
    assert inner.doubled == 2
    copied = inner.model_copy(update={"a_number": 5})
    assert (copied.doubled, inner.doubled) == (10, 2)
    assert inner.model_copy() == inner == Inner()
    assert copied.to_json() == '{"a_number":5}'
    assert copied.model_copy(deep=True).doubled == 10


def test_toml_spelling_and_python_spelling_are_both_read_and_json_has_pythons() -> None:
    assert Outer.model_validate({"inner-one": {"a-number": 3}}) == Outer(inner_one=Inner(a_number=3))
    assert Outer(inner_one=Inner()).to_json() == '{"inner_one":{"a_number":1},"names":[]}'


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError):
        Outer.model_validate({"inner-one": {}, "nmaes": []})


def test_a_digest_sees_content_and_order_of_lists_and_not_of_keys() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest([1, 2]) != digest([2, 1])
    assert digest("a", "b") != digest("ab")
    assert digest(Inner(a_number=2)) != digest(Inner())
    assert len(digest("x", length=40)) == 40


def test_a_usage_error_is_one_the_tool_can_explain() -> None:
    assert issubclass(UsageError, StackcompatError)
