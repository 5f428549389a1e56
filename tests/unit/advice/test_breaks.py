"""The breaks of an environment: by an advisory, by a red cell, or by inference."""

from __future__ import annotations

import itertools

import pytest

from stackcompat.advice.advisories import advisories
from stackcompat.advice.breaks import no_locks
from stackcompat.advice.check import check
from stackcompat.advice.listing import Listed
from stackcompat.advice.set_knowledge import SetKnowledge
from stackcompat.table.build import summarise
from stackcompat.table.summary import Summary
from support.checking import GOOD, checked, joint, tried, with_charts
from support.made_up import COMPONENTS, NOW, History, failed, history, make_cell, make_lock, passed


@pytest.fixture(scope="module")
def summary() -> Summary:
    made = history()
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW)


def test_a_confirmed_incompatibility_is_broken(summary: Summary) -> None:
    advisory = advisories(summary)[0]
    one, other = advisory.together[-1]
    bad = GOOD | {advisory.sides[0].distribution: one, advisory.sides[1].distribution: other}
    known = checked(summary, bad)
    assert known.answer == "broken"
    (hit,) = known.hits
    assert (hit.id, hit.together) == (advisory.id, advisory.together)
    assert hit.summary == advisory.summary_of(bad)
    for step in hit.steps:  # they lead from these releases, and not from the newest that fail
        assert {step.distribution: step.installed}.items() <= bad.items()
        assert checked(summary, bad | {step.distribution: step.working}).answer != "broken"


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.99"])
def test_a_way_out_passes_the_check_on_the_python_of_the_environment(summary: Summary, python: str) -> None:
    two = [advisory for advisory in advisories(summary) if len(advisory.sides) == 2 and not advisory.beside]
    hits = [
        hit
        for advisory in two
        for releases in advisory.together
        for hit in checked(summary, dict(zip(advisory.distributions, releases, strict=True)), python).hits
    ]
    assert hits
    for hit in hits:
        assert bool(hit.workaround) == bool(hit.steps)
        for step in hit.steps:
            rows = {row.name: row.distribution for row in summary.components}
            kept = {rows[name]: version for name, version in step.kept.items()}
            assert checked(summary, kept | {step.distribution: step.working}, python).answer == "works"


def three_way() -> Summary:
    """Only beta 2.4.1, gamma 1.0.2 and zeta 0.9.4 together fail; nobody has searched for the culprit."""
    new = {"beta": "2.4.1", "gamma": "1.0.2", "zeta": "0.9.4"}
    old = {"beta": "2.4.0", "gamma": "1.0.1", "zeta": "0.9.3"}
    cells = []
    for chosen in itertools.product((0, 1), repeat=3):
        versions = {name: (new if place else old)[name] for name, place in zip(new, chosen, strict=True)}
        uses = ("beta", "gamma", "zeta")
        red = failed("t.py::all", *uses, message="the shapes differ")
        cells.append((versions, (red if all(chosen) else passed("t.py::all", *uses),)))
    return tried(*cells)


def test_the_versions_of_a_red_cell_are_broken_before_anybody_is_blamed() -> None:
    summary = three_way()
    assert advisories(summary) == ()
    red = {"beta": "2.4.1", "gamma": "1.0.2", "zeta": "0.9.4"}
    known = checked(summary, make_lock(red).versions())
    assert known.answer == "broken"
    (cell,) = known.red_cells
    assert (cell.versions, cell.exact) == (red, False)
    assert checked(summary, red | {"alpha": "1.0"}).answer == "broken"
    assert checked(summary, red, "3.13").answer == "not known"
    assert checked(summary, red | {"zeta": "0.9.3"}).answer == "works"


def test_the_whole_lock_of_a_red_cell_is_exact() -> None:
    summary = three_way()
    red = {"beta": "2.4.1", "gamma": "1.0.2", "zeta": "0.9.4"}
    lock = make_lock(red).versions()
    knowledge = SetKnowledge(summary, "3.12")
    known = check(Listed(lock), knowledge, (), lambda _: lock)
    assert [cell.exact for cell in known.red_cells] == [True]


def test_pairs_that_a_cell_leaves_open_are_hit_with_the_cell() -> None:
    versions = {"beta": "2.4.1", "gamma": "1.0.2", "zeta": "0.9.4"}
    red = failed("t.py::all", "beta", "gamma", "zeta", message="the shapes differ")
    summary = tried((versions, (red,)))
    assert checked(summary, versions).answer == "broken"
    two = checked(summary, {"beta": "2.4.1", "gamma": "1.0.2"})
    assert two.answer == "not known"


def red_and_green() -> Summary:
    """The same components, once red and once green; what else was installed is not in the table."""
    versions = {"alpha": "1.0", "beta": "2.0"}
    made = History()
    made.add(make_cell(versions), versions, tests=(failed("t.py::joint", "alpha", "beta"),))
    made.add(make_cell({"alpha": "1.0", "beta": ""}), versions | {"gamma": "1"}, tests=(joint("alpha", "beta"),))
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW)


def test_components_that_are_red_and_green_are_decided_by_the_rest_of_the_lock() -> None:
    summary = red_and_green()
    knowledge = SetKnowledge(summary, "3.12")
    components = {"alpha": "1.0", "alpha-native": "1.0", "beta": "2.0"}
    red = components | {"numbers": "2.5.5"}

    def answer(installed: dict[str, str]) -> str:
        return check(Listed(installed), knowledge, (), lambda _: red).answer

    assert answer(red) == "broken"
    assert answer(components) == "not known"
    assert answer(components | {"numbers": "2.5.4"}) == "works"
    assert check(Listed(components), knowledge, (), no_locks).answer == "not known"


def test_what_a_frontier_infers_to_be_broken_is_likely() -> None:
    summary = with_charts()
    known = advisories(summary)
    (advisory,) = [one for one in known if one.signature == "E: words [beta]"]
    guess = checked(summary, {"alpha": "9.0.0", "beta": "2.1"})
    assert (guess.answer, guess.hits) == ("not known", ())
    (likely,) = guess.likely
    assert (likely.versions, likely.advisory) == ({"alpha": "9.0", "beta": "2.1"}, advisory.id)
    assert likely.sentence == "Alpha 9.0 with Beta 2.1: E: words [beta]"
    (alike,) = check(Listed({"alpha": "9.0.0", "beta": "2.1"}), SetKnowledge(summary, "3.12"), ()).likely
    assert (alike.advisory, alike.sentence) == ("", "Alpha 9.0 with Beta 2.1: E: words [beta]")
    seen = checked(summary, {"alpha": "8.2", "beta": "2.1"})
    assert (seen.answer, seen.hits, seen.likely) == ("broken", (advisory,), ())
    fine = checked(summary, {"alpha": "8.0", "beta": "2.1"})
    assert (fine.answer, fine.hits, fine.likely) == ("works", (), ())


def test_what_was_seen_to_break_but_may_be_anothers_is_likely() -> None:
    words = {
        "sentence": "t: E: others [beta]",
        "signature": "E: others [beta]",
        "evidence": ("run",),
        "inferred": False,
    }
    installed = {"alpha": "9.0", "beta": "2.1"}
    (likely,) = checked(with_charts(**words, doubt="a third one had a part"), installed).likely
    assert (likely.advisory, likely.sentence) == ("", "Alpha 9.0 with Beta 2.1: E: others [beta]")
    alone = with_charts(**words, doubt="it points at beta and nobody else", alone="beta")
    assert checked(alone, installed).likely == ()
    works = checked(with_charts(verdict="works", sentence="", inferred=False), installed)
    assert (works.answer, works.likely) == ("works", ())


def test_what_a_release_wants_and_does_not_declare_hits_who_has_it_without() -> None:
    absent = "ModuleNotFoundError: No module named 'gamma' [beta]"
    summary = with_charts(sentence=f"t: {absent}", signature=absent, evidence=("run",), inferred=False)
    installed = {"alpha": "9.0", "beta": "2.1"}
    assert [one.without for one in checked(summary, installed).hits] == ["gamma"]
    known = checked(summary, installed | {"gamma": "1.0"})
    assert (known.hits, known.likely) == ((), ())
