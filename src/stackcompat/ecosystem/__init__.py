"""What is under test, and what there is of it: components, releases, the index, interpreters, smoke tests."""

from __future__ import annotations
