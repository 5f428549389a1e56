"""What published rows share: when something was seen, and rows that leave out what is as by default."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import AfterValidator, SerializerFunctionWrapHandler, model_serializer

from stackcompat.core.record import Record

__all__ = ["Sparse", "Timestamp"]

#: To the second: what is finer tells nobody anything, and there are thousands.
Timestamp = Annotated[dt.datetime, AfterValidator(lambda moment: moment.replace(microsecond=0))]


class Sparse(Record):
    """A record of which there are thousands: the JSON leaves out what is as its default says."""

    # Untyped since the type of what it returns would take the place of the fields in the schema.
    @model_serializer(mode="wrap")
    def _without_defaults(self, plain: SerializerFunctionWrapHandler):  # type: ignore[no-untyped-def]  # noqa: ANN202
        fields = type(self).model_fields
        return {name: value for name, value in plain(self).items() if getattr(self, name) != fields[name].default}
