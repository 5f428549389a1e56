"""From a matrix to a plan: which combinations of releases to try, as cells."""

from __future__ import annotations
