"""The published records, each in one module with the functions that build it."""

from __future__ import annotations
