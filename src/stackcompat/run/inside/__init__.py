"""What runs inside a cell's environment: standard library, and the pytest that is there."""

from __future__ import annotations
