"""Which releases an installer can take, and when a project has changed."""

from __future__ import annotations

import pytest

from stackcompat.ecosystem.releases import CatalogAt, Project, Release, ReleaseFile
from support.world import World, day

NOW = day("2026-11-22")

ALPHA = World(
    {
        "alpha": {
            "0.1": "2025-01-01",
            "0.1.1": "2025-02-01",
            "0.2": {"uploaded": "2026-05-01", "yanked": True},
            "0.2.1": {"uploaded": "2026-06-01", "python": ">=3.12"},
            "0.3.0.1": "2026-11-01",
            "0.4rc1": "2026-11-20",
        }
    }
).project("alpha")


def test_newest() -> None:
    def version(release: Release | None) -> str | None:
        return release.version if release else None

    assert version(ALPHA.newest()) == "0.3.0.1"
    assert version(ALPHA.newest(prereleases=True)) == "0.4rc1"
    assert version(ALPHA.newest(before=day("2026-10-31"))) == "0.2.1"
    assert version(ALPHA.newest(before=day("2026-10-31"), python="3.11")) == "0.1.1"
    assert version(ALPHA.newest(before=day("2024-01-01"))) is None


def test_supports_asks_for_some_patch_and_forgives_nonsense() -> None:
    release = ALPHA.releases[0]
    assert release.model_copy(update={"requires_python": ">=3.12.4"}).supports("3.12")
    assert not release.model_copy(update={"requires_python": "<3.12"}).supports("3.12")
    assert release.model_copy(update={"requires_python": "three"}).supports("3.12")


def test_fingerprint_changes_with_what_a_resolver_sees() -> None:
    longer = Project(name="alpha", releases=(*ALPHA.releases, Release(version="0.5", uploaded=day("2026-11-21"))))
    assert longer.fingerprint() != ALPHA.fingerprint()
    assert longer.fingerprint(day("2026-11-20")) == ALPHA.fingerprint(day("2026-11-20"))
    yanked = ALPHA.model_copy(update={"releases": (ALPHA.releases[0].model_copy(update={"yanked": True}),)})
    kept = ALPHA.model_copy(update={"releases": ALPHA.releases[:1]})
    assert yanked.fingerprint() != kept.fingerprint()


@pytest.mark.parametrize(
    ("declared", "supported"),
    [
        ("", True),
        (">=3.10", True),
        ("<3.12.5", True),
        ("<=3.12", True),
        ("==3.12.3", True),
        (">=3.12.1,<3.12.3,!=3.12.1", True),
        (">3.12.4,<3.12.5", False),
        ("<3.12", False),
        (">=3.13", False),
        ("!=3.12.*", False),
        ("~=3.11", True),
        ("~=3.11.0", False),
        ("no specifier", True),
    ],
)
def test_a_minor_is_supported_if_some_patch_of_it_is(declared: str, supported: bool) -> None:
    assert Release(version="1", uploaded=day("2026-01-01"), requires_python=declared).supports("3.12") == supported


def test_of_a_full_version_the_patch_decides() -> None:
    release = Release(version="1", uploaded=day("2026-01-01"), requires_python="<3.12.5")
    assert release.supports("3.12.4")
    assert not release.supports("3.12.5")


def test_whatever_decides_whether_a_release_is_taken_is_in_its_fingerprint() -> None:
    file = ReleaseFile(filename="a-1-py3-none-any.whl", sha256="x")
    release = Release(version="1", uploaded=day("2026-01-01"), requires_python=">=3.9", files=(file,))
    others = [
        release.model_copy(update={"requires_python": ">=3.13"}),
        release.model_copy(update={"yanked": True}),
        release.model_copy(update={"files": (file.model_copy(update={"sha256": "y"}),)}),
        release.model_copy(update={"files": (file, file.model_copy(update={"filename": "a-1-cp312-none-any.whl"}))}),
    ]
    fingerprints = {Project(name="a", releases=(each,)).fingerprint() for each in (release, *others)}
    assert len(fingerprints) == 5


def test_a_catalog_of_the_past_does_not_find_what_that_of_today_has_found() -> None:
    world = World({"alpha": {"1.0": "2026-01-01", "1.1": "2026-03-01"}})
    found = world.project("alpha").find("1.1.0")
    assert found is not None
    assert found.version == "1.1"
    past = CatalogAt(world, day("2026-02-01")).project("alpha")
    assert past.find("1.1") is None
    assert past.find("1") == past.releases[0]
