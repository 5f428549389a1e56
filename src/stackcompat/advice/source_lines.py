"""The line of a file that names a distribution. Pure.

The readers of the forms of files keep no lines: the parsers of TOML, JSON and YAML tell none. So the line is looked for
in the text, from the most certain form to the least: the name with its version, a ``name`` beside a ``version``, the
name at the beginning of a line, in quotes, or in the name of a file.
"""

from __future__ import annotations

import re

from packaging.utils import canonicalize_name

__all__ = ["line_of"]

#: What can stand before a name at the beginning of a line: white space, branches of a tree, the dash of YAML, a quote.
_START = r"^[ \t│├└─]*(?:- +)?[\"']?"

#: What ends a name: it goes on neither as a name nor as a file's ending.
_END = r"(?![\w-]|\.\w)"


def line_of(text: str, name: str, version: str = "") -> int:
    """The number of the first line, from 1, that names a distribution; 0 if no line does.

    Args:
        text: The file.
        name: The distribution.
        version: Its version; empty: any. Of several lines the one with this version goes first.
    """
    spelled = re.sub("-", "[-_.]+", re.escape(canonicalize_name(name)).replace(r"\-", "-"))
    number = re.escape(version)
    exact = rf"{number}(?![\w.])"
    key = rf"^[ \t{{]*(?:- +)?[\"']?name[\"']?\s*[=:]\s*[\"']?(?P<name>{spelled})[\"']?,?[ \t]*$"
    with_version = (
        rf"{_START}(?P<name>{spelled})(?:\[[^\]\n]*\])?[\"' \t]*[=:v]*[ \t]*[\"'v]?{exact}",
        rf"{key}\n[^\n]*version[^\n]*{exact}",
        rf"[/ ](?P<name>{spelled})-{number}[-.]",
    )
    any_version = (
        key,
        rf"{_START}(?P<name>{spelled}){_END}",
        rf"[\"'/ ](?P<name>{spelled})(?=[\"' \[<>=!~;]|-\d)",
    )
    for pattern in (*(with_version if version else ()), *any_version):
        if found := re.search(pattern, text, re.MULTILINE | re.IGNORECASE):
            return text.count("\n", 0, found.start("name")) + 1
    return 0
