"""What docs/answers.md says of the fields of an answer."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["documented_fields"]

_PAGE = Path(__file__).parents[2] / "docs" / "answers.md"


def documented_fields(command: str) -> set[str]:
    """The fields that the page names in the first column of the section of a command."""
    _, _, rest = _PAGE.read_text(encoding="utf-8").partition(f"\n### {command}\n")
    section = rest.partition("\n#")[0]
    rows = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}
