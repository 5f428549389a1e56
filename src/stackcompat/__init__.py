"""Finds out by trying which versions of a software stack work together. Stages: docs/architecture.md."""

from __future__ import annotations

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("stackcompat")
