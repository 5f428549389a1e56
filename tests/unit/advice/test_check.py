"""An environment against a made-up table: the answer, and how deep it goes."""

from __future__ import annotations

import pytest

from stackcompat.table.build import summarise
from stackcompat.table.summary import Summary
from support.checking import GOOD, checked, joint, tried
from support.made_up import COMPONENTS, NEWEST, NOW, failed, history, passed


@pytest.fixture(scope="module")
def summary() -> Summary:
    made = history()
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW)


def test_a_set_that_was_tested_works(summary: Summary) -> None:
    known = checked(summary, GOOD | {"numbers": "1", "pip": "30"})
    assert (known.answer, known.hits, known.likely, known.unknown) == ("works", (), (), ())
    assert known.components == NEWEST
    assert known.others == ("numbers", "pip")
    assert {pair.state for pair in known.pairs} == {"seen", "met"}
    assert len(known.pairs) == 15
    assert (known.table.generated, known.table.cells) == (NOW, len(summary.cells))


def test_a_tick_is_as_deep_as_the_shallowest_pair() -> None:
    versions = {"alpha": "1.0", "beta": "2.0", "gamma": "3.0"}
    imported = passed("t.py::import", "gamma", level="import")
    summary = tried((versions, (joint("alpha", "beta"), imported)))
    assert checked(summary, versions).level == "import"
    assert checked(summary, {"alpha": "1.0", "beta": "2.0"}).level == "interop"
    assert checked(summary, {"gamma": "3.0"}).level == "import"
    assert checked(summary, {"gamma": "3.0"}).answer == "works"


def test_two_that_no_test_uses_together_work_no_deeper_than_an_import() -> None:
    """Each was tested at interop with something else, in one cell; the tick said that the two work up to interop."""
    versions = {"alpha": "1.0", "beta": "2.0", "gamma": "3.0"}
    summary = tried((versions, (joint("alpha", "beta"), joint("alpha", "gamma"))))
    known = checked(summary, {"beta": "2.0", "gamma": "3.0"})
    assert (known.answer, known.level, [pair.state for pair in known.pairs]) == ("works", "import", ["met"])


def test_a_releases_own_tests_are_only_a_note() -> None:
    versions = {"alpha": "1.0", "beta": "2.0"}
    own = failed("upstream/beta/x.py::test", "beta", level="upstream", message="0.99 != 1")
    known = checked(tried((versions, (joint("alpha", "beta"), own))), versions)
    assert (known.answer, known.hits, known.red_cells, known.likely) == ("works", (), (), ())
    assert len(known.notes) == 1
