"""Versions as ranges."""

from __future__ import annotations

import pytest

from stackcompat.table.version_ranges import span


@pytest.mark.parametrize(
    ("versions", "text"),
    [
        ((), ""),
        (("1.0",), "1.0"),
        (("1.0", "1.1"), "1.0 \N{EN DASH} 1.1"),
        (("1.0", "1.2", "1.3"), "1.0, 1.2 \N{EN DASH} 1.3"),
        (("1.3", "1.0", "1.1", "1.2"), "1.0 \N{EN DASH} 1.3"),
    ],
)
def test_a_span_claims_no_version_that_it_was_not_given(versions: tuple[str, ...], text: str) -> None:
    assert span(versions, ("1.0", "1.1", "1.2", "1.3")) == text
