"""How work that takes long reports its progress."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Reporter", "Silent"]


class Reporter(Protocol):
    """Is told of progress: stages with a number of steps each."""

    def stage(self, title: str, total: int) -> None:
        """A stage of `total` steps begins."""
        ...

    def step(self, text: str) -> None:
        """One step of the stage is done; `text` says what came of it."""
        ...


class Silent:
    """A reporter that shows nothing."""

    def stage(self, title: str, total: int) -> None:
        """See :class:`Reporter`."""

    def step(self, text: str) -> None:
        """See :class:`Reporter`."""
