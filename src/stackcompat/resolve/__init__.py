"""From a cell to a lock, or to the conflict that keeps it from one. uv is the resolver."""

from __future__ import annotations
