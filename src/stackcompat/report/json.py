"""``compat.json``: all that the reports show, for programs; ``compat.schema.json``: what its fields mean."""

from __future__ import annotations

import json

from stackcompat.report.model import Summary

__all__ = ["compat", "schema"]


def compat(summary: Summary) -> str:
    """The summary as JSON, one field a line so that two nights can be compared."""
    return summary.model_dump_json(by_alias=False, indent=1) + "\n"


def schema() -> str:
    """The JSON Schema (2020-12) of :func:`compat`'s text."""
    described = Summary.model_json_schema(by_alias=False, mode="serialization")
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(dialect | described, indent=1) + "\n"
