from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from stackcompat.ecosystem.releases import Project, Release
from stackcompat.plan.selection import Selection, select
from support.world import day

NOW = day("2026-11-22")
PYTHONS = ("", ">=3.12", "<3.12", ">=3.11")


@st.composite
def projects(draw: st.DrawFn) -> Project:
    numbers = st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 3))
    versions = sorted(draw(st.sets(numbers, max_size=12)))
    releases = [
        Release(
            version=".".join(map(str, version)) + draw(st.sampled_from(["", "", "rc1"])),
            uploaded=NOW - dt.timedelta(days=draw(st.integers(0, 900))),
            yanked=draw(st.booleans()),
            requires_python=draw(st.sampled_from(PYTHONS)),
        )
        for version in versions
    ]
    return Project(name="alpha", releases=tuple(releases))


CHOICES = st.one_of(
    st.just({"all": True}),
    st.integers(1, 5).map(lambda n: {"minors": n}),
    st.integers(1, 5).map(lambda n: {"last": n}),
    st.integers(1, 30).map(lambda n: {"months": n}),
)


@given(projects(), CHOICES, st.booleans(), st.booleans(), st.sampled_from([None, "3.11", "3.12"]))
def test_selection_is_an_ordered_choice_of_what_is_allowed(
    project: Project, choice: dict[str, int], yanked: bool, prereleases: bool, python: str | None
) -> None:
    selection = Selection.model_validate(choice | {"yanked": yanked, "prereleases": prereleases})
    chosen = select(project, selection, python=python, now=NOW)
    allowed = [
        release
        for release in project.releases
        if (yanked or not release.yanked)
        and (prereleases or not release.parsed.is_prerelease)
        and (python is None or release.supports(python))
    ]
    assert list(chosen) == [release for release in allowed if release in chosen]
    if "all" in choice:
        assert list(chosen) == allowed
    if "last" in choice:
        assert list(chosen) == allowed[-choice["last"] :]
    if "minors" in choice:
        minors = sorted({release.parsed.release[:2] for release in allowed})[-choice["minors"] :]
        assert [release.parsed.release[:2] for release in chosen] == minors
        assert all(
            release.parsed == max(r.parsed for r in allowed if r.parsed.release[:2] == release.parsed.release[:2])
            for release in chosen
        )
    if "months" in choice:
        assert all((NOW - release.uploaded).days <= 31 * choice["months"] for release in chosen)


@given(projects(), st.sampled_from([None, "3.11", "3.12"]), st.integers(0, 900))
def test_newest_is_the_highest_that_an_installer_may_take(project: Project, python: str | None, days: int) -> None:
    before = NOW - dt.timedelta(days=days)
    allowed = [
        release
        for release in select(project, Selection(all=True), python=python, now=NOW)
        if release.uploaded <= before
    ]
    assert project.newest(python=python, before=before) == (allowed[-1] if allowed else None)


@given(projects(), st.integers(0, 900))
def test_fingerprint_until_a_day_ignores_what_came_later(project: Project, days: int) -> None:
    before = NOW - dt.timedelta(days=days)
    past = Project(name=project.name, releases=tuple(r for r in project.releases if r.uploaded <= before))
    assert project.fingerprint(before) == past.fingerprint()
