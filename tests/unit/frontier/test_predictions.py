"""What the answers of a search make of predictions."""

from __future__ import annotations

from stackcompat.frontier.predictions import PairOutcome, Prediction, confirm, disprove, lacking

NAMES = {
    (0, 1): frozenset({"beta.gone", "beta.idle"}),
    (0, 2): frozenset({"beta.gone"}),
    (3, 1): frozenset({"beta.call(key)"}),
}


def test_a_name_without_which_a_pair_works_is_disproved() -> None:
    prediction = Prediction(NAMES)
    assert lacking(prediction, (0, 1)) == {"beta.gone", "beta.idle"}
    assert lacking(prediction, (7, 7)) == frozenset()
    disprove(prediction, [PairOutcome((0, 2), False, ""), PairOutcome((3, 1), True, ""), PairOutcome((7, 7), True, "")])
    assert lacking(prediction, (3, 1)) == frozenset()
    disprove(prediction, [PairOutcome((0, 2), True, "")])
    assert lacking(prediction, (0, 1)) == {"beta.idle"}
    assert lacking(prediction, (3, 1)) == {"beta.call(key)"}


def test_pairs_that_lack_a_name_that_a_failure_mentions_are_confirmed() -> None:
    prediction = Prediction(NAMES)
    confirm(prediction, [PairOutcome((0, 2), False, "module 'beta' has no attribute 'gone'")])
    assert prediction.confirmed == {0: {1, 2}}
    confirm(prediction, [PairOutcome((3, 1), False, "call() got an unexpected keyword argument 'key'")])
    assert prediction.confirmed == {3: {1}}
    confirm(prediction, [PairOutcome((0, 2), False, "the gong is too loud"), PairOutcome((3, 1), True, "key")])
    assert prediction.confirmed == {}


def test_a_name_that_is_disproved_confirms_nothing() -> None:
    prediction = Prediction(NAMES)
    outcomes = [PairOutcome((0, 1), True, ""), PairOutcome((0, 2), False, "no 'gone'")]
    disprove(prediction, outcomes)
    confirm(prediction, outcomes)
    assert prediction.confirmed == {}
