"""The releases that a tool that updates pins should leave out."""

from __future__ import annotations

import pytest

from stackcompat.advice.advisories import advisories
from stackcompat.advice.advisory import Advisory, AffectedSide
from stackcompat.advice.osv import osv_id
from stackcompat.advice.refused_updates import RefusedUpdate, refused_updates
from stackcompat.table.summary import Summary
from support.made_up import NOW


def advisory(*together: tuple[str, ...], pythons: tuple[str, ...] = ("3.12",), **changes: object) -> Advisory:
    """Alpha and beta, or alpha alone, fail at these releases."""
    sides = tuple(
        AffectedSide(component=name, title=name, distribution=f"dist-{name}", versions=versions, known=versions)
        for name, versions in zip(("alpha", "beta"), zip(*together, strict=True), strict=False)
    )
    made = Advisory(
        id="SC-1",
        summary="it fails",
        sides=sides,
        together=together,
        level="import",
        signature="E: words",
        package="",
        tests=(),
        pythons=pythons,
        cells=(),
        first_seen=NOW,
        last_seen=NOW,
    )
    return made.model_copy(update=changes)


@pytest.fixture
def newest(summary: Summary) -> Summary:
    """On Python 3.12 the newest set that works has alpha 3 and beta 30; on 3.11 it has alpha 2 and beta 20."""
    row = summary.today[0]
    old = {"verdict": "broken", "python": "3.11", "instead_versions": {"alpha": "2", "beta": "20"}}
    new = {"verdict": "works", "python": "3.12", "versions": {"alpha": "3", "beta": "30"}}
    return summary.model_copy(update={"today": (row.model_copy(update=new), row.model_copy(update=old))})


def refused(summary: Summary, *found: Advisory, records: tuple[str, ...] = ()) -> dict[str, tuple[str, ...]]:
    return {one.distribution: one.versions for one in refused_updates(summary, found, records)}


def test_a_release_that_fails_with_the_newest_set_is_left_out(newest: Summary) -> None:
    pairs = advisory(("3", "9"), ("3", "10"), ("1", "30"), ("1", "10"))
    assert refused(newest, pairs) == {"dist-alpha": ("1",), "dist-beta": ("9", "10")}
    assert refused_updates(newest, (pairs,), ())[0] == RefusedUpdate(
        distribution="dist-alpha", versions=("1",), advisories=("SC-1",)
    )


def test_releases_of_the_newest_sets_are_never_left_out(newest: Summary) -> None:
    assert refused(newest, advisory(("3", "20"), ("2", "30"))) == {}


def test_what_fails_on_another_python_or_with_others_is_no_reason(newest: Summary) -> None:
    assert refused(newest, advisory(("3", "9"), pythons=("3.11",))) == {}
    assert refused(newest, advisory(("2", "9"), pythons=("3.11",))) == {"dist-beta": ("9",)}
    assert refused(newest, advisory(("1", "9"))) == {}
    for more in ({"beside": ("gamma",)}, {"without": "gamma"}, {"level": "upstream"}):
        assert refused(newest, advisory(("3", "9"), **more)) == {}


def test_what_is_broken_for_everybody_is_left_out(newest: Summary) -> None:
    alone = advisory(("1",), ("0.9",))
    assert refused(newest, alone) == {}
    assert refused(newest, alone, records=(osv_id(alone),)) == {"dist-alpha": ("0.9", "1")}


def test_nothing_is_left_out_that_the_table_recommends(summary: Summary) -> None:
    found = refused(summary, *advisories(summary))
    distributions = {row.name: row.distribution for row in summary.components}
    for row in summary.today:
        versions = row.versions if row.verdict == "works" else row.instead_versions
        assert not [name for name, version in versions.items() if version in found.get(distributions[name], ())]
