"""The components of an environment, in the words of the table. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from packaging.version import Version

from stackcompat.advice.set_knowledge import SetKnowledge, parsed
from stackcompat.core.requirements import version_key
from stackcompat.table.vocabulary import titled

__all__ = ["ComponentSet", "release_words", "set_of"]


@dataclass
class ComponentSet:
    """The components of an environment.

    Attributes:
        installed: The distributions of the environment. A local build of a component has the version of its release.
        components: Its components, name to version.
        versions: The same, comparable.
        builds: The components that are local builds, with the version of the build.
    """

    installed: Mapping[str, str]
    components: dict[str, str]
    versions: dict[str, Version]
    builds: dict[str, str] = field(default_factory=dict)


def set_of(listed: Mapping[str, str], knowledge: SetKnowledge) -> ComponentSet:
    """The components of an environment. Of several with one distribution, only the first counts.

    Args:
        listed: Distribution to version.
        knowledge: The table.
    """
    installed = dict(listed)
    components: dict[str, str] = {}
    builds: dict[str, str] = {}
    distributions = set()
    for row in knowledge.summary.components:
        name = row.distribution
        if not name or name not in installed or name in distributions:
            continue
        distributions.add(name)
        version = version_key(installed[name])
        tried = knowledge.tried.get(row.name, {})
        if version.local and version not in tried:
            builds[row.name] = installed[name]
            version = version_key(version.public)
        components[row.name] = installed[name] = tried.get(version, installed[name].partition("+")[0])
    return ComponentSet(installed, components, parsed(components), builds)


def release_words(versions: Mapping[str, str], titles: Mapping[str, str]) -> str:
    """Releases that are installed together: ``Alpha 1.2 with Beta 2.0``."""
    return " with ".join(f"{titled(titles, name)} {version}" for name, version in versions.items())
