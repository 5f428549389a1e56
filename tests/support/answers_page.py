"""What the documentation says of the fields of an answer."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["documented_fields"]

_DOCS = Path(__file__).parents[2] / "docs"


def documented_fields(heading: str, page: str = "answers.md") -> set[str]:
    """The fields that a page names in the first column of the first table under a heading."""
    text = (_DOCS / page).read_text(encoding="utf-8")
    _, *after = re.split(rf"^#+ {re.escape(heading)}$", text, maxsplit=1, flags=re.MULTILINE)
    table = after[0].partition("\n| --- |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}
