"""``gate.schema.json``: what the fields of a decision of the gate mean. Every table has it, so it imports little."""

from __future__ import annotations

import json

from stackcompat.gate.model import GateReport

__all__ = ["gate_schema"]


def gate_schema() -> str:
    """The JSON Schema (2020-12) of what :func:`stackcompat.report.gate.gate_json` writes."""
    schema = GateReport.model_json_schema(by_alias=False, mode="serialization")
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(dialect | schema, indent=1) + "\n"
