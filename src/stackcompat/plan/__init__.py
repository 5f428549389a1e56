"""Which combinations to try: matrices and policies in, cells out."""

from __future__ import annotations
