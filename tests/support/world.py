"""A made-up index, and short ways to write components and matrices, for tests of planning and locking."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.version import Version

from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.releases import Project, Release
from stackcompat.plan.matrix import Matrix

__all__ = ["World", "components", "day", "matrix"]


def day(text: str) -> dt.datetime:
    """Noon of a day such as ``2026-09-20``, UTC."""
    return dt.datetime.fromisoformat(f"{text}T12:00:00+00:00")


class World:
    """A catalog of what `projects` says: name to version to the day of its upload, or to more about the release.

    More is a table with `uploaded`, and as wanted `requires` (requirement texts), `python` (a specifier) and `yanked`.
    """

    def __init__(self, projects: Mapping[str, Mapping[str, str | Mapping[str, Any]]]) -> None:
        self._projects: dict[str, Project] = {}
        self._requires: dict[tuple[str, str], tuple[Requirement, ...]] = {}
        for name, versions in projects.items():
            releases = []
            for version, given in versions.items():
                about: Mapping[str, Any] = {"uploaded": given} if isinstance(given, str) else given
                self._requires[name, version] = tuple(Requirement(text) for text in about.get("requires", ()))
                releases.append(
                    Release(
                        version=version,
                        uploaded=day(about["uploaded"]),
                        yanked=about.get("yanked", False),
                        requires_python=about.get("python", ""),
                    )
                )
            releases.sort(key=lambda release: Version(release.version))
            self._projects[name] = Project(name=name, releases=tuple(releases))

    def project(self, name: str) -> Project:
        """The releases of `name`."""
        return self._projects.get(name, Project(name=name, releases=()))

    def requires(self, name: str, version: str) -> tuple[Requirement, ...]:
        """What the release requires."""
        return self._requires.get((name, version), ())


def components(*names: str, **moves_with: str) -> Components:
    """A component for each name, with a distribution of that name; `moves_with` maps a name to the one it follows."""
    rows = [
        {
            "name": name,
            "title": name.title(),
            "summary": f"does {name}",
            "group": "core",
            "distributions": [name],
            "documentation": f"https://{name}.example",
            "moves-with": moves_with.get(name, ""),
        }
        for name in names
    ]
    return Components.model_validate({"components": rows})


def matrix(rows: Components, *policies: Mapping[str, Any], pythons: tuple[str, ...] = ("3.12",)) -> Matrix:
    """A matrix of all components with these policies, as read from ``made.toml``."""
    fields = {"title": "made up", "components": rows.names(), "pythons": pythons, "policies": list(policies)}
    return Matrix.model_validate(fields).read_from(Path("made.toml"))
