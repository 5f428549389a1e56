"""``compat.json``: all that the reports show, for programs; ``compat.schema.json``: what its fields mean."""

from __future__ import annotations

import json

from stackcompat.table.summary import Summary

__all__ = ["compat", "schema", "text"]

#: The most characters of a list that stands on one line.
_LIST_CHARACTERS = 400


#: The most characters of a record that stands on one line.
_RECORD_CHARACTERS = 2000


def compat(summary: Summary) -> str:
    """The summary as JSON: a small record on one line, so that two nights can be compared, a field a line of larger."""
    return text(summary.model_dump(mode="json", by_alias=False))


def text(value: object) -> str:
    """`value` as JSON: on one line if it is short, else a line for each field or item."""
    return _text(value, "\n") + "\n"


def _text(value: object, newline: str) -> str:
    """A part of a value as JSON.

    Args:
        value: The part.
        newline: A newline and the indentation of the line on which the part stands.
    """
    line = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    limit = _RECORD_CHARACTERS if isinstance(value, dict) else _LIST_CHARACTERS
    if not isinstance(value, dict | list) or len(line) <= limit:
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
