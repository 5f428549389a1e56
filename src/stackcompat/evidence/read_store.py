"""The store for commands that only say what they would do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa

from stackcompat.core.record import Kind, RecordType
from stackcompat.evidence import known
from stackcompat.evidence.closure import Surface
from stackcompat.evidence.database import Place, exists, place_name
from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.evidence.runs import RunRecord
from stackcompat.evidence.store import KeptResolution, Store
from stackcompat.evidence.tables import Row

__all__ = ["ReadStore"]


class ReadStore(Store):
    """A store that answers like any other, and keeps nothing of what it is given.

    Args:
        place: As for :class:`Store`. If no store is there, nothing is known, and it is not made.
        tell: As for :class:`Store`.
        kinds: As for :class:`Store`.
    """

    _KEEPS_NOTHING = True

    def __init__(
        self, place: Place, tell: Callable[[str], None] | None = None, kinds: Iterable[Kind[Any]] = ()
    ) -> None:
        self._instead = None if exists(place) else TemporaryDirectory(prefix="stackcompat-")
        super().__init__(place if self._instead is None else Path(self._instead.name, "evidence.sqlite"), tell, kinds)
        self.place = place
        self.name = place_name(place)

    def close(self) -> None:
        """See :class:`Store`."""
        super().close()
        if self._instead is not None:
            self._instead.cleanup()

    def add(self, evidence: Evidence) -> None:
        """Keep nothing."""

    def put(self, table: sa.Table, rows: Sequence[Row]) -> None:
        """Keep nothing."""

    def learn(
        self,
        surfaces: Mapping[str, Surface],
        sightings: Sequence[known.Sighting],
        tests: known.KnownTests | None,
        alike: Callable[[TestResult, TestResult], bool],
    ) -> None:
        """Keep nothing."""

    def keep_resolution(self, cell_id: str, kept: KeptResolution) -> None:
        """Keep nothing."""

    def keep(self, kind: Kind[RecordType], record: RecordType) -> None:
        """Keep nothing."""

    def add_run(self, run: RunRecord, *, instead_of: RunRecord | None = None) -> None:
        """Keep nothing."""
