"""Declared bounds against a made-up table: what is too loose, what is too tight, what is proposed."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any

import pytest
from packaging.specifiers import SpecifierSet

from stackcompat.advice.advisories import advisories
from stackcompat.advice.bounds import BoundFinding, MetBound, bound_findings, met_bounds
from stackcompat.advice.repair import repaired
from stackcompat.ecosystem.releases import Catalog
from stackcompat.frontier.frontier import StoredFrontier
from stackcompat.frontier.search import explore
from stackcompat.resolve.lock import HeldBack
from stackcompat.table.build import summarise
from stackcompat.table.summary import Summary
from support.made_up import COMPONENTS, NOW, History, make_cell
from support.planted import Planted, by_pair, chart_of, stairs
from support.planted import table as table_of
from support.world import World

ALPHAS = ("1.0.0", "1.1.0", "1.2.0", "1.3.0")


def table(cells: Iterable[tuple[str, str]], forced: tuple[str, ...] = ()) -> Summary:
    """A summary of cells of alpha and beta; those of beta's made-up rules are broken as `made_up` has it."""
    made = History()
    for alpha, beta in cells:
        versions = {"alpha": alpha, "beta": beta}
        made.add(make_cell(versions, overrides=forced), versions)
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW)


def world(declared: str) -> World:
    release: dict[str, Any] = {
        "uploaded": "2026-01-01",
        "requires": [f"alpha{declared}", "gamma>=1", "alpha>9; extra == 'x'"],
    }
    return World(
        {"alpha": dict.fromkeys(ALPHAS, "2026-01-01"), "beta": {"2.1.3": release, "2.0.0": release, "2.4.1": release}}
    )


def findings_of(summary: Summary, catalog: Catalog) -> tuple[BoundFinding, ...]:
    return bound_findings(summary, advisories(summary), catalog)


def verdicts(summary: Summary) -> dict[tuple[str, str], str]:
    return {
        (release.first_version, release.second_version): release.verdict
        for row in summary.pairs
        if (row.first, row.second) == ("alpha", "beta")
        for release in row.releases
    }


@pytest.fixture(scope="module")
def every() -> Summary:
    return table(product(ALPHAS, ("2.0.0", "2.1.3", "2.4.1")))


@pytest.mark.parametrize("declared", ["", ">=1.0", ">=1.0,<9"])
def test_a_proposal_lets_in_what_works_and_keeps_out_what_is_broken(every: Summary, declared: str) -> None:
    seen = verdicts(every)
    assert set(seen.values()) == {"works", "broken"}, seen
    found = {finding.release: finding for finding in findings_of(every, world(declared))}
    for beta in ("2.0.0", "2.1.3", "2.4.1"):
        works = [alpha for alpha in ALPHAS if seen.get((alpha, beta)) == "works"]
        broken = [alpha for alpha in ALPHAS if seen.get((alpha, beta)) == "broken"]
        if not broken:
            assert beta not in found
            continue
        finding = found[beta]
        assert (finding.works, finding.broken) == (tuple(works), tuple(broken))
        assert finding.declared == str(SpecifierSet(declared))
        assert finding.sentence().startswith(f"beta {beta} fails with alpha ")
        assert f" because it declares {'alpha' if declared else 'no bound on alpha'}" in finding.sentence()
        if works:
            assert list(SpecifierSet(finding.proposed).filter(ALPHAS)) == works
        else:
            assert (finding.proposed, finding.kinds) == ("", ("works with none",))


def test_a_bound_that_keeps_out_what_is_broken_is_right(every: Summary) -> None:
    seen = verdicts(every)
    broken = [alpha for alpha in ALPHAS if seen.get((alpha, "2.1.3")) == "broken"]
    exact = ",".join(f"!={alpha}" for alpha in broken)
    assert "2.1.3" not in {finding.release for finding in findings_of(every, world(exact))}


def test_who_does_not_declare_the_other_has_no_bound_to_mend(every: Summary) -> None:
    assert {finding.distribution for finding in findings_of(every, world(""))} == {"beta"}


def test_a_bound_that_is_too_tight_shows_where_it_was_forced() -> None:
    summary = table([("1.3.0", "2.4.1")], forced=("alpha==1.3.0",))
    (finding,) = findings_of(summary, world("<1.3"))
    assert finding.kinds == ("too tight",)
    assert finding.sentence() == "beta 2.4.1 works with alpha 1.3.0, but declares alpha<1.3; widen the bound"
    assert findings_of(summary, world("<1.3; python_version < '3.12'")) == ()  # no bound of the Python that ran it


def charted(*, doubt: str = "") -> StoredFrontier:
    """Beta 2.1.3 was seen to work with alpha 1.0 and 1.1 and to fail with 1.2; that it fails with 1.3 is inferred."""
    works = stairs([(0, 1)], len(ALPHAS))
    space = table_of(1, len(ALPHAS))
    sides = {
        "first": space.first.model_copy(update={"name": "beta", "versions": ("2.1.3",)}),
        "second": space.second.model_copy(update={"name": "alpha", "versions": ALPHAS}),
    }
    chart = chart_of(explore(space, Planted(works, words="t: E [beta]"))).model_copy(update=sides)
    *seen, last = (one.model_copy(update={"doubt": doubt} if one.sentence else {}) for one in chart.findings)
    assert last.verdict == "broken"
    inferred = last.model_copy(update={"inferred": True, "evidence": (), "sentence": ""})
    return chart.model_copy(update={"findings": (*seen, inferred)})


def with_chart(chart: StoredFrontier, cells: Iterable[tuple[str, str]] = ()) -> Summary:
    made = History()
    for alpha, beta in cells:
        versions = {"alpha": alpha, "beta": beta}
        made.add(make_cell(versions), versions)
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW, frontiers=[chart])


def test_what_frontiers_infer_draws_the_line_and_what_they_observed_makes_it_a_finding() -> None:
    chart = charted()
    (finding,) = findings_of(with_chart(chart), world(">=1.0"))
    assert (finding.works, finding.broken) == (("1.0.0", "1.1.0"), ("1.2.0", "1.3.0"))
    assert finding.inferred == tuple(ALPHAS[one.pair[1]] for one in chart.findings if one.inferred)
    assert "1.3.0" in finding.inferred
    assert finding.sentence() == (
        "beta 2.1.3 fails with alpha 1.2.0, 1.3.0 (1 of them inferred) because it declares alpha>=1.0; "
        "declare alpha<1.2.0,>=1.0"
    )
    assert SpecifierSet(finding.proposed) == SpecifierSet(">=1.0,<1.2.0")
    assert (finding.kinds, finding.cells, finding.pythons) == (("cap missing",), (), ("3.12",))
    assert finding.evidence == (by_pair(chart)[0, 2].evidence[0],)
    assert findings_of(with_chart(charted(doubt="a third one had a part")), world(">=1.0")) == ()


def test_a_line_is_drawn_through_what_is_known_and_not_only_through_what_was_seen() -> None:
    """Broken without a doubt is 1.3.0 alone; 1.1.0 may be another's fault, and 1.2.0 is inferred to work."""
    chart = charted()
    changes = {
        0: {"verdict": "broken", "inferred": True, "sentence": ""},
        1: {"verdict": "broken", "inferred": False, "sentence": "t: E [beta]", "doubt": "a third one had a part"},
        2: {"verdict": "works", "inferred": True, "sentence": ""},
        3: {"verdict": "broken", "inferred": False, "sentence": "t: E [beta]"},
    }
    findings = tuple(one.model_copy(update=changes[one.pair[1]]) for one in chart.findings)
    summary = with_chart(chart.model_copy(update={"findings": findings}))
    (finding,) = findings_of(summary, world(">=1.0"))
    assert (finding.proposed, finding.inferred) == ("<1.3.0,>=1.2.0", ("1.0.0", "1.1.0", "1.2.0"))
    # Nothing is known of what lies between the broken releases and the one that works, so it draws no line.
    changes |= {2: {"verdict": "untested"}, 1: changes[3], 3: changes[2]}
    findings = tuple(one.model_copy(update=changes[one.pair[1]]) for one in chart.findings)
    (finding,) = findings_of(with_chart(chart.model_copy(update={"findings": findings})), world(">=1.0"))
    assert (finding.works, finding.proposed) == (("1.3.0",), "!=1.0.0,!=1.1.0,>=1.0")


def test_what_a_release_fails_in_alone_is_no_bound_but_a_missing_line() -> None:
    absent = "ModuleNotFoundError: No module named 'gamma' [beta]"
    chart = charted()
    findings = tuple(
        one.model_copy(update={"signature": absent, "sentence": f"t: {absent}"}) if one.sentence else one
        for one in chart.findings
    )
    summary = with_chart(chart.model_copy(update={"findings": findings}))
    bare = World({"beta": {"2.1.3": {"uploaded": "2026-01-01", "requires": ["alpha>=1.0", "gamma; extra == 'x'"]}}})
    (finding,) = findings_of(summary, bare)
    assert (finding.on, finding.kinds, finding.proposed) == ("gamma", ("undeclared",), "")
    assert finding.sentence() == "beta 2.1.3 fails without gamma because it does not declare it; declare gamma"
    (entry,) = repaired([finding], bare)
    assert entry["requires-dist"] == ["alpha>=1.0", 'gamma; extra == "x"', "gamma"]
    assert findings_of(summary, world(">=1.0")) == ()  # there it is declared


def test_a_bound_counts_on_the_pythons_where_it_holds() -> None:
    def catalog(*requires: str) -> World:
        return World({"beta": {"2.1.3": {"uploaded": "2026-01-01", "requires": requires}}})

    summary = with_chart(charted())
    other = ("alpha<1.2; python_version < '3.12'", "alpha>=1.0; python_version >= '3.12'")
    (finding,) = findings_of(summary, catalog(*other))
    assert (finding.declared, finding.proposed) == (">=1.0", "<1.2.0,>=1.0")
    (entry,) = repaired([finding], catalog(*other))
    assert entry["requires-dist"] == [
        'alpha<1.2; python_version < "3.12"',
        'alpha<1.2.0,>=1.0; python_version >= "3.12"',
    ]
    assert findings_of(summary, catalog("alpha>=1.0; python_version < '3.12'", "alpha<1.2")) == ()
    assert findings_of(summary, catalog("alpha>=1.0; python_version < '3.12'")) == ()  # not declared where it was tried


def test_cells_tell_more_than_frontiers() -> None:
    chart = charted()
    turned = chart.model_copy(
        update={
            "findings": tuple(
                one.model_copy(update={"verdict": "broken", "inferred": False, "evidence": ("run",)})
                for one in chart.findings
            )
        }
    )
    assert findings_of(with_chart(turned), world(">=1.0"))[0].kinds == ("works with none",)
    (finding,) = findings_of(with_chart(turned, [("1.0.0", "2.1.3"), ("1.1.0", "2.1.3")]), world(">=1.0"))
    assert finding.works == ("1.0.0", "1.1.0")


def test_releases_of_which_nothing_is_known_draw_no_line() -> None:
    """Of ten releases the first and the last are broken and one in the middle works: of the rest nothing is known."""
    tens = {f"{number}.0": "2026-01-01" for number in range(1, 11)}
    release = {"uploaded": "2026-01-01", "requires": ["alpha>=1.0"]}
    chart = charted()
    verdicts = {"1.0": "broken", "5.0": "works", "10.0": "broken"}
    findings = tuple(
        chart.findings[0].model_copy(
            update={
                "pair": (0, place),
                "verdict": verdict,
                "inferred": False,
                "evidence": ("run",),
                "sentence": "t: E [beta]" if verdict == "broken" else "",
                "signature": "E [beta]" if verdict == "broken" else "",
            }
        )
        for place, verdict in enumerate(verdicts.values())
    )
    second = chart.second.model_copy(update={"versions": tuple(verdicts), "uploaded": chart.second.uploaded[:3]})
    summary = with_chart(chart.model_copy(update={"findings": findings, "second": second}))
    catalog = World({"alpha": tens, "beta": {"2.1.3": release}})
    (finding,) = findings_of(summary, catalog)
    assert SpecifierSet(finding.proposed) == SpecifierSet(">=1.0,!=1.0,!=10.0")
    assert finding.kinds == ("release not excluded",)
    proposed = SpecifierSet(finding.proposed)
    assert [version for version in tens if version not in proposed] == ["1.0", "10.0"]


def test_bounds_that_kept_a_release_out_are_in_the_table_itself() -> None:
    summary = table([("1.2.0", "2.1.3"), ("1.3.0", "2.4.1")])
    assert met_bounds(summary) == ()
    words = "beta[fast]>=2.4 depends on alpha>=1.1,<1.3, but alpha==1.3.0 is requested"
    held = HeldBack(name="alpha", newest="1.3.0", got="1.2.0", by="beta==2.4.1", bound=words)
    python = HeldBack(name="alpha", newest="1.3.0", got="1.2.0", by="Python 3.11", bound="alpha requires Python >=3.12")
    first, second = summary.cells
    refused = "gamma==1 depends on alpha<1; beta>=2.4 depends on gamma!=1.0"
    cells = (
        first.model_copy(update={"held_back": (held, python)}),
        second.model_copy(update={"held_back": (held,), "verdict": "unresolvable", "sentence": refused}),
    )
    assert met_bounds(summary.model_copy(update={"cells": cells})) == (
        MetBound("beta", "alpha", "beta[fast]>=2.4 depends on alpha>=1.1,<1.3"),
        MetBound("beta", "gamma", "beta>=2.4 depends on gamma!=1.0"),
        MetBound("gamma", "alpha", "gamma==1 depends on alpha<1"),
    )
