"""The missing name in a message of Python, and in a message of a module."""

from __future__ import annotations

import pytest

from stackcompat.verdict.missing import MissingName, dotted_names, missing_in, modules_named


@pytest.mark.parametrize(
    ("message", "kind", "owner", "name"),
    [
        ("module 'a.b' has no attribute 'c'", "attribute", "a.b", "c"),
        ("cannot import name 'c' from 'a.b' (…/b.py)", "import", "a.b", "c"),
        ("No module named 'a.b'", "module", "a.b", ""),
        ("'Box' object has no attribute 'lid'", "member", "Box", "lid"),
        ("type object 'Box' has no attribute 'lid'", "member", "Box", "lid"),
        ("make() got an unexpected keyword argument 'kind'", "argument", "make", "kind"),
        ("a.b.c was deprecated in A v0.5.0 and removed in A v0.7.0.", "dropped", "a.b", "c"),
        ("a.b.c  was deprecated in A v0.5.0 and removed in A v0.7.0.", "dropped", "a.b", "c"),
        ("a.b is removed", "dropped", "a", "b"),
        ("the loss is too high", "", "", ""),
    ],
)
def test_what_is_missing(message: str, kind: str, owner: str, name: str) -> None:
    missing = missing_in(message)
    assert (missing.kind, missing.owner, missing.name) == (kind, owner, name)
    assert message.count(missing.words) == 1 or not missing.words


@pytest.mark.parametrize(
    ("message", "removed", "release"),
    [
        ("a.b was removed in A v0.7.0.", True, "0.7.0"),
        ("a.b has been removed as of 0.7", True, "0.7"),
        ("a.b was deprecated in A v0.5.0 and removed in A v0.7.0.", True, "0.7.0"),
        ("a.b was deprecated in A v0.5.0.", False, ""),
        ("module 'a' has no attribute 'b', it was removed in 0.7", False, "0.7"),
        ("everything old was removed from 2.0 on", False, "2.0"),
    ],
)
def test_what_was_removed_and_when(message: str, removed: bool, release: str) -> None:
    missing = missing_in(message)
    assert (missing.removed, missing.removed_in) == (removed, release)


def test_nothing_is_missing_in_other_words() -> None:
    assert missing_in("0.73 > 0.5") == MissingName()


def test_names_in_a_message() -> None:
    message = "module 'alpha' and 'beta.core.Box' at /x/gamma.py: delta.core.thing went, from 'eps'"
    assert dotted_names(message) == ["delta.core.thing"]
    assert modules_named(message) == ["alpha", "beta.core.Box", "delta.core.thing", "eps"]
