"""The red cell that a search is about, and answers to probes."""

from __future__ import annotations

import pytest

from stackcompat.blame.probe import ProbeAnswer, ProbeOutcome, RedCell
from support.made_up import failed
from support.world import World

CATALOG = World({"alpha": {"1.1": "2026-01-01", "1.2": "2026-03-01"}})
TEST = failed("t", "alpha", message="no lid")


def red(**fields: object) -> RedCell:
    cell = {"versions": {"alpha": "1.2", "beta": "9"}, "test": TEST, "requirements": (), "python": "3.12"}
    return RedCell.model_validate(cell | fields)


def test_the_release_that_is_in_the_cell() -> None:
    release = red().release("alpha", CATALOG)
    assert release is not None
    assert release.version == "1.2"
    assert red().release("beta", CATALOG) is None
    assert red().release("gamma", CATALOG) is None


def test_a_test_that_ends_without_an_exception_fails_for_its_reason() -> None:
    assert red().failure.message == "no lid"
    crashed = TEST.model_copy(update={"failure": None, "reason": "signal 11"})
    assert (red(test=crashed).failure.type, red(test=crashed).failure.message) == ("", "signal 11")


@pytest.mark.parametrize(
    ("outcome", "decides"),
    [("pass", True), ("same", True), ("other", False), ("unresolved", False), ("infra", False)],
)
def test_what_decides(outcome: ProbeOutcome, decides: bool) -> None:
    assert ProbeAnswer(outcome=outcome).decides is decides
