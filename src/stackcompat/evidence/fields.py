"""The fields that the records of a tool have. A store keeps them, so that an older tool does not lose those it lacks.

A field that goes away, or gets another name, is noted in `GONE`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

from stackcompat.core.record import Record

__all__ = ["known_fields", "unknown_fields"]

#: The fields of earlier versions that are no fields any more, each with the name of its class. To lack them is no loss.
GONE: frozenset[tuple[str, str]] = frozenset()


def known_fields(records: Iterable[type[Record]]) -> frozenset[tuple[str, str]]:
    """The fields of some classes of records and of all records within them, each with the name of its class."""
    found: dict[type[Record], None] = {}
    due = list(records)
    while due:
        record = due.pop()
        if record in found:
            continue
        found[record] = None
        for field in record.model_fields.values():
            due += _records_in(field.annotation)
    return frozenset((record.__name__, name) for record in found for name in record.model_fields)


def _records_in(annotation: Any) -> list[type[Record]]:
    """The classes of records in an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, Record):
        return [annotation]
    return [record for argument in get_args(annotation) for record in _records_in(argument)]


def unknown_fields(seen: Iterable[tuple[str, str]], known: frozenset[tuple[str, str]]) -> list[str]:
    """The fields that only a newer tool can have written, such as ``the mood of Evidence``, sorted.

    Args:
        seen: The fields that others had, each with the name of its class.
        known: The fields of this tool. What others had in classes that this tool does not keep counts as known.
    """
    classes = {record for record, _ in known}
    new = sorted((record, field) for record, field in set(seen) - known - GONE if record in classes)
    return [f"the {field} of {record}" for record, field in new]
