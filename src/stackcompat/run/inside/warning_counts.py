"""The warnings of a test: how often each was raised, by which distribution, and whose code triggered it."""

from __future__ import annotations

import sys
from types import FrameType
from typing import TYPE_CHECKING, TextIO

from .causes import NAME_CHARACTERS, cut
from .failures import normalise_message
from .owners import Owners

if TYPE_CHECKING:
    from stackcompat.run.inside.protocol import WarningCount

__all__ = ["WarningCounter"]

#: The most different warnings of a test. What comes after them is counted for each distribution that raised it.
_MOST = 100


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
        """Count a warning. This function takes the place of :func:`warnings.showwarning`."""
        frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  (frames have no public access)
        while frame is not None and frame.f_globals.get("__name__") == "warnings":
            frame = frame.f_back
        raised_by = self._owners.owner(frame.f_code.co_filename) if frame is not None else None
        triggered_by = self._owners.owner(filename)
        key = (
            cut(category.__name__, NAME_CHARACTERS),
            raised_by or "",
            triggered_by or "",
            normalise_message(str(message)),
        )
        if key not in self._counts and len(self._counts) >= _MOST:
            key = ("Warning", raised_by or "", "", "further warnings")
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
