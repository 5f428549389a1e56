"""Reads the versions of an environment: from a lock, from a project, or from the live environment itself.

Markers are evaluated for this machine and for one Python. A line for another one is named.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from packaging.utils import canonicalize_name
from pydantic import TypeAdapter

from stackcompat.advice.document import Asked, needs_of_document
from stackcompat.advice.listing import Entry, Listed, collect, only_python
from stackcompat.advice.lock_documents import json_entries, python_of_document, toml_entries, yaml_entries
from stackcompat.advice.requirement_lines import Included, of_lines, python_of_head
from stackcompat.advice.sbom import needs_of_sbom
from stackcompat.core.documents import NotReadable, parse_json, parse_toml, parse_yaml
from stackcompat.core.errors import UsageError
from stackcompat.core.files import read_given
from stackcompat.core.programs import ask_program
from stackcompat.core.requirements import name_of

__all__ = ["read_environment", "read_file", "read_text"]

_FORMS = (
    "requirements.txt, pip freeze, pip list or uv tree, pyproject.toml, uv.lock, poetry.lock, pylock.toml, "
    "Pipfile.lock, pixi.lock, conda list (also with --export or --explicit), conda-lock.yml, environment.yml, "
    "or an SBOM in JSON (CycloneDX or SPDX)"
)


class _Form(NamedTuple):
    """A form of documents.

    Attributes:
        name: Its name.
        load: What reads it. It raises NotReadable for a text in another form.
        entries: What lists the packages of a document.
        keys: Keys one of which is in each of the documents that are known; none for a list.
    """

    name: str
    load: Callable[[str], Any]
    entries: Callable[[Any, Asked], Iterator[Entry | Included]]
    keys: frozenset[str]


_JSON = _Form("JSON", parse_json, json_entries, frozenset())
_TOML = _Form(
    *("TOML", parse_toml, toml_entries),
    frozenset(("dependency-groups", "lock-version", "package", "packages", "project", "tool")),
)
_YAML = _Form("YAML", parse_yaml, yaml_entries, frozenset(("dependencies", "environments", "package")))

#: The forms that the name of a file tells, by its ending. Any other file is told by its content.
_ENDINGS = {
    ".yml": _YAML,
    ".yaml": _YAML,
    "pixi.lock": _YAML,
    ".json": _JSON,
    "Pipfile.lock": _JSON,
    ".toml": _TOML,
    "uv.lock": _TOML,
    "poetry.lock": _TOML,
    "pdm.lock": _TOML,
}


#: How deep files can include each other.
_DEEPEST = 50


def read_file(path: Path, asked: Asked = Asked(), content: bytes | None = None) -> Listed:  # noqa: B008  # it never changes
    """The versions that a file pins, and every line that pins none.

    Args:
        path: The file.
        asked: The Python that it is for, and the extras and groups to read.
        content: What is in it, where that was read already, as standard input is.

    Raises:
        UsageError: The file cannot be read, or is in none of the forms that are known.
    """
    text = read_text(path, content)
    form, document = _document(path, text)
    if form is None:
        listed = collect(_lines(path, text, asked, _project_of(path)), python_of_head(text))
        _refuse_prose(path, listed)
    else:
        try:
            entries = [_resolved(path, entry, asked, _project_of(path)) for entry in form.entries(document, asked)]
        except UsageError as error:
            raise UsageError(f"FILE: {path} cannot be used: {error}; allowed are {_FORMS}") from None
        listed = collect((entry for several in entries for entry in several), python_of_document(document))
        listed = listed._replace(needs=needs_of_sbom(document) or needs_of_document(document))
    if not listed.versions and not listed.lines:
        raise UsageError(f'FILE: {path} pins nothing, as "alpha==1.2.3" does; allowed are {_FORMS}')
    return _with_conda_python(listed)


def _refuse_prose(path: Path, listed: Listed) -> None:
    """Refuse lines of which no one gives a version or bounds, and some are not understood.

    Raises:
        UsageError: They are such lines.
    """
    strange = next((line.text for line in listed.lines if line.why == "not understood"), "")
    says_nothing = all(
        line.kind in ("option", "unread") or (line.kind == "loose" and not listed.loose.get(line.name))
        for line in listed.lines
    )
    if strange and says_nothing and not listed.versions:
        line = strange if len(strange) < 60 else f"{strange[:57]}..."
        raise UsageError(f'FILE: {path} cannot be used: its line "{line}" is no requirement; allowed are {_FORMS}')


def _with_conda_python(listed: Listed) -> Listed:
    """The list; where conda lists a Python among the packages, that is the Python that the file is for."""
    versions, loose = dict(listed.versions), dict(listed.loose)
    exact, bounds = versions.pop("python", ""), loose.pop("python", "")
    named = only_python(f"=={exact}" if exact else bounds)
    lines = tuple(line for line in listed.lines if line.name != "python")
    return listed._replace(versions=versions, lines=lines, loose=loose, python=listed.python or named)


def read_text(path: Path, content: bytes | None = None) -> str:
    """The text of a file, with the ends of lines of Unix.

    Args:
        path: The file.
        content: What is in it, where that was read already.

    Raises:
        UsageError: The file cannot be read, or is not text.
    """
    try:
        content = read_given(path) if content is None else content
    except OSError as error:
        raise UsageError(f"FILE: {path} cannot be read: {error.strerror}") from None
    try:
        wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))  # Windows PowerShell writes redirected output so
        text = content.decode("utf-16" if wide else "utf-8")
        return text.lstrip("\ufeff").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise UsageError(f"FILE: {path} is not text; allowed are {_FORMS}") from None


def _document(path: Path, text: str) -> tuple[_Form | None, Any]:
    """The form of a file and its document; no form: it consists of lines.

    Raises:
        UsageError: The file is not in the form that its name or its beginning tells.
    """
    told = next((form for ending, form in _ENDINGS.items() if path.name.endswith(ending)), None)
    if text.lstrip().startswith("{") and told is not _YAML:
        told = _JSON
    if told is not None:
        try:
            return told, told.load(text)
        except NotReadable as error:
            raise UsageError(f"FILE: {path} is not valid {told.name}: {error}") from None
    for form in (_JSON, _TOML, _YAML):
        try:
            document = form.load(text)
        except NotReadable:
            continue
        if form is _JSON and isinstance(document, list):
            return form, document
        if isinstance(document, Mapping) and document.keys() & form.keys:
            return form, document
    return None, None


def _lines(
    path: Path, text: str, asked: Asked, project: Collection[Path], within: frozenset[Path] = frozenset()
) -> Iterator[Entry]:
    """The entries of a file that consists of lines, with those of the files that it includes.

    Args:
        path: The file.
        text: Its content.
        asked: The parts of it that are read.
        project: The folders whose files it can include.
        within: The files that lead to this one; none of them is read again.
    """
    for entry in of_lines(text, asked.python, asked.extras):
        yield from _resolved(path, entry, asked, project, within | {path.resolve()})


def _resolved(
    path: Path,
    entry: Entry | Included,
    asked: Asked,
    project: Collection[Path],
    within: frozenset[Path] = frozenset(),
) -> Iterator[Entry]:
    """The entry, or those of the file that it includes."""
    if isinstance(entry, Entry):
        yield _with_name_of_project(path, entry)
    elif "://" in entry.path:
        yield Entry(entry.text, kind="unread", why="a file at an address is not read")
    else:
        try:
            included = (path.parent / entry.path).resolve()
        except (ValueError, OSError, RuntimeError):  # a NUL, a name that is too long, a circle of links
            yield Entry(entry.text, kind="unread", why="no file can be called so")
            return
        if not any(included.is_relative_to(folder) for folder in project):
            yield Entry(entry.text, kind="unread", why="a file outside of the project is not read")
        elif len(within) > _DEEPEST:
            raise UsageError(f"FILE: {path} cannot be used: its files include each other {_DEEPEST} deep")
        elif included not in within:
            for deeper in _lines(included, read_text(included), asked, project, within):
                yield deeper._replace(constraint=True) if entry.constraint else deeper


def _project_of(path: Path) -> list[Path]:
    """The folders whose files a file can include: that of the repository it is in, or else its own and this one."""
    own = path.resolve().parent
    repository = next((folder for folder in (own, *own.parents) if (folder / ".git").exists()), None)
    return [repository or own, *(here for here in [Path.cwd()] if own.is_relative_to(here))]


def _with_name_of_project(path: Path, entry: Entry) -> Entry:
    """The entry; where it is a folder with a pyproject.toml, with the name of the project."""
    if entry.kind != "unread":
        return entry
    place = entry.text.removeprefix("-e").removeprefix("--editable").lstrip(" =").partition("[")[0]
    try:
        document = parse_toml(read_given(path.parent / place / "pyproject.toml").decode())
        name = str(document["project"]["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return entry
    return Entry(entry.text, name, kind="project", why="a project in a folder, no version")


#: Lists as JSON the installed distributions and their requirements; it runs in the environment's own interpreter.
_LIST = """
import importlib.metadata as m, json, sys
found = {d.metadata["Name"]: [d.version or "", d.requires or []] for d in m.distributions() if d.metadata["Name"]}
print(json.dumps(["%d.%d" % sys.version_info[:2], found]))
"""


#: What an interpreter answers: its version, and of each distribution the version and what it requires.
_ANSWER = TypeAdapter(tuple[str, dict[str, tuple[str, list[str]]]])


#: The seconds that an interpreter may take to list its distributions.
_PATIENCE = 60.0


def read_environment(place: Path) -> Listed:
    """The distributions of a live environment.

    Args:
        place: Its folder or its interpreter.

    Raises:
        UsageError: It is neither, or cannot be run.
    """
    python = place / "bin" / "python" if place.is_dir() else place
    if not python.exists():
        raise UsageError(f"--env: {place} is not an environment; give its folder (with bin/python) or its interpreter")
    try:
        done = ask_program([str(python.absolute()), "-I", "-c", _LIST], seconds=_PATIENCE)
    except OSError as error:
        raise UsageError(f"--env: {python} cannot be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise UsageError(f"--env: {python} did not answer within {_PATIENCE:.0f} s; is it a Python?") from None
    try:
        version, listed = _ANSWER.validate_json(done.stdout)
    except ValueError:
        raise UsageError(f"--env: {python} is not a Python interpreter") from None
    versions: dict[str, str] = {canonicalize_name(name): text for name, (text, _) in listed.items() if text}
    needs: dict[str, frozenset[str]] = {}
    for name, (_, requires) in listed.items():
        needs[canonicalize_name(name)] = frozenset(map(name_of, requires))
    return Listed(versions, python=version, needs=needs)
