"""The rules of evidence: what runs say of a test, a cell, a component, a pair, an artifact and a crossing.

Pure functions.
"""

from __future__ import annotations
