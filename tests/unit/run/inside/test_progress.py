"""How a test goes, and the event at its end."""

from __future__ import annotations

import time

import pytest
from packaging.requirements import Requirement

from stackcompat.run.inside.interface import DescribedTest
from stackcompat.run.inside.progress import Progress, end_event
from stackcompat.run.inside.protocol import FailureSeen

FAILURE: FailureSeen = {"type": "ValueError", "message": "no lid"}


@pytest.mark.parametrize(
    ("failure", "skipped", "outcome"),
    [
        (None, "", "passed"),
        (None, "not today", "not-applicable"),
        (FAILURE, "", "failed"),
        (FAILURE, "not today", "failed"),
    ],
)
def test_a_failure_outweighs_a_skip(failure: FailureSeen | None, skipped: str, outcome: str) -> None:
    assert Progress(0.0, failure, skipped).outcome() == outcome


def test_the_end_of_a_test_says_all_that_is_known_of_it() -> None:
    described = DescribedTest(
        test="test_box.py::test_lid",
        level="run",
        uses=(Requirement("Alpha_One>=2"),),
        components=["alpha-one"],
        artifact="box",
        feature="lids",
        limit=5.0,
        alone=True,
    )
    event = end_event(described, Progress(time.perf_counter() - 2, FAILURE, "a reason"), "failed", [])
    assert 2 <= event["seconds"] < 60
    assert event["memory_mb"] > 1
    assert event == {
        "event": "end",
        "test": "test_box.py::test_lid",
        "level": "run",
        "components": ["alpha-one"],
        "artifact": "box",
        "feature": "lids",
        "outcome": "failed",
        "reason": "a reason",
        "seconds": event["seconds"],
        "memory_mb": event["memory_mb"],
        "failure": FAILURE,
        "warnings": [],
        "modules": None,
        "closure": None,
    }
