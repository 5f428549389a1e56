"""Reading rows of the store, of which some can be damaged: those are noted and left out, the others are used."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from pydantic import ValidationError

from stackcompat.core.record import Record, RecordType, read_stored
from stackcompat.evidence.tables import Row, checksum

__all__ = ["Reader", "check_row", "is_whole", "reason_of"]

#: So many rows are told one by one. Of further ones, only the number is.
MOST_TOLD = 5


def is_whole(table: sa.Table, row: Row) -> bool:
    """Whether a row is as it was written. One that is not counts as absent when a good one comes.

    A tool that is older than checksums wrote those without one. They get it when the store is opened for writing next.
    """
    return row["checksum"] in ("", checksum(table, row))


def check_row(table: sa.Table, row: Row) -> None:
    """Refuse a row that is not as it was written.

    Raises:
        ValueError: It is not.
    """
    if not is_whole(table, row):
        raise ValueError("it is not as it was written")


def reason_of(error: ValueError) -> str:
    """What is wrong with a record, in a few words."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}".removeprefix(": ")
    return str(error)


class Reader:
    """Reads the rows of a store. Those that cannot be read are told once each, and left out.

    Args:
        name: What messages call the store.
        tell: Is given each sentence about rows that are left out; None if nobody is told.
    """

    def __init__(self, name: str, tell: Callable[[str], None] | None) -> None:
        self._name = name
        self._tell = tell
        self._left_out: set[tuple[str, ...]] = set()

    @property
    def left_out(self) -> int:
        """How many rows could not be read so far."""
        return len(self._left_out)

    def read(
        self,
        table: sa.Table,
        row: Row,
        record: type[RecordType],
        read: Callable[[str], RecordType] | None = None,
    ) -> RecordType | None:
        """The record of a row; None if it cannot be read.

        Args:
            table: The table of the row.
            row: All columns of the row.
            record: The class of its record.
            read: Reads the record in another way than by its class alone. Raises ValueError for what is no record.
        """
        try:
            check_row(table, row)
            return read(row["record"]) if read is not None else read_stored(record, row["record"])
        except ValueError as error:
            self.leave_out(table, row, record, error)
            return None

    def leave_out(self, table: sa.Table, row: Row, record: type[Record], error: ValueError) -> None:
        """Note a row that cannot be used.

        Args:
            table: The table of the row.
            row: The row, with the columns of its key at least.
            record: The class of its record.
            error: What is wrong with it.
        """
        key = [str(row[column.name]) for column in table.primary_key]
        address = (table.name, *key)
        if address in self._left_out:
            return
        self._left_out.add(address)
        if self._tell is not None and len(self._left_out) <= MOST_TOLD:
            named = "/".join(key)[:80]
            self._tell(
                f"{self._name}: the {record.__name__} {named} is left out, since it cannot be read: {reason_of(error)}"
            )

    def close(self) -> None:
        """Tell how many further rows were left out."""
        if self._tell is not None and len(self._left_out) > MOST_TOLD:
            self._tell(f"{self._name}: {len(self._left_out)} records are left out in all, since they cannot be read")
