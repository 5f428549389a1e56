"""The libraries under test and their surroundings: components, releases, the index, interpreters, smoke tests."""

from __future__ import annotations
