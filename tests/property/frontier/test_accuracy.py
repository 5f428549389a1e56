"""How a forecast came out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stackcompat.frontier.accuracy import measure_accuracy


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=20))
def test_precision_and_recall_are_shares_of_what_was_observed(pairs: list[tuple[bool, bool]]) -> None:
    observed = {(number, 0): works for number, (_, works) in enumerate(pairs)}
    predicted = {(number, 0) for number, (broken, _) in enumerate(pairs) if broken} | {(99, 99)}
    accuracy = measure_accuracy(predicted, observed)
    assert accuracy.hits + accuracy.misses == sum(not works for _, works in pairs)
    assert accuracy.hits + accuracy.false == sum(broken for broken, _ in pairs)
    assert (accuracy.recall is None) == (accuracy.hits + accuracy.misses == 0)
