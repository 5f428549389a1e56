"""Fields that only a newer tool can have written are told by their class."""

from __future__ import annotations

import pytest

from stackcompat.core.record import Record
from stackcompat.evidence import fields
from stackcompat.evidence.fields import known_fields, unknown_fields


class Leaf(Record):
    size: int


class Tree(Record):
    leaves: tuple[Leaf, ...] = ()
    oldest: Leaf | None = None
    by_name: dict[str, tuple[Leaf, ...]] = {}
    parent: Tree | None = None


def test_the_fields_of_records_within_records_are_known() -> None:
    of_tree = {("Tree", name) for name in ("leaves", "oldest", "by_name", "parent")}
    assert known_fields([Tree]) == of_tree | {("Leaf", "size")}
    assert known_fields([]) == frozenset()


def test_only_further_fields_of_known_classes_are_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    known = known_fields([Tree])
    assert unknown_fields(known, known) == []
    seen = [*known, ("Tree", "root"), ("Leaf", "colour"), ("Stone", "weight")]
    assert unknown_fields(seen, known) == ["the colour of Leaf", "the root of Tree"]
    monkeypatch.setattr(fields, "GONE", frozenset({("Tree", "root")}))
    assert unknown_fields(seen, known) == ["the colour of Leaf"]
