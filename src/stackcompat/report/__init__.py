"""Rendering only: the table as JSON, Markdown, pages, badges, JUnit and feeds."""

from __future__ import annotations
