"""The tool measured: known cases, and history replayed."""

from __future__ import annotations
