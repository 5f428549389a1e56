"""Finds out from few runs which releases of one component work with which releases of another."""

from __future__ import annotations
