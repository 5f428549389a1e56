"""Advisories of releases that fail alone."""

from __future__ import annotations

from stackcompat.advice.advisories import advisories
from stackcompat.advice.advisory import Advisory
from support.advice_world import BETAS, failing_frontier, table_with

ABSENT = "ModuleNotFoundError: No module named 'gamma' [beta]"


def test_what_a_release_needs_and_does_not_declare_is_its_own() -> None:
    """Alpha has no part in it, though it was there each time; who has gamma is not hit."""
    chart = failing_frontier(ABSENT)
    found = [one for one in advisories(table_with(chart)) if one.signature == ABSENT]
    (one,) = found
    assert one.distributions == ("beta",)
    words = "fails without gamma, which it does not declare, because \"No module named 'gamma'\""
    assert one.sentence() == f"Beta 2.0.0 \N{EN DASH} 2.1.3 {words}; install gamma too."
    assert (one.without, one.workaround) == ("gamma", "install gamma too")
    assert set(one.evidence) == {f.evidence[0] for f in chart.findings if f.verdict == "broken" and f.evidence}
    assert one.hits({"beta": "2.1.3"})
    assert not one.hits({"beta": "2.1.3", "gamma": "1.0.2"})
    assert not one.hits({"beta": "2.2.0"})


def test_what_points_at_one_is_its_own_where_it_works_with_no_release_of_the_other() -> None:
    words = "E: words [beta]"
    chart = failing_frontier(words, doubt="it points at beta and nobody else")

    def own(red: int | None) -> list[Advisory]:
        """The advisories where what fails is beta's alone, and its release of that number works with nobody."""
        failure = {
            "verdict": "broken",
            "signature": words,
            "sentence": f"t: {words}",
            "alone": "beta",
            "inferred": False,
        }
        findings = tuple(
            one.model_copy(update=failure | {"evidence": ("run",)}) if one.pair[0] == red or one.signature else one
            for one in chart.findings
        )
        table = table_with(chart.model_copy(update={"findings": findings}))
        return [one for one in advisories(table) if one.signature == words]

    assert own(None) == []  # each of them works with alpha 1.0.0
    (one,) = own(BETAS.index("2.0.5"))
    assert (one.distributions, one.together, one.without) == (("beta",), (("2.0.5",),), "")
    assert one.summary == 'Beta 2.0.5 fails with every tested partner because "words"'
    assert one.workaround == "use Beta 2.1.3"
