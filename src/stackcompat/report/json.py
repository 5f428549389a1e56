"""``compat.json``: all that the reports show, for programs; ``compat.schema.json``: what its fields mean."""

from __future__ import annotations

import json
from collections.abc import Iterator

from stackcompat.table.summary import Summary

__all__ = ["compat", "schema", "text"]

#: The most characters of a list that stands on one line.
_LIST_CHARACTERS = 400


#: The most characters of a record that stands on one line.
_RECORD_CHARACTERS = 2000

#: Writes a value as JSON on one line.
_line = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def compat(summary: Summary) -> str:
    """The summary as JSON. The files of two nights can be compared line by line; see :func:`text`."""
    pieces: list[str] = []
    for name, field in type(summary).model_fields.items():
        if not field.exclude:
            pieces += [",\n " if pieces else "{\n ", f"{json.dumps(name)}:", *_pieces(name, summary)]
    if sum(map(len, pieces)) <= _RECORD_CHARACTERS:
        return text(summary.model_dump(mode="json", by_alias=False))
    return "".join((*pieces, "\n}\n"))


def _pieces(name: str, summary: Summary) -> Iterator[str]:
    """The text of a field in pieces, each made by itself: as objects of Python, a table takes many times the memory."""
    rows = getattr(summary, name)
    if not isinstance(rows, tuple) or 2 * len(rows) <= _LIST_CHARACTERS:
        yield _text(summary.model_dump(mode="json", by_alias=False, include={name})[name], "\n ")
        return
    for number, row in enumerate(rows):
        yield ",\n  " if number else "[\n  "
        yield _text(row.model_dump(mode="json", by_alias=False), "\n  ")
    yield "\n ]"


def text(value: object) -> str:
    """`value` as JSON. A short record or list stands on one line; a longer one has a line for each field or item."""
    return _text(value, "\n") + "\n"


def _text(value: object, newline: str) -> str:
    """A part of a value as JSON.

    Args:
        value: The part.
        newline: A newline and the indentation of the line on which the part stands.
    """
    if not isinstance(value, dict | list):
        return _line(value)
    limit = _RECORD_CHARACTERS if isinstance(value, dict) else _LIST_CHARACTERS
    if 2 * len(value) <= limit:  # each item takes two characters or more
        line = _line(value)
        if len(line) <= limit:
            return line
    inner = f"{newline} "
    if isinstance(value, dict):
        fields = [f"{json.dumps(name)}:{_text(field, inner)}" for name, field in value.items()]
        return f"{{{inner}{f',{inner}'.join(fields)}{newline}}}"
    items = [_text(item, inner) for item in value]
    return f"[{inner}{f',{inner}'.join(items)}{newline}]"


def schema() -> str:
    """The JSON Schema (2020-12) of :func:`compat`'s text."""
    described = Summary.model_json_schema(by_alias=False, mode="serialization")
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(dialect | described, indent=1) + "\n"
