"""What an installer would have given: who is held back where bounds exclude each other."""

from __future__ import annotations

from stackcompat.advice.installable import installable, upload_times
from stackcompat.advice.pair_lookup import KnownVerdict
from stackcompat.advice.timeline import timeline
from stackcompat.ecosystem.releases import needs
from support.world import World, day


def test_what_bounds_forbid_is_held_back_as_far_as_it_must() -> None:
    """The newest alpha and the newest beta exclude each other; whoever goes back the shorter time gives way."""
    world = World(
        {
            "alpha": {"1.0": "2026-01-01", "2.0": "2026-03-01"},
            "beta": {
                "1.0": "2025-12-01",
                "1.1": {"uploaded": "2026-02-01", "requires": ["alpha<2"]},
                "1.2": {"uploaded": "2026-04-01", "requires": ["alpha"]},
            },
        }
    )
    asked: list[tuple[str, str]] = []

    def lookup(one: str, version: str, other: str, its: str) -> KnownVerdict:
        asked.append((version, its))
        return KnownVerdict("broken" if (version, its) == ("2.0", "1.1") else "works")

    projects = {name: world.project(name) for name in ("alpha", "beta")}
    line = timeline(
        projects,
        lookup,
        python="3.12",
        since=day("2026-01-02"),
        until=day("2026-05-01"),
        bounds=lambda name, version: needs(world, name, version, "3.12"),
    )
    assert asked == [("1.0", "1.0"), ("1.0", "1.1"), ("1.0", "1.1"), ("2.0", "1.2")]
    assert [span.state for span in line.spans] == ["works"]
    # Without bounds it would have been judged as an installer never gives it.
    asked.clear()
    line = timeline(projects, lookup, python="3.12", since=day("2026-01-02"), until=day("2026-05-01"))
    assert [span.state for span in line.spans] == ["works", "broken", "works"]


def test_bounds_that_nobody_can_meet_end_too() -> None:
    world = World(
        {
            "alpha": {"1.0": {"uploaded": "2026-01-01", "requires": ["beta>9"]}},
            "beta": {"1.0": "2026-01-01", "1.1": "2026-01-02"},
        }
    )
    line = timeline(
        {name: world.project(name) for name in ("alpha", "beta")},
        lambda *pair: KnownVerdict("unresolvable"),
        python="3.12",
        since=day("2026-01-03"),
        until=day("2026-01-04"),
        bounds=lambda name, version: needs(world, name, version, "3.12"),
    )
    assert [span.state for span in line.spans] == ["unknown"]  # an installer gives nothing: nothing breaks, or works


def test_without_bounds_it_is_the_newest_release_of_that_time() -> None:
    world = World(
        {"alpha": {"1.0": "2026-01-01", "2.0": "2026-03-01", "2.1": {"uploaded": "2026-03-02", "yanked": True}}}
    )
    projects = {"alpha": world.project("alpha")}

    def newest(moment: str) -> list[str]:
        return [release.version for release in installable(projects, "3.12", day(moment), None).values()]

    assert [newest(moment) for moment in ("2025-12-31", "2026-02-01", "2026-04-01")] == [[], ["1.0"], ["2.0"]]
    assert upload_times(projects.values(), "3.12", day("2026-01-01"), day("2026-04-01")) == {day("2026-03-01")}
