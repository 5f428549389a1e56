"""The site that people open: many small pages, and the same facts for programs, built from a published table."""

from __future__ import annotations
