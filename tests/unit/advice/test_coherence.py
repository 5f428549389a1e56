"""The published table and `check` say the same of every set of versions that the table names."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from stackcompat.advice.advisories import advisories
from stackcompat.advice.advisory import Advisory
from stackcompat.advice.check import check
from stackcompat.advice.checked import Checked
from stackcompat.advice.environment_file import read_file
from stackcompat.advice.listing import Listed
from stackcompat.advice.proposal import propose
from stackcompat.advice.set_knowledge import SetKnowledge, works
from stackcompat.table.cells import CellRow
from stackcompat.table.summary import Summary

REPORTS = Path(__file__).parents[3] / "reports"


@pytest.fixture(scope="module")
def summary() -> Summary:
    return Summary.model_validate_json((REPORTS / "compat.json").read_text(encoding="utf-8"))


@cache
def _lock(path: str) -> Mapping[str, str]:
    return read_file(REPORTS / path).versions


def lock_of(cell: CellRow) -> Mapping[str, str]:
    return _lock(cell.lock) if cell.lock else {}


class Checker:
    """Checks sets against one table."""

    def __init__(self, summary: Summary) -> None:
        self.summary = summary
        self.advisories: tuple[Advisory, ...] = advisories(summary)
        self._knowledge: dict[str, SetKnowledge] = {}

    def knowledge(self, python: str) -> SetKnowledge:
        if python not in self._knowledge:
            self._knowledge[python] = SetKnowledge(self.summary, python)
        return self._knowledge[python]

    def check(self, versions: Mapping[str, str], python: str) -> Checked:
        return check(Listed(dict(versions)), self.knowledge(python), self.advisories, lock_of)


@pytest.fixture(scope="module")
def checker(summary: Summary) -> Checker:
    return Checker(summary)


def test_the_newest_releases_that_work_are_ticked(summary: Summary, checker: Checker) -> None:
    distributions = {row.name: row.distribution for row in summary.components}
    answers = {}
    for today in summary.today:
        versions = {distributions[name]: version for name, version in today.versions.items()}
        answers[today.python] = (today.verdict, checker.check(versions, today.python).answer)
    assert answers
    assert all(answer == "works" for verdict, answer in answers.values() if verdict == "works"), answers


def test_every_published_set_of_constraints_is_ticked(checker: Checker) -> None:
    refused = {}
    files = sorted((REPORTS / "constraints").glob("*.txt"))
    for path in files:
        listed = read_file(path)
        assert listed.python, f"{path} does not say which Python it is for"
        checked = checker.check(listed.versions, listed.python)
        if checked.answer != "works":
            refused[path.name] = checked.unknown
    assert len(files) > 100
    assert refused == {}


def test_every_lock_of_a_red_cell_is_broken_and_every_proposal_works(summary: Summary, checker: Checker) -> None:
    missed, bad = [], []
    red = [cell for cell in summary.cells if cell.lock and cell.verdict in ("broken", "uninstallable")]
    for cell in red:
        listed = read_file(REPORTS / cell.lock)
        assert listed.python == cell.python
        knowledge = checker.knowledge(cell.python)
        checked = check(listed, knowledge, checker.advisories, lock_of)
        if checked.answer != ("works" if works(cell) else "broken"):
            missed.append((cell.id, checked.answer))
        proposal = propose(checked, listed, knowledge, checker.advisories, lock_of)
        for offer in (proposal.nearest, proposal.newest):
            if offer is not None and checker.check(offer.pins, cell.python).answer != "works":
                bad.append((cell.id, offer.pins))
    assert len(red) > 100
    assert (missed, bad) == ([], [])


def test_every_working_cell_is_ticked(summary: Summary, checker: Checker) -> None:
    distributions = {row.name: row.distribution for row in summary.components}
    refused = {}
    for cell in summary.cells:
        if cell.verdict == "works" and cell.policy != "local":
            versions = {distributions[name]: held.version for name, held in cell.components.items()}
            checked = checker.check(versions, cell.python)
            if checked.answer != "works":
                refused[cell.id] = (checked.answer, checked.unknown)
    assert refused == {}
