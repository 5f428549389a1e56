"""Records as typed columns: the Arrow type of a class of records, and its values there and back. Pure.

A record is a struct, a tuple is a list, a dictionary is a map. A moment is an ISO 8601 text, since the ids of evidence
are made from such texts. Anything else that has no type of its own is a text of JSON.
"""

from __future__ import annotations

import datetime as dt
import types
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import pyarrow as pa
from pydantic import TypeAdapter

from stackcompat.core.record import Record

__all__ = ["Column", "column_of"]


class Column(NamedTuple):
    """How the values of a Python type are kept in a column.

    Attributes:
        type: The Arrow type of the column.
        encode: Turns a value into what the column holds: numbers, texts, lists, dictionaries with texts as keys.
        decode: Turns that back into what the class of the record validates.
        optional: Whether None is a value.
    """

    type: pa.DataType
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]
    optional: bool = False


def column_of(
    annotation: Any,
    instead: Mapping[type[Record], Column] | None = None,
    left_out: frozenset[tuple[type[Record], str]] = frozenset(),
) -> Column:
    """The column for values with a type annotation.

    Args:
        annotation: The annotation, such as ``tuple[str, ...]``, or a class of records.
        instead: By class of records, a column that stands for such records in place of a struct.
        left_out: Fields that are not kept, each with the class that declares it. They must have a default value.
    """
    return _Columns(instead or {}, left_out).of(annotation)


def _as_it_is(value: Any) -> Any:
    return value


#: The columns of plain types. A field for a float can hold an int, which would come back as a float.
_PLAIN: dict[Any, Column] = {
    str: Column(pa.string(), _as_it_is, _as_it_is),
    bool: Column(pa.bool_(), _as_it_is, _as_it_is),
    int: Column(pa.int64(), _as_it_is, _as_it_is),
    float: Column(pa.float64(), float, _as_it_is),
    dt.datetime: Column(pa.string(), dt.datetime.isoformat, _as_it_is),
}


class _Columns:
    """Makes the columns of nested annotations. The arguments are those of :func:`column_of`."""

    def __init__(self, instead: Mapping[type[Record], Column], left_out: frozenset[tuple[type[Record], str]]) -> None:
        self._instead = instead
        self._left_out = left_out

    def of(self, annotation: Any) -> Column:
        """The column for values with a type annotation."""
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            return self.of(arguments[0])
        if annotation in _PLAIN:
            return _PLAIN[annotation]
        if isinstance(annotation, type) and issubclass(annotation, Record):
            return self._instead.get(annotation) or self._struct(annotation)
        if origin is Literal and all(isinstance(argument, str) for argument in arguments):
            return _PLAIN[str]
        if origin in (Union, types.UnionType) and len(arguments) == 2 and types.NoneType in arguments:
            (other,) = (argument for argument in arguments if argument is not types.NoneType)
            return _optional(self.of(other))
        if origin is tuple and len({argument for argument in arguments if argument is not Ellipsis}) == 1:
            return _list(self.of(arguments[0]))
        if origin is dict and self.of(arguments[0]).type == pa.string():
            return _map(self.of(arguments[1]))
        return _json(annotation)

    def _struct(self, record: type[Record]) -> Column:
        """The column for records of a class. A field that a file lacks gets its default value."""
        fields = {
            name: self.of(field.annotation)
            for name, field in record.model_fields.items()
            if not field.exclude and not any((base, name) in self._left_out for base in record.__mro__)
        }

        def encode(value: Record) -> dict[str, Any]:
            return {name: field.encode(getattr(value, name)) for name, field in fields.items()}

        def decode(held: dict[str, Any]) -> dict[str, Any]:
            known = {name: (fields[name], value) for name, value in held.items() if name in fields}
            there = {name: pair for name, pair in known.items() if pair[1] is not None or pair[0].optional}
            return {name: field.decode(value) for name, (field, value) in there.items()}

        return Column(pa.struct([pa.field(name, field.type) for name, field in fields.items()]), encode, decode)


def _optional(column: Column) -> Column:
    """The column for values that can be None."""
    return Column(
        column.type,
        lambda value: None if value is None else column.encode(value),
        lambda held: None if held is None else column.decode(held),
        optional=True,
    )


def _list(column: Column) -> Column:
    return Column(
        pa.list_(column.type),
        lambda values: [column.encode(value) for value in values],
        lambda held: [column.decode(value) for value in held],
    )


def _map(column: Column) -> Column:
    return Column(
        pa.map_(pa.string(), column.type),
        lambda values: [(key, column.encode(value)) for key, value in values.items()],
        lambda held: {key: column.decode(value) for key, value in held},
    )


def _json(annotation: Any) -> Column:
    adapter: TypeAdapter[Any] = TypeAdapter(annotation)
    return Column(pa.string(), lambda value: adapter.dump_json(value).decode(), adapter.validate_json)
