"""What source alone says about releases, without running it."""

from __future__ import annotations
