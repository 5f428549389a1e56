"""Which releases of one component work with which of another, from few runs."""

from __future__ import annotations
