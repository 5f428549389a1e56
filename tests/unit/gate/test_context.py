"""What cells are judged by: who moves, and which versions a cell has."""

from __future__ import annotations

import datetime as dt

from stackcompat.gate.candidate import Candidate
from stackcompat.gate.context import component_versions, expected_versions
from support.made_up import NEWEST, NOW
from support.paired import ALPHA, GREEN, OLD, POLICY, arm, bound, context, excluded, pair, untried

NATIVE = Candidate(name="alpha-native", version="1.3.0", replaces="1.2.0", source="index")
BETA = Candidate(name="beta", version="2.4.1", replaces="2.4.0", source="index")


def test_what_moves_with_a_candidate_moves() -> None:
    assert context().moving_components == {"alpha", "alpha-native"}
    assert context(candidates=(NATIVE,)).moving_components == {"alpha-native"}
    assert context(candidates=(NATIVE,)).leaders == {"alpha-native": "alpha"}
    assert context(candidates=(ALPHA, BETA)).moving_components == {"alpha", "alpha-native", "beta"}


def test_candidates_in_words() -> None:
    both = context(candidates=(ALPHA, BETA))
    assert (both.releases, both.replaced) == ("alpha 1.3.0 and beta 2.4.1", "alpha 1.2.0 and beta 2.4.0")
    assert both.names == "alpha and beta"


def test_evidence_gets_too_old() -> None:
    assert context(policy=POLICY.model_copy(update={"max_age_days": 2})).oldest == NOW - dt.timedelta(days=2)


def test_the_versions_of_a_cell_are_those_of_the_candidates_arm() -> None:
    cell = pair(GREEN)
    assert component_versions(context(), cell) == {**NEWEST, "alpha-native": "1.3.0"}
    assert component_versions(context(), untried("no time", paired=cell))["alpha"] == "1.3.0"
    assert component_versions(context(), untried("no lock")) == {}


def test_without_an_arm_the_versions_are_those_of_the_control_and_the_candidates() -> None:
    assert component_versions(context(), excluded(bound("candidate"))) == {**NEWEST, "alpha-native": "1.2.0"}
    older = pair(candidate=arm(NEWEST | {"beta": "2.0.0"}), control=arm(OLD | {"beta": "2.4.0"}))
    assert expected_versions(context(), older)["beta"] == "2.4.0"
    assert expected_versions(context(), untried("no lock")) == {"alpha": "1.3.0"}
