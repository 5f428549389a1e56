"""The verdict on every pair when a search ends."""

from __future__ import annotations

from stackcompat.core.vocabulary import Level
from stackcompat.frontier.answers import PairAnswer, PairFinding, PairQuestion, Predictions
from stackcompat.frontier.conclusions import conclude
from stackcompat.frontier.findings import findings_of
from stackcompat.frontier.inference import Pair
from stackcompat.frontier.knowledge import record, start
from support.planted import table


def findings(
    answers: dict[Pair, tuple[bool, Level]], predictions: Predictions | None = None
) -> dict[Pair, PairFinding]:
    permitted = {(row, column) for row in range(2) for column in range(6)} - {(1, 5)}
    knowledge = start(table(2, 6, permitted), ("import", "interop"), predictions or {})
    for pair, (works, level) in answers.items():
        answer = PairAnswer(verdict="works" if works else "broken", level=level, runs=2, evidence=("a", "b"))
        record(knowledge, PairQuestion(pair, level), answer)
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
