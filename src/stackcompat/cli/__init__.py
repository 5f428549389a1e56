"""The command line: each command is a few lines around a stage."""

from __future__ import annotations
