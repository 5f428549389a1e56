"""Advisories from searches for culprits."""

from __future__ import annotations

import pytest

from stackcompat.advice.advisories import advisories
from stackcompat.advice.osv import is_for_everybody
from stackcompat.blame.result import Culprit
from stackcompat.table.culprits import CulpritRow
from stackcompat.table.summary import Summary


def blamed(summary: Summary, *culprits: Culprit, doubt: str = "") -> Summary:
    """The table, where a search has found the culprits of its first failure of tests."""
    group = next(group for group in summary.failures if group.verdict == "broken")
    row = CulpritRow(
        versions={culprit.name: culprit.version for culprit in culprits},
        inferred=bool(doubt),
        culprits=culprits,
        cell=group.cells[0],
        doubt=doubt,
        probes=1,
        linear=9,
        works_with={culprit.name: culprit.last_good or culprit.version for culprit in culprits},
    )
    failures = (group.model_copy(update={"culprit": row}), *(one for one in summary.failures if one.id != group.id))
    return summary.model_copy(update={"failures": failures})


@pytest.mark.parametrize("others", [(), ("beta",), ("beta", "typing-more")])
def test_what_searches_have_shown_is_an_advisory_whatever_it_is_about(
    summary: Summary, others: tuple[str, ...]
) -> None:
    first = Culprit(
        name="numbers", version="2.5.5", last_good="2.4", first_bad="2.5", fixed_in="2.7", unresolved=("2.6",)
    )
    more = tuple(Culprit(name=name, version="1.0") for name in others)
    table_of = blamed(summary, first, *more)
    signature = next(group.signature for group in table_of.failures if group.culprit)
    (one,) = [one for one in advisories(table_of) if one.distributions == ("numbers", *others)]
    assert (one.signature, one.sides[0].title) == (signature, "numbers")
    assert " with numbers 2.5 \N{EN DASH} 2.5.5" in one.summary
    assert one.workaround == "use numbers 2.4, with which the tests that fail here passed"
    installed = {"numbers": "2.5.5", **dict.fromkeys(others, "1.0"), "alpha": "9", "beta": "1.0"}
    assert one.hits(installed)
    assert {*one.distributions, *one.beside} == {
        *others,
        "numbers",
        "alpha",
        "beta",
    }  # what the test uses has to be there
    assert not one.hits({name: version for name, version in installed.items() if name != "alpha"})
    for version, likely in {"2.4": False, "2.5": True, "2.5.9": True, "2.6": False, "2.7": False}.items():
        assert not one.hits(installed | {"numbers": version})
        assert one.likely_hits(installed | {"numbers": version}) == likely
    for name in others:
        assert not one.likely_hits({k: v for k, v in installed.items() if k != name})
    assert not is_for_everybody(one, table_of)


def test_what_the_error_came_out_of_and_is_no_component_stands_in_brackets(summary: Summary) -> None:
    found = blamed(summary, Culprit(name="numbers", version="2.5.5"))
    groups = [
        group.model_copy(update={"package": "typing-more", "suspects": ("alpha",)}) if group.culprit else group
        for group in found.failures
    ]
    (one,) = [
        one
        for one in advisories(found.model_copy(update={"failures": tuple(groups)}))
        if one.distributions == ("numbers",)
    ]
    assert one.summary == f"Alpha (with typing-more) fails with numbers 2.5.5 {one.reason}"
    assert one.summary_of({"numbers": "2.5.5"}) == one.summary


def test_of_releases_beyond_the_newest_that_failed_nothing_is_claimed(summary: Summary) -> None:
    """No release is said to be affected that is newer than any that was seen to fail, unless a fix bounds it."""
    table_of = blamed(summary, Culprit(name="numbers", version="2.5.5", last_good="2.4", first_bad="2.5"))
    (one,) = [one for one in advisories(table_of) if one.distributions == ("numbers",)]
    (side,) = one.sides
    likely = {version: side.includes(version) for version in ("2.4", "2.5", "2.5.1", "2.5.5", "2.6", "99")}
    assert likely == {"2.4": False, "2.5": True, "2.5.1": True, "2.5.5": True, "2.6": False, "99": False}


def test_a_search_in_doubt_or_about_a_known_pair_makes_no_advisory_of_its_own(summary: Summary) -> None:
    before = advisories(summary)
    culprit = Culprit(name="numbers", version="2.5.5")
    assert advisories(blamed(summary, culprit, doubt="not confirmed")) == before
    table_of = blamed(summary)
    signature = next(group.signature for group in table_of.failures if group.culprit)
    known = next(one for one in before if one.signature == signature)
    assert advisories(blamed(summary, Culprit(name=known.distributions[0], version="1.0"))) == before
