"""Whether a release may ship: it is tried in the same cells as the release that it would replace."""

from __future__ import annotations
