"""What changed since the last run, and what follows: alert states and issues."""

from __future__ import annotations
