"""Files in the cache folder that hold what was read once, so that it need not be read again."""

from __future__ import annotations

from pathlib import Path

from stackcompat.core.files import write_whole
from stackcompat.core.record import RecordType

__all__ = ["keep", "read_kept"]


def keep(path: Path, text: str) -> None:
    """Write a file in one step: a reader finds it whole or not at all, even after a stop in between."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)


def read_kept(path: Path, record: type[RecordType]) -> RecordType | None:
    """The record in a file; None if there is no file, or none that this build can read."""
    try:
        return record.model_validate_json(path.read_bytes())
    except (OSError, ValueError):
        return None
