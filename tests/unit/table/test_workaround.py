"""The way out that every output offers: the smallest step that was seen to work."""

from __future__ import annotations

import pytest

from stackcompat.advice.advisories import advisories
from stackcompat.table.summary import Summary
from stackcompat.table.workaround import Step, smallest_steps, steps_sentence
from support.advice_world import failing_frontier, table_with

LOST = "ImportError: cannot import name 'lost' from 'alpha.core' [beta]"


@pytest.fixture(scope="module")
def summary() -> Summary:
    """The table of the made-up history, without frontiers."""
    return table_with()


def steps_of(summary: Summary, *broken: dict[str, str]) -> dict[str, Step]:
    def is_broken(releases: object) -> bool:
        return releases in broken

    return {step.component: step for step in smallest_steps({"alpha": "1.3.0", "beta": "2.1.3"}, summary, is_broken)}


def test_the_nearest_pair_that_was_observed_is_offered() -> None:
    summary = table_with(failing_frontier(LOST))
    steps = steps_of(summary)
    observed = {
        (pair.versions["alpha"], pair.versions["beta"])
        for row in summary.frontiers
        for pair in row.observed()
        if pair.verdict == "works"
    } | {
        (release.first_version, release.second_version)
        for row in summary.pairs
        if (row.first, row.second) == ("alpha", "beta")
        for release in row.releases
        if release.verdict == "works" and not release.inferred
    }
    assert steps
    for step in steps.values():
        releases = {step.component: step.working} | step.kept
        assert (releases["alpha"], releases["beta"]) in observed
        assert step.cell or step.run
    if "beta" in steps:
        assert steps["beta"].working == "2.2.0"


def test_what_another_finding_calls_broken_is_never_offered() -> None:
    """Else one line of the advice would send a person to what another line forbids."""
    summary = table_with(failing_frontier(LOST))
    before = steps_of(summary)["beta"]
    after = steps_of(summary, {"alpha": "1.3.0", "beta": before.working})
    assert "beta" not in after or after["beta"].working != before.working
    known = advisories(summary)
    for advisory in known:
        for step in advisory.steps:
            installed = {step.component: step.working} | step.kept
            assert not any(other.hits(installed) for other in known if not other.without)


def test_of_a_single_release_the_nearest_that_worked_anywhere(summary: Summary) -> None:
    (step,) = smallest_steps({"beta": "2.1.3"}, summary)
    assert (step.kept, step.installed) == ({}, "2.1.3")
    assert any(
        release.verdict == "works" and step.working == release.second_version
        for row in summary.pairs
        for release in row.releases
        if row.second == "beta"
    )


def test_nothing_is_offered_for_what_the_table_does_not_follow(summary: Summary) -> None:
    assert smallest_steps({"beta": "2.1.3", "numbers": "2.5"}, summary) == ()
    assert smallest_steps({"beta": "2.1.3", "iota": "1"}, summary) == ()


def test_steps_in_words() -> None:
    step = Step(component="a", title="A", distribution="a", installed="2", working="1", kept={"b": "3"})
    assert steps_sentence([step, step.model_copy(update={"kept": {}})], {"b": "B"}) == "use A 1 with B 3, or use A 1"
    assert steps_sentence([], {}) == ""
