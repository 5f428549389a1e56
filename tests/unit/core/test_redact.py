"""Addresses and paths of a machine are taken out of what is published."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackcompat.core.redact import strip_addresses


@pytest.mark.parametrize(
    ("text", "stripped"),
    [
        ("see https://me:pw@host.example:8080/a/b?c=d#e now", "see <address> now"),
        ("`git+ssh://git@host.example/r.git@main`", "`<address>`"),
        ("(HTTP://HOST.example/x)", "(<address>)"),
        ("alpha==1.0 in 3 s", "alpha==1.0 in 3 s"),
    ],
)
def test_addresses_are_stripped(text: str, stripped: str) -> None:
    assert strip_addresses(text) == stripped


def test_a_persons_home_is_not_told() -> None:
    assert strip_addresses(f"in {Path.home()}/x") == "in ~/x"
