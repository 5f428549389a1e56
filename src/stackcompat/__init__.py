"""Finds out by trying which versions of a software stack work together. Stages: docs/architecture.md."""

from __future__ import annotations


def __getattr__(name: str) -> str:
    """Read ``__version__`` from the installation when it is asked for, since that takes as long as the rest of help."""
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415  (see above)

        return version("stackcompat")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
