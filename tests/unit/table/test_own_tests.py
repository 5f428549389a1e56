"""A failure of a release's own tests is a note about that release, and speaks against no set, pair or component."""

from __future__ import annotations

from stackcompat.table.build import summarise
from stackcompat.table.failures import failures_by_kind
from stackcompat.table.summary import Summary
from support.made_up import COMPONENTS, NEWEST, NOW, History, failed, make_cell, passed

OWN = failed("upstream/beta/test_x.py::test_x", "beta", packages=("beta",), level="upstream")
JOINT = passed("test_beta.py::test_apply", "alpha", "beta")


def table() -> Summary:
    made = History()
    made.add(make_cell(NEWEST, policy="newest"), NEWEST, tests=(JOINT, OWN))
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW)


def test_a_set_that_fails_only_in_own_tests_works() -> None:
    summary = table()
    (cell,) = summary.cells
    # The other components are installed and nothing of them was tried.
    assert (cell.verdict, cell.level, cell.failures) == ("works", "install", ())
    assert "beta's own tests" in cell.sentence
    assert [row.verdict for row in summary.today] == ["works"]
    assert {row.verdict for row in summary.components if row.name in NEWEST} <= {"works", "untested"}
    (pair,) = [row for row in summary.pairs if (row.first, row.second) == ("alpha", "beta")]
    assert (pair.verdict, pair.level, [release.verdict for release in pair.releases]) == ("works", "interop", ["works"])


def test_the_failure_itself_stays_as_a_note_with_the_command_that_shows_it() -> None:
    summary = table()
    (group,) = failures_by_kind(summary.failures)["own tests"]
    (cell,) = summary.cells
    assert (group.level, group.tests, group.cells, cell.own_tests) == ("upstream", (OWN.test,), (cell.id,), (group.id,))
    assert cell.reproduce == f"stackcompat try --level upstream --lock reports/locks/{cell.id}.txt --python 3.12"
    assert cell.lock in {f"locks/{name}.txt" for name in summary.locks}
    assert cell.plain == ()  # the cell is green
    assert group.plain[-1].endswith("/site-packages/test_x.py::test_x")
    assert not any(groups for kind, groups in failures_by_kind(summary.failures).items() if kind != "own tests")
