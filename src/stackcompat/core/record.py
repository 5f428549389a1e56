"""The base of every value that moves between the stages: frozen, strict, and the same in memory as in JSON."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict

__all__ = ["Kind", "Record", "RecordType", "digest"]


class Record(BaseModel):
    """A frozen value. In TOML, field names have a dash in place of an underscore. Unknown keys are mistakes."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        alias_generator=lambda name: name.replace("_", "-"),
    )

    def to_json(self) -> str:
        """One line of JSON with the field names as in Python."""
        return self.model_dump_json(by_alias=False)


RecordType = TypeVar("RecordType", bound=Record)


class Kind(NamedTuple, Generic[RecordType]):
    """A kind of record of which only the latest counts. Each stage that keeps such records declares its kinds.

    Attributes:
        name: What the kind is called in the database.
        record: The class of the records.
        key: Tells what a record is about; of two records with the same key the later one stays.
        made: Tells when a record was made.
    """

    name: str
    record: type[RecordType]
    key: Callable[[RecordType], str]
    made: Callable[[RecordType], dt.datetime]


def digest(*parts: Any, length: int = 16) -> str:
    """A short content address.

    Args:
        *parts: What is addressed: anything that JSON can hold, or records.
        length: How many hexadecimal digits the address has.
    """

    def plain(value: Any) -> Any:
        return value.model_dump(mode="json") if isinstance(value, BaseModel) else value

    text = json.dumps([plain(part) for part in parts], sort_keys=True, separators=(",", ":"), default=plain)
    return hashlib.sha256(text.encode()).hexdigest()[:length]
