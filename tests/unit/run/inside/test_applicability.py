"""Whether a test runs in an environment at all."""

from __future__ import annotations

import time

import pytest
from packaging.requirements import Requirement

from stackcompat.run.inside.applicability import Conditions, why_not_run
from stackcompat.run.inside.interface import DescribedTest

VERSIONS = {"alpha": "1.0", "beta-two": "2.0rc1"}


def using(*uses: str, level: str = "interop") -> DescribedTest:
    """A test that uses these requirements."""
    return DescribedTest(
        test="test_box.py::test_lid",
        level=level,
        uses=tuple(Requirement(requirement) for requirement in uses),
        artifact="",
        feature="",
        limit=5.0,
        alone=False,
    )


@pytest.mark.parametrize(
    ("uses", "expected"),
    [
        ((), None),
        (("alpha", "Beta_Two"), None),
        (("alpha>=1", "beta-two>=2.0rc1"), None),
        (("alpha", "absent"), ("not-applicable", "absent is not installed")),
        (("alpha>=2",), ("not-applicable", "alpha 1.0 is outside >=2")),
        # A pre-release is a release like any other, and 2.0rc1 comes before 2.0.
        (("beta-two>=1",), None),
        (("beta-two>=2",), ("not-applicable", "beta-two 2.0rc1 is outside >=2")),
    ],
)
def test_a_test_applies_to_the_releases_that_it_is_fit_for(
    uses: tuple[str, ...], expected: tuple[str, str] | None
) -> None:
    assert why_not_run(using(*uses), Conditions(VERSIONS, {}, None)) == expected


def test_a_test_of_what_cannot_be_imported_is_blocked() -> None:
    conditions = Conditions(VERSIONS, {"beta-two": "test_import.py::test_beta"}, None)
    reason = "beta-two cannot be imported (test_import.py::test_beta)"
    assert why_not_run(using("alpha", "Beta.Two"), conditions) == ("blocked", reason)
    assert why_not_run(using("alpha"), conditions) is None
    assert why_not_run(using("beta-two", level="import"), conditions) is None
    # A test that does not apply anyway is not blocked.
    assert why_not_run(using("beta-two", "absent"), conditions) == ("not-applicable", "absent is not installed")


def test_no_test_begins_after_the_time_box() -> None:
    over, open_still = (Conditions(VERSIONS, {}, time.time() + seconds) for seconds in (-1, 60))
    assert why_not_run(using("absent"), over) == ("not-applicable", "did not begin within the time box")
    assert why_not_run(using("alpha"), open_still) is None
