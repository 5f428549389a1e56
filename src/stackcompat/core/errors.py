"""The errors that the tool can explain. This module imports nothing else, so that the command line starts quickly."""

from __future__ import annotations

__all__ = ["RUN_FIRST", "StackcompatError", "UsageError"]

#: What every command says to do where nothing was run yet, as the end of a sentence.
RUN_FIRST = "run a matrix first, for example: stackcompat run quick"


class StackcompatError(Exception):
    """An error that the tool can explain to its user in one sentence."""


class UsageError(StackcompatError):
    """A mistake in what a person gave. Exit code 2.

    The message is one sentence: the file, the key, what is allowed. Of a TOML file it has a line for each mistake.
    """
