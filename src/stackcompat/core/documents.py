"""Documents of others in JSON, TOML and YAML: each is read, or refused by one kind of error, whatever is in it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from typing import Any

__all__ = ["NotReadable", "parse_json", "parse_toml", "parse_yaml"]

#: How many parts a dotted key may have. The parser takes time with the square of it.
_DEEPEST_KEY = 100


#: How many values a document can stand for by its aliases.
_MOST_NODES = 5_000_000


#: A string in TOML, on one line.
_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"|' + r"'[^'\n]*'")


#: A dotted key of too many parts.
_DEEP_KEY = re.compile(rf'(?<![\w"-])(?:(?:[\w-]+|"")[ \t]*\.[ \t]*){{{_DEEPEST_KEY}}}')


class NotReadable(ValueError):
    """A text is no document of a form. The message is the reason, on one line."""


def _read(load: Callable[[str], Any], text: str) -> Any:
    """What a parser makes of a text; what it raises is turned into NotReadable."""
    try:
        return load(text)
    except RecursionError:
        raise NotReadable("it is nested too deeply") from None
    except (ValueError, OverflowError) as error:
        raise NotReadable(" ".join(str(error).split())) from None


def parse_json(text: str) -> Any:
    """The value of a document in JSON.

    Raises:
        NotReadable: It is none, is nested too deeply, or has numbers that no program can mean.
    """
    return _read(json.loads, text)


def parse_toml(text: str) -> dict[str, Any]:
    """The table of a document in TOML.

    Raises:
        NotReadable: As with :func:`parse_json`.
    """
    for line in text.split("\n"):
        if line.count(".") >= _DEEPEST_KEY and _DEEP_KEY.search(_STRING.sub('""', line)):
            raise NotReadable("it is nested too deeply")
    document: dict[str, Any] = _read(tomllib.loads, text)
    return document


def parse_yaml(text: str) -> Any:
    """The value of a document in YAML, with every scalar as text: ``0.10`` is no number, ``2023-12-01`` no date.

    Raises:
        NotReadable: As with :func:`parse_json`; or a few lines of it stand for more than `_MOST_NODES` values.
    """
    import yaml  # noqa: PLC0415  (few files are in YAML)

    def load(given: str) -> Any:
        if _is_deep_yaml(given):  # libyaml would use up the stack of the process
            raise NotReadable("it is nested too deeply")
        try:
            document = yaml.load(given, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))  # noqa: S506  # it makes only text
        except yaml.YAMLError as error:
            raise NotReadable(" ".join(str(error).split())) from None
        if "*" in given and _nodes(document, {}) > _MOST_NODES:
            raise NotReadable("its aliases stand for too many values")
        return document

    return _read(load, text)


def _is_deep_yaml(text: str) -> bool:
    """Whether brackets, list marks or indentation lead deeper than any document of people does."""
    depth = 0
    for match in re.finditer(r"[\[\]{}]", text):
        depth = max(depth + (1 if match[0] in "[{" else -1), 0)
        if depth > _DEEPEST_YAML:
            return True
    return (
        re.search(rf"^[ ]*(?:[-?:][ ]+){{{_DEEPEST_YAML}}}|^[ ]{{{4 * _DEEPEST_YAML}}}", text, re.MULTILINE) is not None
    )


#: The deepest nesting of a document in YAML.
_DEEPEST_YAML = 400


def _nodes(value: object, known: dict[int, float]) -> float:
    """How many values a document stands for, if each alias is replaced by what it names; infinite for a circle."""
    if not isinstance(value, list | dict):
        return 1
    if id(value) not in known:
        known[id(value)] = float("inf")
        inner = value if isinstance(value, list) else [*value, *value.values()]
        known[id(value)] = 1 + sum(_nodes(item, known) for item in inner)
    return known[id(value)]
