"""Many cells: locking, running and judging them, in rounds and on several machines."""

from __future__ import annotations
