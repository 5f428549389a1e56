"""The base of published rows: times in whole seconds, and rows whose JSON leaves out default values."""

from __future__ import annotations

import datetime as dt
import functools
from typing import Annotated

from pydantic import AfterValidator, SerializerFunctionWrapHandler, model_serializer

from stackcompat.core.record import Record

__all__ = ["Sparse", "Timestamp"]

#: A time in whole seconds. Fractions are dropped: nobody needs them, and there are thousands of times.
Timestamp = Annotated[dt.datetime, AfterValidator(lambda moment: moment.replace(microsecond=0))]


class Sparse(Record):
    """A record whose JSON leaves out the fields with default values. It is for rows of which there are thousands."""

    # The result has no type here: in the schema, it would replace the fields.
    @model_serializer(mode="wrap")
    def _without_defaults(self, plain: SerializerFunctionWrapHandler):  # type: ignore[no-untyped-def]  # noqa: ANN202
        defaults, held = _defaults(type(self)), self.__dict__
        return {name: value for name, value in plain(self).items() if held[name] != defaults[name]}


@functools.cache
def _defaults(rows: type[Sparse]) -> dict[str, object]:
    """The default of each field of rows. They are looked up for hundreds of thousands of rows."""
    return {name: field.default for name, field in rows.__pydantic_fields__.items()}
