"""Where an ecosystem has what the commands that reproduce its failures name."""

from __future__ import annotations

from stackcompat.core.record import Record

__all__ = ["USUAL_PLACES", "Places"]


class Places(Record):
    """Where an ecosystem has its published table and its tests, as a command names it.

    Attributes:
        published: Where the table is published: an address, or a folder within that of the ecosystem.
        tests: The folder of the smoke tests, within that of the ecosystem.
        exchange: The folder of the tests that write and read artifacts, within that of the ecosystem.
    """

    published: str = "reports"
    tests: str = "tests/interop"
    exchange: str = "tests/exchange"

    def publication(self, path: str) -> str:
        """Where a published file is. `path` is relative to the table."""
        return f"{self.published.rstrip('/')}/{path}"


#: Where an ecosystem has them that does not say otherwise.
USUAL_PLACES = Places()
