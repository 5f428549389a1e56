"""The published records. Each is in one module with the functions that build it."""

from __future__ import annotations
