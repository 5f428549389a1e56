"""Measuring the tool itself: on known cases, and on releases of the past."""

from __future__ import annotations
