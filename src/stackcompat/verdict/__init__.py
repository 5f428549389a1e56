"""The rules of evidence: what runs say of a test, a cell, a pair and a set. Pure functions."""

from __future__ import annotations
