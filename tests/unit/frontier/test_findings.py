"""The verdict on every pair when a search ends."""

from __future__ import annotations

from stackcompat.core.vocabulary import Level, Verdict
from stackcompat.frontier.answers import PairAnswer, PairFinding, PairQuestion, Predictions
from stackcompat.frontier.conclusions import conclude
from stackcompat.frontier.findings import findings_of
from stackcompat.frontier.inference import Pair
from stackcompat.frontier.knowledge import note_answer, start_knowledge
from support.planted import table


def findings(
    answers: dict[Pair, tuple[bool, Level]],
    predictions: Predictions | None = None,
    reached: dict[Pair, Level] | None = None,
) -> dict[Pair, PairFinding]:
    permitted = {(row, column) for row in range(2) for column in range(6)} - {(1, 5)}
    knowledge = start_knowledge(table(2, 6, permitted), ("import", "interop"), predictions or {})
    for pair, (works, level) in answers.items():
        verdict: Verdict = "works" if works else "broken"
        deepest = (reached or {}).get(pair, level)
        answer = PairAnswer(verdict=verdict, level=deepest, runs=2, evidence=("a", "b"))
        note_answer(knowledge, PairQuestion(pair, level), answer)
    return findings_of(knowledge, conclude(knowledge))


def test_an_observed_pair_has_its_answer_and_an_inferred_one_has_no_evidence() -> None:
    found = findings({(0, 0): (True, "interop"), (0, 2): (True, "interop"), (0, 3): (False, "interop")})
    assert found[0, 0] == PairFinding(verdict="works", level="interop", evidence=("a", "b"))
    assert found[0, 1] == PairFinding(verdict="works", level="interop", inferred=True)
    assert found[0, 3] == PairFinding(verdict="broken", level="interop", evidence=("a", "b"))
    assert found[1, 5] == PairFinding(verdict="unresolvable", level="resolve", sentence="bounds")
    assert found[1, 1] == PairFinding(verdict="untested", level="resolve")
    assert list(found) == sorted(found)


def test_an_inferred_break_has_the_level_of_the_nearest_observed_one() -> None:
    answers: dict[Pair, tuple[bool, Level]] = {(0, 0): (True, "interop"), (0, 2): (False, "interop")}
    assert findings(answers)[0, 5].level == "interop"
    wants: Predictions = {"import": {(0, 5): frozenset({"beta.gone"})}}
    assert findings(answers, wants)[0, 5].level == "import"


def test_what_works_at_the_shallow_level_alone_says_so() -> None:
    assert findings({(0, 0): (True, "import")})[0, 0].level == "import"


def test_an_inferred_pair_is_no_deeper_than_the_shallowest_pair_that_it_rests_on() -> None:
    answers: dict[Pair, tuple[bool, Level]] = {
        (0, 5): (True, "interop"),
        (1, 0): (True, "interop"),
        (1, 4): (True, "interop"),
    }
    found = findings(answers, reached={(1, 0): "import"})
    # Where the depth ends is asked next, in the middle.
    assert [found[1, column].verdict for column in range(1, 4)] == ["works", "untested", "works"]
    assert [found[1, column].level for column in (1, 3)] == ["import"] * 2
    # The older release works with what a newer one works with: it rests on that and on its own oldest one.
    inferred = [found[0, column] for column in range(5) if found[0, column].verdict == "works"]
    assert len(inferred) == 4
    assert {(finding.level, finding.inferred) for finding in inferred} == {("import", True)}


def test_between_two_deep_pairs_an_inferred_pair_is_deep() -> None:
    answers: dict[Pair, tuple[bool, Level]] = {
        (0, 0): (True, "interop"),
        (0, 2): (True, "interop"),
        (0, 5): (True, "interop"),
    }
    found = findings(answers, reached={(0, 0): "import"})
    assert [found[0, column].verdict for column in (1, 3, 4)] == ["untested", "works", "works"]
    assert [found[0, column].level for column in (3, 4)] == ["interop", "interop"]


def test_a_break_that_was_foreseen_says_nothing_of_a_pair_that_lacks_nothing() -> None:
    """The nearest broken pair lacks a name that this one has: it broke at imports for that reason."""
    answers: dict[Pair, tuple[bool, Level]] = {
        (0, 0): (True, "interop"),
        (0, 1): (False, "interop"),
        (0, 4): (False, "import"),
    }
    wants: Predictions = {"import": {(0, 4): frozenset({"beta.gone"})}}
    assert findings(answers, wants)[0, 3].level == "interop"
