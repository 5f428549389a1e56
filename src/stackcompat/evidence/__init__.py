"""Evidence: the records of runs, and the store that keeps them."""

from __future__ import annotations
