"""The base class of the values that packages pass to each other and store: frozen, strict, written and read as JSON."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, Generic, NamedTuple, Self, TypeVar

from pydantic import BaseModel, ConfigDict

__all__ = ["Kind", "Record", "RecordType", "digest", "read_stored"]


class Record(BaseModel):
    """A frozen value.

    A key of TOML has a dash where the field has an underscore. A key that is no field is a mistake.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        defer_build=True,  # a command uses few of the 200 classes, and it takes long to build them
        populate_by_name=True,
        alias_generator=lambda name: name.replace("_", "-"),
    )

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with some fields changed. What the record has worked out of its fields is not copied."""
        copied = super().model_copy(update=update, deep=deep)
        if len(copied.__dict__) > len(type(self).__pydantic_fields__):
            for name in copied.__dict__.keys() - type(self).__pydantic_fields__.keys():
                del copied.__dict__[name]
        return copied

    def to_json(self) -> str:
        """The record as one line of JSON, with the names of the fields as in Python."""
        return self.model_dump_json(by_alias=False)


RecordType = TypeVar("RecordType", bound=Record)


def read_stored(record: type[RecordType], text: str) -> RecordType:
    """Read a record that was stored as JSON. Fields that this version of the tool does not know are left out.

    Raises:
        ValueError: The text is no such record.
    """
    return record.model_validate_json(text, extra="ignore")


class Kind(NamedTuple, Generic[RecordType]):
    """A kind of record of which only the latest counts. The package that keeps such records declares the kind.

    Attributes:
        name: The name of the kind in the database.
        record: The class of the records.
        key: Gives the key of a record: what the record is about. Of two records with one key, the later stays.
        made: Gives the time at which a record was made.
    """

    name: str
    record: type[RecordType]
    key: Callable[[RecordType], str]
    made: Callable[[RecordType], dt.datetime]


def digest(*parts: Any, length: int = 16) -> str:
    """A short content address: equal values have equal addresses.

    Args:
        *parts: The values to address: records, or anything that JSON can hold.
        length: How many hexadecimal digits the address has.
    """

    def plain(value: Any) -> Any:
        return value.model_dump(mode="json") if isinstance(value, BaseModel) else value

    text = json.dumps([plain(part) for part in parts], sort_keys=True, separators=(",", ":"), default=plain)
    return hashlib.sha256(text.encode()).hexdigest()[:length]
