"""What is proposed in place of an environment passes the check itself."""

from __future__ import annotations

import pytest

from stackcompat.advice.advisories import advisories
from stackcompat.advice.check import check
from stackcompat.advice.listing import Listed
from stackcompat.advice.proposal import Proposal, propose
from stackcompat.advice.set_knowledge import SetKnowledge
from stackcompat.table.build import summarise
from stackcompat.table.summary import Summary
from support.islands_world import IslandsWorld
from support.made_up import COMPONENTS, DISTRIBUTION, NEWEST, NOW, History, history, make_cell, passed


@pytest.fixture(scope="module")
def summary() -> Summary:
    made = history()
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW)


def proposal(summary: Summary, python: str = "3.12", **versions: str) -> Proposal:
    listed = Listed({DISTRIBUTION[name]: version for name, version in versions.items()})
    knowledge = SetKnowledge(summary, python)
    known = advisories(summary)
    return propose(check(listed, knowledge, known), listed, knowledge, known)


def test_a_set_that_works_has_nothing_in_its_place(summary: Summary) -> None:
    assert proposal(summary, **NEWEST) == Proposal(nearest=None, newest=None)


def test_one_solution_for_all_that_is_wrong_on_this_python(summary: Summary) -> None:
    bad = {"alpha": "1.3.0", "beta": "2.1.3", "gamma": "0.9.8", "delta": "5.1.0"}
    for python in ("3.12", "3.13"):
        knowledge = SetKnowledge(summary, python)
        assert len(check(Listed({DISTRIBUTION[n]: v for n, v in bad.items()}), knowledge, advisories(summary)).hits) > 1
        nearest = proposal(summary, python, **bad).nearest
        assert nearest is not None
        assert check(Listed(nearest.pins), knowledge, advisories(summary)).answer == "works"
        assert nearest.python == python


def test_every_red_cell_of_the_table_has_a_proposal_that_works_or_none(summary: Summary) -> None:
    offered = 0
    for cell in summary.cells:
        if cell.verdict != "broken":
            continue
        versions = {name: held.version for name, held in cell.components.items()}
        nearest = proposal(summary, cell.python, **versions).nearest
        if nearest is not None:
            offered += 1
            knowledge = SetKnowledge(summary, cell.python)
            assert check(Listed(nearest.pins), knowledge, advisories(summary)).answer == "works"
    assert offered > 5


def with_island(*cells: dict[str, str]) -> Summary:
    made = History()
    for versions in cells:
        made.add(make_cell(versions), versions, tests=(passed("t.py::joint", *versions),))
    found = IslandsWorld(("alpha", "beta", "gamma"), [("alpha", "gamma")]).find()
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW, (found,))


def test_the_newest_releases_are_named_only_where_they_work() -> None:
    seen = with_island({"alpha": "1", "beta": "1"}, {"alpha": "0.9", "beta": "0.9"})
    newest = proposal(seen, alpha="0.9", beta="0.9").newest
    assert newest is not None
    assert (newest.pins, newest.missing, newest.python) == ({"alpha": "1", "beta": "1"}, (), "3.12")
    assert proposal(seen, alpha="1", beta="1").newest is None
    assert proposal(seen, "3.13", alpha="0.9", beta="0.9").newest is None
    never = with_island({"alpha": "0.9", "beta": "0.9"})
    assert proposal(never, alpha="0.9", beta="0.9").newest is None
