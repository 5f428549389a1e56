"""What can be told from source without running it."""

from __future__ import annotations
