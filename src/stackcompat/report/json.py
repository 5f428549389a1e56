"""``compat.json``: all that the reports show, for programs; ``compat.schema.json``: what its fields mean."""

from __future__ import annotations

import json

from stackcompat.table.summary import Summary

__all__ = ["compat", "schema", "text"]

#: The most characters of a list, and of a record, that stands on one line.
_LINE = 400


_RECORD = 2000


def compat(summary: Summary) -> str:
    """The summary as JSON: a small record a line, so that two nights can be compared, a field a line of larger ones."""
    return text(summary.model_dump(mode="json", by_alias=False))


def text(value: object) -> str:
    """`value` as JSON: what is short on one line, what is not a line for each field or item."""
    return _text(value, "\n") + "\n"


def _text(value: object, newline: str) -> str:
    """`value` as JSON, on one line if it is short; `newline` is followed by the indentation of where it stands."""
    line = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if not isinstance(value, dict | list) or len(line) <= (_RECORD if isinstance(value, dict) else _LINE):
        return line
    inner = f"{newline} "
    if isinstance(value, dict):
        fields = (f"{json.dumps(name)}:{_text(field, inner)}" for name, field in value.items())
        return f"{{{inner}{f',{inner}'.join(fields)}{newline}}}"
    return f"[{inner}{f',{inner}'.join(_text(item, inner) for item in value)}{newline}]"


def schema() -> str:
    """The JSON Schema (2020-12) of :func:`compat`'s text."""
    described = Summary.model_json_schema(by_alias=False, mode="serialization")
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(dialect | described, indent=1) + "\n"
