"""What the tool raises for what it can explain. Without further imports, so that the command line starts quickly."""

from __future__ import annotations

__all__ = ["StackcompatError", "UsageError"]


class StackcompatError(Exception):
    """Something that the tool can explain in one sentence."""


class UsageError(StackcompatError):
    """A mistake in what a person gave: one sentence with file, key and what is allowed. Exit code 2."""
