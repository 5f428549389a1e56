"""Locks and project files: TOML, JSON and YAML as uv, poetry, pip, pipenv, pixi and conda write them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from packaging.requirements import Requirement

from stackcompat.advice.document import Asked, items, listed, table
from stackcompat.advice.listing import (
    WHY_NOT,
    Entry,
    of_file_name,
    of_requirement,
    only_python,
    pinned,
    where_it_applies,
)
from stackcompat.advice.project_file import of_poetry, project_entries
from stackcompat.advice.requirement_lines import Included, of_line, of_match_spec
from stackcompat.advice.sbom import is_sbom, sbom_entries
from stackcompat.advice.toml_locks import lock_entries, pylock_entries
from stackcompat.core.errors import UsageError

__all__ = ["json_entries", "python_of_document", "toml_entries", "yaml_entries"]

#: How pixi and conda name this kind of machine.
_PLATFORM = "linux-64"


def toml_entries(document: Mapping[str, Any], asked: Asked) -> Iterator[Entry | Included]:
    """The packages of a uv.lock, poetry.lock, pdm.lock or pylock.toml, or the requirements of a pyproject.toml.

    Args:
        document: The file.
        asked: The parts of it that are read.

    Raises:
        UsageError: The file is a pylock.toml that breaks the rules for it, or a lock of another language.
    """
    if any(key in document for key in ("project", "dependency-groups", "tool")):
        yield from project_entries(document, asked)
    if isinstance(document.get("packages"), list):
        yield from pylock_entries(document, asked)
    yield from lock_entries(document, asked)


def python_of_document(document: Any) -> str:
    """The only Python that a file is for, such as ``3.12``; empty: it names none, or several."""
    if not isinstance(document, Mapping):
        return ""
    poetry = table(table(document, "tool"), "poetry")
    specifiers: list[object] = [
        document.get("requires-python"),
        table(document, "project").get("requires-python"),
        table(document, "metadata").get("requires_python"),  # pdm.lock
    ]
    for text in (table(document, "metadata").get("python-versions"), table(poetry, "dependencies").get("python")):
        specifiers.append(of_poetry(text) if isinstance(text, str) else None)
    for facts in (table(table(document, "_meta"), "requires"), table(document, "environment")):  # pipenv, pip inspect
        specifiers += [f"=={facts[key]}" for key in ("python_full_version",) if key in facts]
        specifiers += [f"=={facts[key]}.*" for key in ("python_version",) if key in facts]
    return next((found for text in specifiers if isinstance(text, str) and (found := only_python(text))), "")


def json_entries(document: Any, asked: Asked) -> Iterator[Entry | Included]:
    """The packages of a Pipfile.lock, an SBOM, or what pip and conda print as JSON.

    These are ``pip list``, ``pip inspect``, ``conda list`` and ``conda env export``.

    Args:
        document: The file.
        asked: The parts of it that are read.

    Raises:
        UsageError: The file is none of these.
    """
    sbom = table(document, "sbom") or document  # code hosts wrap the SPDX that they export
    if is_sbom(sbom):
        yield from sbom_entries(sbom)
    elif isinstance(document, Mapping) and ("default" in document or "develop" in document):
        yield from _pipfile_entries(document, asked)
    elif isinstance(document, Mapping) and isinstance(document.get("dependencies"), list):
        yield from _environment_entries(document["dependencies"], asked)
    else:
        inspected = listed(document.get("installed")) if isinstance(document, Mapping) else []
        packages = [table(package, "metadata") for package in inspected] or listed(document)
        if not any(isinstance(package, Mapping) and "name" in package for package in packages):
            raise UsageError("it is JSON, but no Pipfile.lock, no SBOM and no list of packages with names and versions")
        for package in packages:
            yield _of_facts(package if isinstance(package, Mapping) else {"version": package})


def _of_facts(package: Mapping[str, Any]) -> Entry:
    """The entry of a package with a name and a version."""
    name, version = str(package.get("name", "")), str(package.get("version", ""))
    text = f"{name} {version}".strip()
    return pinned(text, name, version) if name else Entry(text, kind="unread", why="no name")


def yaml_entries(document: Any, asked: Asked) -> Iterator[Entry | Included]:
    """The packages of a pixi.lock, a conda-lock.yml or an environment.yml.

    Args:
        document: The file.
        asked: The parts of it that are read.

    Raises:
        UsageError: The file is none of these.
    """
    if isinstance(document, Mapping) and isinstance(document.get("environments"), Mapping):
        yield from _pixi_entries(document, asked)
    elif isinstance(document, Mapping) and isinstance(document.get("package"), list):
        for package in items(document["package"]):
            yield _of_conda_lock(package, asked)
    elif isinstance(document, Mapping) and isinstance(document.get("dependencies"), list):
        yield from _environment_entries(document["dependencies"], asked)
    else:
        raise UsageError("it is YAML, but no environment.yml, pixi.lock or conda-lock.yml")


# ---------------------------------------------------------------------------------------------------------------------
# Pipfile.lock, environment.yml, pixi.lock
# ---------------------------------------------------------------------------------------------------------------------


def _pipfile_entries(document: Mapping[str, Any], asked: Asked) -> Iterator[Entry]:
    for section in (key for key in document if key != "_meta"):
        for name, package in table(document, section).items():
            facts = package if isinstance(package, Mapping) else {}
            version = str(facts.get("version", ""))
            text = f"{name}{version}"
            marker = facts.get("markers")
            if section != "default" and section not in asked.groups:
                yield Entry(text, name, kind="optional", why=f"only with --group {section}")
            elif where_it_applies([marker] if isinstance(marker, str) else [], asked.python, asked.extras):
                yield Entry(text, name, kind="elsewhere", why="for another Python or machine")
            elif not version:
                yield Entry(text, name, kind="loose", why="an address, no version")
            else:
                yield of_requirement(Requirement(f"{name}{version}"), text, asked.python, asked.extras)


def _environment_entries(dependencies: list[object], asked: Asked) -> Iterator[Entry | Included]:
    """The entries of ``dependencies`` in an environment.yml, with those for pip."""
    for dependency in dependencies:
        if not isinstance(dependency, Mapping):
            yield of_match_spec(str(dependency), asked.python)
            continue
        for key, texts in dependency.items():
            for text in texts if isinstance(texts, list) else [texts]:
                if key != "pip":
                    yield Entry(f"{key}: {text}", kind="unread", why="neither conda's nor pip's")
                elif text:
                    yield of_line(str(text), asked.python, asked.extras)


def _of_conda_lock(package: Mapping[str, Any], asked: Asked) -> Entry:
    """The entry of a package in a conda-lock.yml; its category is the group that it is for."""
    entry = _of_facts(package)
    if package.get("platform", _PLATFORM) != _PLATFORM:
        return Entry(entry.text, entry.name, kind="elsewhere", why=WHY_NOT["elsewhere"])
    category = str(package.get("category", "main"))
    if category not in ("main", *asked.groups, *asked.extras):
        return Entry(entry.text, entry.name, kind="optional", why=f"only with --group {category}")
    return entry


def _pixi_entries(document: Mapping[str, Any], asked: Asked) -> Iterator[Entry]:
    """The packages of one environment on this kind of machine: that of --group, or the default one, or the first."""
    environments = document["environments"]
    chosen = next((name for name in (*asked.groups, "default", *environments) if name in environments), "")
    facts = {_address(package): package for package in items(document.get("packages"))}
    kinds = {str(one.get("name")): str(one.get("subdir", one.get("name"))) for one in items(document.get("platforms"))}
    for name, environment in environments.items():
        platforms = table(environment, "packages")
        ours = [platform for platform in platforms if kinds.get(platform, platform) == _PLATFORM]
        platform_read = _PLATFORM if _PLATFORM in ours else next(iter(ours), "")
        for platform, packages in platforms.items():
            for package in items(packages):
                entry = _of_pixi(facts.get(_address(package), package), _address(package))
                if name != chosen:
                    yield entry._replace(version="", kind="optional", why=f"only with --group {name}")
                elif platform != platform_read:
                    yield entry._replace(version="", kind="elsewhere", why=WHY_NOT["elsewhere"])
                else:
                    yield entry


def _address(package: Mapping[str, Any]) -> str:
    found = (package.get(key) for key in ("conda", "pypi", "conda_source", "url"))
    return next((str(address) for address in found if address), "")


def _of_pixi(package: Mapping[str, Any], address: str) -> Entry:
    """The entry of a package: by its name and version, or by the name of its file."""
    if "conda_source" in package:  # such as "alpha[0a1b] @ ./alpha"
        return Entry(address, address.partition("[")[0].strip(), kind="project", why="built from its source")
    name, version = of_file_name(address.partition("#")[0].rpartition("/")[2])
    name, version = str(package.get("name", name)), str(package.get("version", version))
    if not name:
        return Entry(address, kind="unread", why="an address or a path without a name")
    return pinned(f"{name} {version}".strip(), name, version)
