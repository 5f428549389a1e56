"""What is known of every two releases."""

from __future__ import annotations

import pytest

from stackcompat.advice.observations import Observation, PossibleBound, Rank, observations
from stackcompat.table.summary import Summary
from support.advice_world import BETAS, failing_frontier, table_with


@pytest.mark.parametrize("rank", Rank)
def test_only_what_was_seen_of_these_two_is_certain(rank: Rank) -> None:
    certain = rank in (Rank.SEEN_IN_CELL, Rank.SEEN_ALONG_FRONTIER)
    assert Observation(rank, works=False, python="3.12").certain == certain
    assert Observation(rank, works=False, python="3.12").shows_break == certain
    assert not Observation(rank, works=True, python="3.12").shows_break


def test_both_releases_of_a_pair_see_each_other(summary: Summary) -> None:
    known = observations(summary)
    assert known
    for bound, by_version in known.items():
        for version, seen in by_version.items():
            assert known[PossibleBound(bound.on, version, bound.distribution)][bound.release] == seen
    row = next(row for row in summary.pairs if (row.first, row.second) == ("alpha", "beta"))
    (release, *_) = [release for release in row.releases if release.verdict == "works"]
    seen = known[PossibleBound("alpha", release.first_version, "beta")][release.second_version]
    assert {(one.rank, one.works, one.cell) for one in seen} == {(Rank.SEEN_IN_CELL, True, release.cell)}


def test_a_frontier_says_what_it_saw_what_it_doubts_and_what_it_infers() -> None:
    for doubt, rank in (("", Rank.SEEN_ALONG_FRONTIER), ("a third one", Rank.DOUBTFUL_ALONG_FRONTIER)):
        known = observations(table_with(failing_frontier("E: words [beta]", doubt=doubt)))
        of_frontier = [
            observation
            for release in BETAS
            for seen in known[PossibleBound("beta", release, "alpha")].values()
            for observation in seen
            if not observation.cell
        ]
        assert {one.rank for one in of_frontier if one.run and not one.works} == {rank}
        assert {one.rank for one in of_frontier if not one.run} == {Rank.INFERRED_ALONG_FRONTIER}


def test_two_releases_that_were_only_imported_together_are_not_certain_to_work() -> None:
    frontier = failing_frontier("E: words [beta]")
    deeper = frontier.model_copy(update={"level": "interop"})
    levels = {finding.level for finding in frontier.findings if finding.verdict == "works"}
    assert levels == {"interop"}
    shallow = deeper.model_copy(
        update={"findings": tuple(finding.model_copy(update={"level": "import"}) for finding in deeper.findings)}
    )
    known = observations(table_with(shallow))
    works = [
        observation
        for release in BETAS
        for seen in known[PossibleBound("beta", release, "alpha")].values()
        for observation in seen
        if observation.works and not observation.cell
    ]
    assert {observation.rank for observation in works} == {Rank.INFERRED_ALONG_FRONTIER}
