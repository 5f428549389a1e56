"""How one cell is run: its environment, its tests, and the limits of the tests."""

from __future__ import annotations
