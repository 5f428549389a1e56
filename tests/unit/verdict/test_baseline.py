"""The environment of a release's own time."""

from __future__ import annotations

import datetime as dt

import pytest

from stackcompat.verdict.baseline import baseline_cell, own_time, releases_before
from support.world import World

WORLD = World(
    {
        "beta": {
            "0.9": "2025-01-10",
            "1.0": "2025-03-10",
            "1.0.1": "2025-03-10",
            "1.1rc1": "2025-03-20",
            "1.1": {"uploaded": "2025-04-01", "yanked": True},
            "1.2": "2025-04-10",
            "0.9.1": "2025-06-01",
        }
    }
)
BETA = WORLD.project("beta")


def moment(day: str, time: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"{day}T{time}+00:00")


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("0.9", (moment("2025-01-10", "23:59:59"), moment("2025-03-10", "11:59:59"))),
        ("1.0", (moment("2025-03-10", "23:59:59"), moment("2025-04-10", "11:59:59"))),  # 1.0.1 came at the same time
        ("1.0.1", (moment("2025-03-10", "23:59:59"), moment("2025-04-10", "11:59:59"))),
        ("0.9.1", (moment("2025-06-01", "23:59:59"), None)),  # nothing newer came after it
        ("1.2", (moment("2025-04-10", "23:59:59"), None)),
    ],
)
def test_the_day_of_the_upload_and_the_last_moment_before_the_next_release(
    version: str, expected: tuple[dt.datetime | None, ...]
) -> None:
    release = BETA.find(version)
    assert release is not None
    assert own_time(BETA, release) == expected


def test_a_release_that_was_followed_on_the_same_day_has_that_day_only() -> None:
    world = World({"beta": {"1.0": "2025-03-10", "1.1": "2025-03-11"}})
    project = world.project("beta")
    early = project.releases[0].model_copy(update={"uploaded": moment("2025-03-11", "01:00:00")})
    assert own_time(project.model_copy(update={"releases": (early, project.releases[1])}), early) == (
        moment("2025-03-11", "23:59:59"),
    )


@pytest.mark.parametrize(
    ("version", "before"),
    [
        ("1.2", ("1.0.1", "1.0", "0.9")),
        ("1.0", ("0.9.1", "0.9")),
        ("1.3.dev5", ("1.2", "1.0.1", "0.9.1")),
        ("0.9", ()),
        ("0.1", ()),
    ],
)
def test_final_releases_before_a_version(version: str, before: tuple[str, ...]) -> None:
    assert tuple(release.version for release in releases_before(BETA, version)) == before


def test_the_cell_pins_the_release_and_leaves_the_rest_to_its_time() -> None:
    cell = baseline_cell(
        "beta[full]", "1.0", ["gamma", "alpha"], moment("2025-03-10", "23:59:59"), python="3.12", platform="linux"
    )
    assert cell.requirements == ("alpha", "beta[full]==1.0", "gamma")
    assert cell.exclude_newer == moment("2025-03-10", "23:59:59")
    assert (cell.policy, cell.label) == ("baseline", "beta[full] 1.0 in its own time, 2025-03-10")
    assert baseline_cell("beta", "1.0", (), None, python="3.12", platform="linux").exclude_newer is None
