"""From a cell to a lock: what uv resolves, and why it refuses."""

from __future__ import annotations
