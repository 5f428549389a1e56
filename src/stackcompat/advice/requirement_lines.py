"""Lines as pip, uv and conda write them: requirements, freezes, lists and trees. Pure.

pip's rules hold: a line ends with a backslash where it goes on, a comment begins with a hash sign after white space.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from itertools import takewhile
from typing import NamedTuple
from urllib.parse import parse_qs, urldefrag

from packaging.requirements import InvalidRequirement, Requirement

from stackcompat.advice.listing import Entry, is_version, of_file_name, of_requirement, pinned
from stackcompat.core.requirements import name_of

__all__ = ["Included", "of_conda", "of_line", "of_lines", "of_match_spec", "python_of_head"]


class Included(NamedTuple):
    """Another file that a line names: by ``-r``, or as a `constraint` by ``-c``."""

    text: str
    path: str
    constraint: bool


#: Options that name something, with their long forms.
_NAMING = {"-r": "--requirement", "-c": "--constraint", "-e": "--editable"}


#: The characters that ``uv tree`` draws before a name.
_BRANCHES = "│├└─ "


#: A Python that the comment at the head of a lock names: the tool that wrote it, or the command.
_PYTHON_IN_COMMENT = re.compile(r"(?i)\b(?:python|python-version|-p)[ =]+(3\.\d+)\b")


def of_lines(text: str, python: str | None, extras: Collection[str]) -> Iterator[Entry | Included]:
    """The entry of each line. Blank lines, comments, the heads of tables and legends have none.

    Args:
        text: The lines.
        python: The Python that they are for, such as ``3.12``; None: this one.
        extras: The extras that were asked for.
    """
    for line in _joined(text):
        words = line.split()
        comment = next((place for place, word in enumerate(words) if word.startswith("#")), len(words))
        bare = " ".join(words[:comment])
        if bare and not _says_nothing(bare):
            yield of_line(bare, python, extras)


def _joined(text: str) -> Iterator[str]:
    """The lines, each with those that it goes on in. A comment does not go on."""
    begun = ""
    for line in text.splitlines():
        if line.endswith("\\") and not line.lstrip().startswith("#"):
            begun += line.removesuffix("\\") + " "
        else:
            yield begun + line
            begun = ""
    yield begun


def of_line(text: str, python: str | None, extras: Collection[str]) -> Entry | Included:
    """The entry of one line.

    Args:
        text: The line, without its comment.
        python: The Python that it is for, such as ``3.12``; None: this one.
        extras: The extras that were asked for.
    """
    if text.startswith("-"):
        return _of_option(text)
    text = text.lstrip(_BRANCHES)
    words = text.replace(", ", ",").split()  # uv tree puts spaces between extras
    options = next((place for place, word in enumerate(words) if word.startswith("--")), len(words))
    requirement = " ".join(words[:options])
    return (
        _of_columns(words[:options], text)
        or of_conda(requirement)
        or _of_place(requirement, text)
        or _of_requirement(requirement, text, python, extras)
    )


def of_conda(text: str) -> Entry | None:
    """The entry of conda's ``name=version`` or ``name=version=build``, with or without a channel; None: it is neither.

    A single equals sign takes every version that begins so; three numbers are as good as exact.
    """
    name, *parts = text.rpartition("::")[2].split("=")
    if not parts or "" in parts or len(parts) > 2 or " " in text or not re.fullmatch(r"[\w.-]+", name):
        return None
    version, *build = parts
    if is_version(version) and (build or version.count(".") >= 2):
        return Entry(text, name, version)
    bounds = f"=={version.rstrip('.*')}.*" if version[0].isdigit() and "|" not in version else ""
    return Entry(text, name, kind="loose", why="no exact version", bounds=bounds)


def of_match_spec(text: str, python: str | None) -> Entry:
    """The entry of a conda requirement, as an environment.yml has it: ``alpha``, ``alpha=1.2.3`` or ``alpha >=1,<2``.

    Args:
        text: The requirement.
        python: The Python that it is for, such as ``3.12``; None: this one.
    """
    bare = " ".join(text.rpartition("::")[2].split())
    for mark in ",<>=!~":
        bare = bare.replace(f"{mark} ", mark).replace(f" {mark}", mark)
    name = "".join(takewhile(lambda letter: letter.isalnum() or letter in "._-", bare))
    version = bare.removeprefix(name).strip()
    if not name:
        return Entry(text, kind="unread", why="not understood")
    if found := of_conda(name + version):
        return found._replace(text=text)
    bounds, _, build = version.partition(" ")
    if not build and bounds.startswith("=="):
        bounds = "==" + bounds.removeprefix("==").partition("=")[0]
    elif bounds[:1].isdigit():
        bounds = f"=={bounds}"
    try:
        return of_requirement(Requirement(name + bounds.removeprefix("*")), text, python, ())
    except InvalidRequirement:
        return Entry(text, name, kind="loose", why="no exact version")


def python_of_head(text: str) -> str:
    """The Python that the comments at the head of a file name, such as ``3.12``; empty: they name none."""
    for line in text.splitlines():
        if not line.startswith("#"):
            return ""
        if found := _PYTHON_IN_COMMENT.search(line):
            return found[1]
    return ""


def _says_nothing(line: str) -> bool:
    """Whether a line is the head of a table, or the legend of ``uv tree``."""
    return (
        line.split()[:2] in (["Package", "Version"], ["Name", "Version"]) or not line.strip("- ") or line[:3] == "(*)"
    )


def _of_option(text: str) -> Entry | Included:
    """The entry of a line that begins with an option of pip."""
    for short, long in _NAMING.items():
        for option in (long, short):
            if text.startswith(option) and not (option == short and text.startswith("--")):
                value = text.removeprefix(option).lstrip(" =").strip("'\"")
                return _of_editable(value, text) if short == "-e" else Included(text, value, constraint=short == "-c")
    return Entry(text, kind="option", why="an option")


def _of_editable(place: str, text: str) -> Entry:
    """The entry of an editable project: its name, if the address has it."""
    _, fragment = urldefrag(place)
    name = name_of((parse_qs(fragment).get("egg") or [""])[0])
    if not name and " @ " in place:
        name = place.partition(" @ ")[0].partition("[")[0]
    if not name:
        return Entry(text, kind="unread", why="a project whose name is not told")
    return Entry(text, name, kind="project", why="an editable project, no version")


def _of_columns(words: list[str], text: str) -> Entry | None:
    """The entry of a row of a list (name, version, and what else it shows) or of a branch of a tree."""
    if len(words) < 2 or not is_version(words[1]) or not re.fullmatch(r"[\w.\[\],-]+", words[0]):
        return None
    return pinned(text, words[0].partition("[")[0], words[1].removeprefix("v"))


def _of_place(requirement: str, text: str) -> Entry | None:
    """The entry of an address or a path of a file or a folder; None: the requirement begins with a name."""
    if " @ " in requirement or not ("/" in requirement.partition(" ")[0] or requirement.endswith(".whl")):
        return Entry(text, kind="option", why="an option") if requirement == "@EXPLICIT" else None
    address, fragment = urldefrag(requirement)
    name, version = of_file_name(address.rpartition("/")[2])
    if version:
        return pinned(text, name, version)
    egg = name_of((parse_qs(fragment).get("egg") or [""])[0])
    if egg:
        return Entry(text, egg, kind="loose", why="an address, no version")
    return Entry(text, kind="unread", why="an address or a path without a name")


def _of_requirement(requirement: str, text: str, python: str | None, extras: Collection[str]) -> Entry:
    try:
        return of_requirement(Requirement(requirement), text, python, extras)
    except InvalidRequirement:
        return Entry(text, kind="unread", why="not understood")
