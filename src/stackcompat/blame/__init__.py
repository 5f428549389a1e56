"""Who broke it: the smallest set of releases without which a cell is not red."""

from __future__ import annotations
