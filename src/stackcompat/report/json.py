"""``compat.json``: all that the reports show, for programs; ``compat.schema.json``: what its fields mean."""

from __future__ import annotations

import json
import re

from stackcompat.report.model import Summary

__all__ = ["compat", "schema"]

#: A pair of a frontier, of which there are thousands: nothing in it holds a brace or a space.
_PAIR = re.compile(r'\{\s+"versions": \{[^{}]*\},[^{}]*\}')


def compat(summary: Summary) -> str:
    """The summary as JSON, one field a line so that two nights can be compared; of frontiers, one pair a line."""
    return _PAIR.sub(lambda pair: " ".join(pair[0].split()), summary.model_dump_json(by_alias=False, indent=1)) + "\n"


def schema() -> str:
    """The JSON Schema (2020-12) of :func:`compat`'s text."""
    described = Summary.model_json_schema(by_alias=False, mode="serialization")
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(dialect | described, indent=1) + "\n"
