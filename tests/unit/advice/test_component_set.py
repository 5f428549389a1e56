"""The components of an environment, however their versions are spelled."""

from __future__ import annotations

import pytest

from stackcompat.advice.advisories import advisories
from stackcompat.table.build import summarise
from stackcompat.table.summary import Summary
from support.checking import GOOD, checked
from support.made_up import COMPONENTS, NOW, history


@pytest.fixture(scope="module")
def summary() -> Summary:
    made = history()
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW)


@pytest.mark.parametrize("spelled", ["{}.0", "v{}", "0!{}"])
def test_a_version_is_known_however_it_is_spelled(summary: Summary, spelled: str) -> None:
    advisory = advisories(summary)[0]
    one, other = advisory.together[-1]
    bad = GOOD | {advisory.sides[0].distribution: spelled.format(one), advisory.sides[1].distribution: other}
    assert [hit.id for hit in checked(summary, bad).hits] == [advisory.id]
    assert checked(summary, {name: spelled.format(version) for name, version in GOOD.items()}).answer == "works"


def test_a_local_build_is_hit_as_its_release_and_never_ticked(summary: Summary) -> None:
    local = checked(summary, GOOD | {"alpha": "1.3.0+cuda12"})
    assert local.answer == "not known"
    assert local.unknown == ("Alpha 1.3.0+cuda12 is a build of its own; what is known is about the release 1.3.0",)
    advisory = advisories(summary)[0]
    one, other = advisory.together[-1]
    bad = {advisory.sides[0].distribution: f"{one}+cuda12", advisory.sides[1].distribution: other}
    assert [hit.id for hit in checked(summary, bad).hits] == [advisory.id]
