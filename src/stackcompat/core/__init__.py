"""The ground that every other package stands on: records, vocabulary, requirements, dates, TOML, text."""

from __future__ import annotations
