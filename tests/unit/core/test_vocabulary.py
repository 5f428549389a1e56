"""Of several verdicts on one thing the worst is shown."""

from __future__ import annotations

from stackcompat.core.vocabulary import worst


def test_the_worst_of_nothing_is_untested() -> None:
    assert worst([]) == "untested"
    assert worst(["works", "broken", "flaky"]) == "broken"
