"""Which releases an installer can take, and when a project has changed."""

from __future__ import annotations

from stackcompat.ecosystem.releases import Project, Release
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


def test_supports_compares_with_the_newest_patch_and_forgives_nonsense() -> None:
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
