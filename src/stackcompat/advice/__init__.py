"""What follows from the table: advisories, bounds, deprecations, and a check of an environment against them."""

from __future__ import annotations
