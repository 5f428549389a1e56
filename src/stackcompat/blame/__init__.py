"""Finds the culprit of a red cell: the smallest set of releases without which the cell is not red."""

from __future__ import annotations
