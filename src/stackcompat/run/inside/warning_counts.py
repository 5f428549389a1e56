"""The warnings of a test: which package raised each, whose code triggered it, and how often."""

from __future__ import annotations

import sys
from types import FrameType
from typing import TYPE_CHECKING, TextIO

from .failures import normalise_message
from .owners import Owners

if TYPE_CHECKING:
    from stackcompat.run.inside.protocol import WarningCount

__all__ = ["WarningCounter"]


class WarningCounter:
    """Counts the warnings of one test.

    Args:
        owners: The distributions that the installed files belong to.
    """

    def __init__(self, owners: Owners) -> None:
        self._owners = owners
        self._counts: dict[tuple[str, str, str, str], int] = {}

    def count(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,  # noqa: ARG002  (the signature of warnings.showwarning)
        file: TextIO | None = None,  # noqa: ARG002
        line: str | None = None,  # noqa: ARG002
    ) -> None:
        """Take the place of :func:`warnings.showwarning`, which is called from the code that raises a warning."""
        frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  (frames have no public access)
        while frame is not None and frame.f_globals.get("__name__") == "warnings":
            frame = frame.f_back
        raised_by = self._owners.owner(frame.f_code.co_filename) if frame is not None else None
        triggered_by = self._owners.owner(filename)
        key = (category.__name__, raised_by or "", triggered_by or "", normalise_message(str(message)))
        self._counts[key] = self._counts.get(key, 0) + 1

    def counts(self) -> list[WarningCount]:
        """The warnings so far, sorted."""
        return [
            {
                "category": category,
                "raised_by": raised_by,
                "triggered_by": triggered_by,
                "message": message,
                "count": count,
            }
            for (category, raised_by, triggered_by, message), count in sorted(self._counts.items())
        ]
