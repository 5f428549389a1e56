from __future__ import annotations

import datetime as dt

import pytest

from stackcompat.core.text import and_list
from stackcompat.report.text import age
from support.made_up import NOW


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        ({"hours": 5}, "today"),
        ({"days": 1}, "yesterday"),
        ({"days": 13}, "13 days ago"),
        ({"days": 14}, "2 weeks ago"),
        ({"days": 59}, "8 weeks ago"),
        ({"days": 60}, "2 months ago"),
        ({"days": 729}, "24 months ago"),
        ({"days": 730}, "2 years ago"),
    ],
)
def test_age(ago: dict[str, int], words: str) -> None:
    assert age(NOW - dt.timedelta(**ago), NOW) == words


def test_no_age() -> None:
    assert age(None, NOW) == ""


@pytest.mark.parametrize(
    ("items", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_and_list(items: list[str], text: str) -> None:
    assert and_list(items) == text
