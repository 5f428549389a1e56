"""The interface by which stages that take long report their progress."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Reporter", "Silent"]


class Reporter(Protocol):
    """Receives progress: stages, each with a number of steps."""

    def stage(self, title: str, total: int | None) -> None:
        """Begin a stage of `total` steps."""
        ...

    def step(self, text: str) -> None:
        """Report that one step of the stage is done, with the result in `text`."""
        ...


class Silent:
    """A reporter that shows nothing."""

    def stage(self, title: str, total: int | None) -> None:
        """See :class:`Reporter`."""

    def step(self, text: str) -> None:
        """See :class:`Reporter`."""
