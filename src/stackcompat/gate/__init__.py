"""Whether a release may ship: paired cells, with the candidate and with what it replaces."""

from __future__ import annotations
