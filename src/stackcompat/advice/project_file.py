"""The requirements of a pyproject.toml, also those that only uv, pdm or poetry know. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from packaging.dependency_groups import DependencyGroupResolver
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from stackcompat.advice.document import Asked, listed, table
from stackcompat.advice.listing import WHY_NOT, Entry, is_version, where_it_applies
from stackcompat.advice.requirement_lines import Included, of_line

__all__ = ["of_poetry", "project_entries"]


def project_entries(document: Mapping[str, Any], asked: Asked) -> Iterator[Entry | Included]:
    """The requirements of a pyproject.toml. Those of extras and groups that nobody asked for are named as optional.

    Args:
        document: The file.
        asked: The parts of it that are read.
    """
    project, tool = table(document, "project"), table(document, "tool")
    for text in listed(project.get("dependencies")):
        yield of_line(str(text), asked.python, asked.extras)
    for key in ("dependencies", "optional-dependencies"):
        if key in listed(project.get("dynamic")):
            yield Entry(f"dynamic {key}", kind="unread", why="known only when the project is built")
    yield from _of_extras(project, asked)
    groups = table(document, "dependency-groups")
    for group in groups:
        for text in _group(groups, group):
            yield _of_group(text, group, asked)
    for text in listed(table(tool, "uv").get("dev-dependencies")):
        yield _of_group(str(text), "dev", asked)
    for key in ("constraint-dependencies", "override-dependencies"):
        for text in listed(table(tool, "uv").get(key)):
            entry = of_line(str(text), asked.python, asked.extras)
            yield entry._replace(constraint=True)
    for group, texts in table(table(tool, "pdm"), "dev-dependencies").items():
        for text in listed(texts):
            yield _of_group(str(text), group, asked)
    if "pixi" in tool:
        yield Entry("[tool.pixi]", kind="unread", why="its tables are not read; pixi.lock is")
    yield from _poetry_entries(table(tool, "poetry"), asked)


def _of_extras(project: Mapping[str, Any], asked: Asked) -> Iterator[Entry | Included]:
    extras: dict[str, object] = {}
    for extra, texts in table(project, "optional-dependencies").items():
        extras[canonicalize_name(extra)] = texts
    wanted: set[str] = set()
    todo: list[str] = [*map(canonicalize_name, asked.extras)]
    while todo:  # an extra that names the project itself takes in other extras
        extra = todo.pop()
        if extra not in wanted:
            wanted.add(extra)
            for text in listed(extras.get(extra)):
                todo += _own_extras(str(text), project)
    for extra, texts in extras.items():
        for text in map(str, listed(texts)):
            if extra not in wanted:
                yield _optional(text, f"only with --extra {extra}")
            elif not _own_extras(text, project):
                yield of_line(text, asked.python, asked.extras)


def _own_extras(text: str, project: Mapping[str, Any]) -> list[str]:
    """The extras of the project itself that a requirement names."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return []
    own = canonicalize_name(requirement.name) == canonicalize_name(str(project.get("name", "")))
    return [*map(canonicalize_name, requirement.extras)] if own else []


def _group(groups: Mapping[str, Any], group: str) -> list[str]:
    """The requirements of a dependency group, with those of the groups that it includes."""
    try:
        return [str(requirement) for requirement in DependencyGroupResolver(groups).resolve(group)]
    except (ValueError, LookupError, TypeError, ExceptionGroup):
        return [str(text) for text in listed(groups[group])]


def _of_group(text: str, group: str, asked: Asked) -> Entry | Included:
    if canonicalize_name(group) in map(canonicalize_name, asked.groups):
        return of_line(text, asked.python, asked.extras)
    return _optional(text, f"only with --group {group}")


def _optional(text: str, why: str) -> Entry:
    try:
        name = Requirement(text).name
    except InvalidRequirement:
        name = ""
    return Entry(text, name, kind="optional", why=why)


# ---------------------------------------------------------------------------------------------------------------------
# poetry
# ---------------------------------------------------------------------------------------------------------------------


def _poetry_entries(poetry: Mapping[str, Any], asked: Asked) -> Iterator[Entry]:
    wanted = {canonicalize_name(extra) for extra in asked.extras}
    chosen = {
        canonicalize_name(str(name))
        for extra, names in table(poetry, "extras").items()
        if canonicalize_name(extra) in wanted
        for name in listed(names)
    }
    groups = {group: table(facts, "dependencies") for group, facts in table(poetry, "group").items()}
    if "dev-dependencies" in poetry:
        groups["dev"] = {**table(poetry, "dev-dependencies"), **groups.get("dev", {})}
    for group, needs in {"": table(poetry, "dependencies"), **groups}.items():
        asked_for = not group or canonicalize_name(group) in map(canonicalize_name, asked.groups)
        for name, wishes in needs.items():
            for wish in wishes if isinstance(wishes, list) else [wishes]:
                if name == "python":
                    continue
                entry = _of_wish(name, wish, asked)
                optional = isinstance(wish, Mapping) and wish.get("optional") is True
                if not asked_for:
                    yield Entry(entry.text, name, kind="optional", why=f"only with --group {group}")
                elif optional and canonicalize_name(name) not in chosen:
                    yield Entry(entry.text, name, kind="optional", why=WHY_NOT["optional"])
                else:
                    yield entry


def _of_wish(name: str, wish: object, asked: Asked) -> Entry:
    """The entry of a requirement of poetry; a version without an operator is exact."""
    facts = wish if isinstance(wish, Mapping) else {"version": wish}
    version = str(facts.get("version", ""))
    text = f'{name} = "{version}"'
    markers = [str(facts["markers"])] if "markers" in facts else []
    if python := str(facts.get("python", "")):
        markers += [f"python_full_version {bound}" for bound in _bounds(of_poetry(python))]
    if any(where_it_applies([marker], asked.python, asked.extras) for marker in markers):
        return Entry(text, name, kind="elsewhere", why=WHY_NOT["elsewhere"])
    exact = version.removeprefix("==").strip()
    if is_version(exact):
        return Entry(text, name, exact)
    if "version" not in facts:
        return Entry(text, name, kind="loose", why="an address or a path, no version")
    return Entry(text, name, kind="loose", why="no exact version", bounds=of_poetry(version))


def _bounds(specifier: str) -> list[str]:
    return [f"{one.operator} '{one.version}'" for one in SpecifierSet(specifier)]


def of_poetry(text: str) -> str:
    """The specifier that a constraint of poetry means, such as ``>=1.2,<2`` for ``^1.2``; empty: it allows anything.

    A constraint with alternatives (``||``) counts as one that allows anything.
    """
    for mark in "<>=~^!":
        text = text.replace(f"{mark} ", mark)
    bounds = [_of_bound(part) for part in text.replace(" ", ",").split(",") if part not in ("", "*")]
    try:
        return str(SpecifierSet(",".join(bounds)))
    except InvalidSpecifier:
        return ""


def _of_bound(bound: str) -> str:
    bare = bound.lstrip("^~")
    try:
        release = [*Version(bare).release]
    except InvalidVersion:
        return f"=={bound}" if bound[:1].isdigit() else bound
    if bound.startswith("^"):  # up to the next change of the first number that is not 0
        place = next((place for place, number in enumerate(release) if number), len(release) - 1)
    elif bound.startswith("~") and not bound.startswith("~="):
        place = min(1, len(release) - 1)
    else:
        return f"=={bound}" if bound[:1].isdigit() else bound
    above = ".".join(map(str, [*release[:place], release[place] + 1]))
    return f">={bare},<{above}"
