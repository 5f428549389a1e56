"""A mistake in a TOML file becomes one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackcompat.core.errors import UsageError
from stackcompat.core.record import Record
from stackcompat.core.toml import load_record


def test_unknown_key_in_plain_record(tmp_path: Path) -> None:
    class Plain(Record):
        first: int

    path = tmp_path / "plain.toml"
    path.write_text("first = 1\nsecond = 2", encoding="utf-8")
    with pytest.raises(UsageError, match="second: is not a key that is known here"):
        load_record(path, Plain)
