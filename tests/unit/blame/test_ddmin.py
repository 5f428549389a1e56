"""Delta debugging."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from stackcompat.blame.ddmin import ddmin
from support.blame_world import value_of


def test_ddmin_keeps_what_is_needed_only() -> None:
    asked = []

    def fails(chosen: tuple[str, ...]) -> Generator[Any, Any, bool]:
        yield from ()
        asked.append(chosen)
        return {"b", "g"} <= set(chosen)

    assert value_of(ddmin("abcdefgh", fails)) == ("b", "g")
    assert len(asked) < 2**8 / 8


def test_ddmin_stops_at_one() -> None:
    assert value_of(ddmin("a", lambda _: pytest.fail("nothing is left to ask"))) == ("a",)
