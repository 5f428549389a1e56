"""One cell: its environment, its tests, the limits they run under."""

from __future__ import annotations
