"""What the readers of documents in TOML, JSON and YAML share. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from packaging.utils import canonicalize_name

from stackcompat.advice.listing import of_file_name
from stackcompat.core.requirements import name_of

__all__ = ["Asked", "items", "listed", "needs_of_document", "table"]


class Asked(NamedTuple):
    """The parts of a file that are read.

    Attributes:
        python: The Python, such as ``3.12``; None: this one.
        extras: Extras to read too.
        groups: Dependency groups to read too; of a pixi.lock the environment to read.
    """

    python: str | None = None
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


def table(document: Any, key: str) -> Mapping[str, Any]:
    """The table at a key; empty where there is none."""
    found = document.get(key) if isinstance(document, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def listed(value: object) -> list[object]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def items(value: object) -> list[Mapping[str, Any]]:
    """The tables in a list."""
    return [item for item in listed(value) if isinstance(item, Mapping)]


def needs_of_document(document: Any) -> dict[str, frozenset[str]]:
    """The distributions that each package of a lock in TOML or YAML declares to need."""
    needs: dict[str, frozenset[str]] = {}
    for key in ("package", "packages"):
        for package in items(document.get(key) if isinstance(document, Mapping) else None):
            file = str(package.get("conda") or package.get("pypi") or "").rpartition("/")[2]  # of a pixi.lock
            name = canonicalize_name(str(package.get("name") or of_file_name(file)[0]))
            own = {"virtual", "editable"} & table(package, "source").keys()  # the project itself
            found = [_names(package.get(key)) for key in ("dependencies", "depends", "requires_dist") if not own]
            needs[name] = needs.get(name, frozenset()).union(*found)
    # A lock in which no package needs another one does not say what its packages need.
    return needs if any(needs.values()) else {}


def _names(dependencies: object) -> frozenset[str]:
    """The names in a list of tables with names, in a table by name, or in a list of requirements."""
    if isinstance(dependencies, Mapping):
        return frozenset(canonicalize_name(str(name)) for name in dependencies)
    texts = [item.get("name", "") if isinstance(item, Mapping) else item for item in listed(dependencies)]
    return frozenset(name_of(str(text)) for text in texts)
