"""What the check of a file found, and where."""

from __future__ import annotations

import pytest

from stackcompat.report.check_findings import findings, nearest_working, works_words
from stackcompat.table.build import summarise
from stackcompat.table.summary import Summary
from support.answers import answer
from support.checking import GOOD, with_charts
from support.made_up import COMPONENTS, DISTRIBUTION, NOW, History, failed, history, make_cell, passed


@pytest.fixture(scope="module")
def summary() -> Summary:
    made = history()
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW)


def test_an_advisory_is_at_the_line_that_the_nearest_set_changes(summary: Summary) -> None:
    answered = answer(summary, "# mine\nalpha==1.3.0\nbeta==2.1.3\n")
    assert answered.proposal.nearest is not None
    (move,) = answered.proposal.nearest.moves
    (found,) = findings(answered, summary)
    lines = {"alpha": 2, "beta": 3}
    assert (found.rule, found.id, found.advisory) == ("advisory", answered.checked.hits[0].id, answered.checked.hits[0])
    assert found.line == lines.pop(move.distribution)
    assert found.related == tuple((line, name) for name, line in lines.items())
    assert found.message.startswith(answered.checked.hits[0].summary)
    assert found.message.endswith(answered.checked.hits[0].workaround)
    assert nearest_working(answered.proposal.nearest).startswith("Nearest set that works on Python 3.12 (")


def test_each_reason_is_at_the_line_that_it_is_about(summary: Summary) -> None:
    text = "-e ./gone\nalpha==1.3.0\nstrange==1\nbeta>=2\ngamma==77\n"
    answered = answer(summary, text)
    found = {one.message: one.line for one in findings(answered, summary)}
    assert {one.rule for one in findings(answered, summary)} == {"not-known"}
    assert list(found) == [f"not known: {reason}" for reason in answered.checked.unknown]
    assert [line for message, line in found.items() if "no exact version" in message] == [4]
    assert [line for message, line in found.items() if "no cell had strange" in message] == [3]
    assert [line for message, line in found.items() if "Gamma 77 is newer" in message] == [5]
    assert [line for message, line in found.items() if "not looked at" in message] == [1]


def test_what_is_inferred_is_likely_broken() -> None:
    summary = with_charts()
    likely, *_ = findings(answer(summary, "\nbeta==2.1\nalpha==9.0\n"), summary)
    assert likely.rule == "likely-broken"
    assert {likely.line, *(line for line, _ in likely.related)} == {2, 3}
    assert likely.message.startswith("likely broken (inferred, not tested): ")


def test_a_red_cell_is_about_the_whole_file() -> None:
    made = History()
    red = {"beta": "2.4.1", "gamma": "1.0.2", "zeta": "0.9.4"}
    made.add(make_cell(red), red, tests=(failed("t.py::all", *red),))
    made.add(make_cell(red | {"zeta": "1.0"}), red | {"zeta": "1.0"}, tests=(passed("t.py::all", *red),))
    summary = summarise(COMPONENTS, (made.record(),), made.evidence, NOW)
    cell = next(cell for cell in summary.cells if cell.verdict == "broken")
    pins = "".join(f"{DISTRIBUTION[name]}=={version}\n" for name, version in red.items())
    found = [one for one in findings(answer(summary, f"\n\n{pins}"), summary) if one.rule == "red-cell"]
    assert [(one.id, one.line, one.related) for one in found] == [(cell.id, 1, ())]


def test_of_what_works_nothing_is_found(summary: Summary) -> None:
    answered = answer(summary, "".join(f"{name}=={version}\n" for name, version in GOOD.items()))
    assert list(findings(answered, summary)) == []
    assert works_words(answered.checked) == "its 6 components of the stack work together on Python 3.12, up to import"
    alone = answer(summary, "alpha==1.3.0\n").checked
    assert works_words(alone).startswith("its one component of the stack works on Python 3.12, up to ")
