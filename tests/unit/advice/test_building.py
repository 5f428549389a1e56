"""What all kinds of advisories share when they are built."""

from __future__ import annotations

import datetime as dt

import pytest

from stackcompat.advice.building import (
    affected_side,
    because,
    distinct,
    failing_package,
    failure_message,
    newest_set,
    seen_between,
)
from stackcompat.table.summary import Summary
from support.advice_world import failing_frontier, table_with
from support.made_up import NOW


@pytest.mark.parametrize(
    ("signature", "package", "message"),
    [
        ("ImportError: cannot import name 'x' [beta]", "beta", "cannot import name 'x'"),
        ("E: a: b [beta]", "beta", "a: b"),
        ("it fails [test]", "test", "it fails"),
    ],
)
def test_a_signature_has_a_package_and_a_message(signature: str, package: str, message: str) -> None:
    assert (failing_package(signature), failure_message(signature)) == (package, message)


def test_a_reason_is_quoted_on_one_line_and_not_for_ever() -> None:
    assert because("Graph execution error:") == 'because "Graph execution error"'
    assert because("one\n  two.") == 'because "one two"'
    assert because(" ") == "for a reason that is not known"
    long = because(" ".join(["well-known"] * 50))
    assert len(long) < 220
    assert long.endswith('well-known …"')


def test_the_newest_set_is_that_of_the_side_that_fails() -> None:
    pairs = [("1.10", "2.0"), ("1.9", "2.1"), ("1.8", "2.1")]
    assert newest_set(pairs, 0) == ("1.10", "2.0")
    assert newest_set(pairs, 1) == ("1.9", "2.1")


def test_a_side_has_the_words_of_its_component_and_sorted_versions(summary: Summary) -> None:
    side = affected_side("beta", summary, {"2.10.0", "2.9.0"}, {"2.9.0", "2.10.0", "2.1.0"})
    assert (side.title, side.distribution) == ("Beta", "beta")
    assert (side.versions, side.known) == (("2.9.0", "2.10.0"), ("2.1.0", "2.9.0", "2.10.0"))
    stranger = affected_side("numbers", summary, (), ())
    assert (stranger.title, stranger.distribution) == ("numbers", "numbers")


def test_items_stand_once_in_their_order() -> None:
    assert distinct(("b", "a"), iter(("a", "c"))) == ("b", "a", "c")


def test_a_failure_was_seen_from_its_first_to_its_last_evidence(summary: Summary) -> None:
    group = summary.failures[0]
    (row,) = table_with(failing_frontier("E: words [beta]")).frontiers
    later = row.model_copy(update={"seen": NOW + dt.timedelta(days=1)})
    assert seen_between(None, ()) == {"first_seen": None, "last_seen": None}
    assert seen_between(group, ()) == {"first_seen": group.first_seen, "last_seen": group.last_seen}
    assert seen_between(group, [later]) == {"first_seen": group.first_seen, "last_seen": later.seen}
