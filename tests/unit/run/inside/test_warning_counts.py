"""Who raised the warnings of a test, who triggered them, and how often."""

from __future__ import annotations

import warnings
from pathlib import Path

from stackcompat.run.inside.owners import Owners
from stackcompat.run.inside.warning_counts import WarningCounter
from support.plugin_runs import install

RAISES = """
import warnings

def of_caller():
    warnings.warn('old at 0x1234', DeprecationWarning, stacklevel=2)

def of_itself():
    warnings.warn('mine')
"""


def test_warnings_know_who_raised_and_who_triggered_them(site: Path) -> None:
    install(site, "raises-four", files={"raises_four.py": RAISES})
    install(site, "calls-four", files={"calls_four.py": "import raises_four\n\ndef go(): raises_four.of_caller()\n"})
    import calls_four  # type: ignore[import-not-found]
    import raises_four  # type: ignore[import-not-found]

    counter = WarningCounter(Owners())
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = counter.count
        calls_four.go()
        raises_four.of_itself()
        calls_four.go()
        warnings.warn("here", stacklevel=1)
    old = {"category": "DeprecationWarning", "raised_by": "raises-four", "message": "old at 0x…", "count": 2}
    assert counter.counts() == [
        old | {"triggered_by": "calls-four"},
        {"category": "UserWarning", "raised_by": "", "triggered_by": "", "message": "here", "count": 1},
        {
            "category": "UserWarning",
            "raised_by": "raises-four",
            "triggered_by": "raises-four",
            "message": "mine",
            "count": 1,
        },
    ]


def test_warnings_without_end_are_counted_together() -> None:
    counter = WarningCounter(Owners())
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = counter.count
        for number in range(2000):
            warnings.warn("x" * (1 + number % 600), stacklevel=1)
        category = type("Long" * 1000, (UserWarning,), {})
        for _ in range(3):
            warnings.warn("y", category, stacklevel=1)
    counts = counter.counts()
    assert len(counts) == 101
    (further,) = [count for count in counts if count["message"] == "further warnings"]
    assert further["count"] > 3
    assert sum(count["count"] for count in counts) == 2003
    alone = WarningCounter(Owners())
    alone.count("y", category, "file.py", 1)
    assert len(alone.counts()[0]["category"]) == 201
