"""What differs between the two arms."""

from __future__ import annotations

from stackcompat.gate.candidate import Candidate
from stackcompat.gate.moving import find_moving
from support.questions import ALPHA, ROWS, WORLD, policy


def test_what_moves_with_a_candidate_has_its_version_where_there_is_one() -> None:
    moved = find_moving([ALPHA], policy(), ROWS, WORLD)
    assert moved.candidate == {"alpha": "1.2", "native": "1.2"}
    assert moved.control == {"alpha": "1.1", "native": ""}  # there is no native 1.1
    assert moved.asked == ("alpha", "native")


def test_what_moves_with_a_candidate_of_another_index_is_looked_up_there_too() -> None:
    nightly = ALPHA.model_copy(update={"version": "1.3.dev1", "followers": {"native": "1.3.dev1"}})
    assert find_moving([nightly], policy(), ROWS, WORLD).candidate == {"alpha": "1.3.dev1", "native": "1.3.dev1"}
    alone = nightly.model_copy(update={"followers": {}})
    assert find_moving([alone], policy(), ROWS, WORLD).candidate == {"alpha": "1.3.dev1", "native": ""}


def test_a_follower_that_is_a_candidate_itself_is_taken_as_given() -> None:
    native = Candidate(name="native", version="1.2", replaces="1.0", source="index")
    moved = find_moving([ALPHA, native], policy(), ROWS, WORLD)
    assert moved.control == {"alpha": "1.1", "native": "1.0"}


def test_what_is_not_in_the_policy_moves_and_is_not_asked_for() -> None:
    narrow = policy().model_copy(update={"components": ("alpha", "beta")})
    moved = find_moving([ALPHA], narrow, ROWS, WORLD)
    assert moved.candidate == {"alpha": "1.2", "native": "1.2"}
    assert moved.asked == ("alpha",)
