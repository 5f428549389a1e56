"""Many cells: they are locked, run and judged, in rounds and on several machines."""

from __future__ import annotations
