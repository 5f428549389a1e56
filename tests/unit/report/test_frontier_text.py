"""Frontiers in words."""

from __future__ import annotations

import datetime as dt

import pytest

from stackcompat.frontier.search import explore
from stackcompat.report.frontier_text import frontier_words, interval_words, working_partners
from stackcompat.table.frontiers import FrontierEdge, FrontierNews, FrontierRow, frontier_row
from support.planted import Planted, chart_of, stairs, table

ROW = frontier_row(chart_of(explore(table(3, 4), Planted(stairs([(0, 2), (0, 2), (1, 3)], 4)))))


@pytest.mark.parametrize(
    ("works", "words"),
    [
        ((), "none"),
        ((("1.2", "1.2"),), "1.2"),
        ((("1.2", "1.4"), ("1.6", "1.6")), "1.2 – 1.4, 1.6"),
    ],
)
def test_an_interval_of_one_release_is_that_release(works: tuple[tuple[str, str], ...], words: str) -> None:
    assert interval_words(works) == words


def with_verdict(verdict: str) -> FrontierRow:
    return ROW.model_copy(update={"pairs": tuple(pair.model_copy(update={"verdict": verdict}) for pair in ROW.pairs)})


def test_a_release_without_verdicts_was_not_tested_rather_than_broken() -> None:
    edge = FrontierEdge(version=ROW.edges[0].version, works=())
    assert working_partners(with_verdict("untested"), ROW.first, edge) == "not tested yet (4)"
    assert working_partners(with_verdict("broken"), ROW.first, edge) == "none"
    assert working_partners(ROW, ROW.first, ROW.edges[0]) == "1.0 – 1.2"


def test_the_sentence_counts_what_was_tested_and_what_was_inferred() -> None:
    tested = ROW.pairs_answered - ROW.pairs_inferred
    assert frontier_words(ROW).startswith(
        f"12 installable pairs: {tested} tested, {ROW.pairs_inferred} inferred, from {ROW.runs} runs"
    )
    assert "without a verdict" not in frontier_words(ROW)
    assert "Not complete yet" not in frontier_words(ROW)


def test_what_is_missing_and_wrong_is_said() -> None:
    checks = tuple(check.model_copy(update={"observed": "broken", "inferred": "works"}) for check in ROW.checks[:1])
    assert checks
    row = ROW.model_copy(
        update={"complete": False, "pairs_answered": 10, "checks": checks, "precision": 0.5, "recall": None}
    )
    words = frontier_words(row)
    assert "2 without a verdict" in words
    assert "1 inferred pairs were tested afterwards: 1 of them wrong" in words
    assert "Forecast from source: precision 50%" in words
    assert words.endswith("Not complete yet")


def test_a_release_with_some_verdicts_says_what_it_lacks() -> None:
    """One broken pair and two that nobody tried are no reason to say that nothing works."""
    verdicts = iter(["broken", "untested", "untested", "flaky"])
    version = ROW.edges[0].version
    pairs = tuple(
        pair.model_copy(update={"verdict": next(verdicts)}) if pair.versions[ROW.first] == version else pair
        for pair in ROW.pairs
    )
    row = ROW.model_copy(update={"pairs": pairs})
    edge = FrontierEdge(version=version, works=())
    expected = "none of the 1 that were tested or inferred; not tested yet (2); no verdict (1)"
    assert working_partners(row, ROW.first, edge) == expected
    some = FrontierEdge(version=version, works=(("1.0", "1.0"),))
    assert working_partners(row, ROW.first, some) == "1.0; not tested yet (2); no verdict (1)"


def test_a_release_that_metadata_keeps_apart_from_all_says_so() -> None:
    row = ROW.model_copy(update={"pairs": ()})
    edge = FrontierEdge(version=ROW.edges[0].version, works=())
    assert working_partners(row, ROW.first, edge) == "none: their metadata excludes it"


def test_what_was_only_imported_together_is_told_apart() -> None:
    works = stairs([(0, 3)] * 3, 4)
    apart = {(row, column) for row, column in works if column < 2}
    found = explore(table(3, 4), Planted(works, apart=apart), levels=("import", "interop"))
    row = frontier_row(chart_of(found, level="interop"))
    assert working_partners(row, row.first, row.edges[0]) == "1.2 – 1.3; 1.0 – 1.1 only up to import"
    assert row.edges[0].works == (("1.2", "1.3"),)
    assert row.pairs_shallow >= len(apart)
    assert f"{row.pairs_shallow} of them are known to work up to a shallower level only" in frontier_words(row)


def test_the_bound_of_the_error_is_said() -> None:
    words = frontier_words(ROW)
    assert f"Of {len(ROW.checks)} drawn at random, 0 came out otherwise: at most " in words


def test_a_newer_search_that_is_not_complete_is_told() -> None:
    seen = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
    news = FrontierNews(seen=seen, releases={"beta": ("1.4", "1.5")}, pairs_answered=2, pairs=6)
    words = frontier_words(ROW.model_copy(update={"newer": news}))
    assert words.endswith(
        "A newer search with beta 1.4 and beta 1.5 is not complete yet (2026-11-21): 2 of its 6 pairs have a verdict"
    )
