"""What published rows share: times in whole seconds, and rows that leave out default values."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import AfterValidator, SerializerFunctionWrapHandler, model_serializer

from stackcompat.core.record import Record

__all__ = ["Sparse", "Timestamp"]

#: A time in whole seconds: fractions are of no use to anybody, and there are thousands.
Timestamp = Annotated[dt.datetime, AfterValidator(lambda moment: moment.replace(microsecond=0))]


class Sparse(Record):
    """A record of which there are thousands: its JSON leaves out fields that have their default value."""

    # Untyped: in the schema, the type of the result would take the place of the fields.
    @model_serializer(mode="wrap")
    def _without_defaults(self, plain: SerializerFunctionWrapHandler):  # type: ignore[no-untyped-def]  # noqa: ANN202
        fields = type(self).model_fields
        return {name: value for name, value in plain(self).items() if getattr(self, name) != fields[name].default}
