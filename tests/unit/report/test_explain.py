from __future__ import annotations

import re
from pathlib import Path

import pytest

from stackcompat.advice.advisories import advisories
from stackcompat.advice.set_knowledge import SetKnowledge
from stackcompat.core.requirements import version_key
from stackcompat.report.explain import Explanation, explain
from stackcompat.report.glossary import WORDS
from stackcompat.report.words import GLOSSARY, LEVEL_MEANINGS
from stackcompat.table.build import summarise
from support.advice_world import GONE, failing_frontier, table_with
from support.made_up import COMPONENTS, NOW, history

MADE = history()
SUMMARY = summarise(COMPONENTS, (MADE.record(),), MADE.evidence, NOW)
ADVISORIES = advisories(SUMMARY)


def of(text: str) -> tuple[Explanation, ...]:
    return explain(text, SUMMARY, ADVISORIES)


def text_of(text: str) -> str:
    return "\n".join(line for one in of(text) for line in one.lines)


def test_an_advisory() -> None:
    advisory = ADVISORIES[0]
    (one,) = of(advisory.id.lower())
    assert (one.kind, one.subject) == ("advisory", advisory.id)
    assert one.lines[0] == advisory.sentence()
    assert any(line.startswith("reproduce: stackcompat try") for line in one.lines)


def test_a_cell_by_its_first_characters() -> None:
    cell = next(cell for cell in SUMMARY.cells if cell.verdict == "broken")
    (one,) = of(cell.id[:8])
    assert one.subject == f"cell {cell.id}"
    assert cell.sentence in one.lines[0]
    assert "culprit: not known" in one.lines
    green = next(cell for cell in SUMMARY.cells if cell.verdict == "works")
    assert not any(line.startswith(("culprit", "reproduce")) for line in of(green.id)[0].lines)


def test_a_failure_by_its_id_and_by_its_words() -> None:
    group = next(group for group in SUMMARY.failures if "MutableBox" in group.signature)
    assert of(group.id) == of("has no attribute 'MutableBox'")
    assert of(group.id)[0].kind == "failure"
    assert of(f"The log says: {group.message}, and then it ends") == of(group.id)


@pytest.mark.parametrize(
    "text",
    [
        "alpha 1.3.0 with beta 2.4.1",
        "Beta==2.4.1 Alpha==1.3.0",
        "alpha 1.3.0, beta 2.4.1",
        "alpha v1.3.0 beta v2.4.1",
        "alpha[fast]==1.3.0 with beta[all] 2.4.1",
    ],
)
def test_two_releases_that_work(text: str) -> None:
    (one,) = of(text)
    assert one.kind == "pair"
    assert "Python 3.12: tested together, work up to interop" in one.lines
    assert not any("broken" in line for line in one.lines)


def test_two_releases_that_are_broken_and_what_helps() -> None:
    lines = text_of("alpha 1.3.0 with beta 2.1.3")
    assert "Python 3.12: tested together, broken at import" in lines
    assert "SC-" in lines
    assert "use Beta" in lines


def test_releases_that_nobody_tried_are_not_known() -> None:
    lines = text_of("alpha 9.9 with beta 2.4.1")
    assert "Python 3.12: not known" in lines
    assert "works" not in lines
    assert "not known: no cell has it" in text_of("alpha 9.9")
    for text in ("alpha 9.9 with beta 2.4.1", "alpha 9.9"):
        assert [one.known for one in of(text)] == [False]
    for text in ("alpha 1.3.0 with beta 2.1.3", "alpha 1.3.0", "alpha with beta"):
        assert [one.known for one in of(text)] == [True]


def test_two_releases_of_one_distribution_cannot_be_installed_together() -> None:
    assert text_of("alpha 1.3.0 with alpha 1.2.0") == "cannot be installed together: both are releases of alpha"


def test_of_three_releases_it_names_the_command_that_tells() -> None:
    (one,) = of("alpha 1.3.0 with beta 2.4.1 and gamma 1.0.2")
    assert not one.known
    assert "stackcompat check" in one.lines[0]


@pytest.mark.parametrize("text", ["alpha 1.3.x with beta 2.4.1", "alpha 1.3.x", "alpha==1..2"])
def test_what_is_no_version_names_no_release(text: str) -> None:
    assert of(text) == ()


@pytest.mark.parametrize("text", ["alpha beta", "Beta with alpha", "beta/alpha", "Alpha, Beta", "alpha and BETA"])
def test_two_components(text: str) -> None:
    (one,) = of(text)
    assert (one.kind, one.subject) == ("pair", "Alpha with Beta")
    (pair,) = (row for row in SUMMARY.pairs if {row.first, row.second} == {"alpha", "beta"})
    seen = [release for release in pair.releases if "3.12" in release.pythons and not release.inferred]
    broken = [release for release in seen if release.pythons["3.12"] == "broken"]
    assert one.lines[1] == (
        f"Python 3.12: {len(seen)} pairs of releases were tried together, {len(broken)} are broken; "
        "the newest that work are Alpha 1.3.0 with Beta 2.4.1"
    )
    assert any(line.startswith("SC-") and "Beta" in line for line in one.lines)
    assert of("alpha alpha") == of("alpha nobody") == ()


def test_one_release() -> None:
    (one,) = of("Alpha 1.3.0")
    cells = [
        cell for cell in SUMMARY.cells if "alpha" in cell.components and cell.components["alpha"].version == "1.3.0"
    ]
    assert one.kind == "release"
    assert any(line.startswith(f"{len(cells)} cells have it") for line in one.lines)


def test_numbers_of_pairs_are_told_as_people_say_them() -> None:
    (pair,) = (row for row in SUMMARY.pairs if {row.first, row.second} == {"alpha", "beta"})
    only = tuple(one for one in pair.releases if (one.first_version, one.second_version) == ("1.3.0", "2.4.1"))
    table = SUMMARY.model_copy(update={"frontiers": (), "pairs": (pair.model_copy(update={"releases": only}),)})
    lines = [line for one in explain("alpha with beta", table, ()) for line in one.lines]
    assert any("Python 3.12: 1 pair of releases was tried together, none is broken; " in line for line in lines)


def test_one_component() -> None:
    (row,) = (row for row in SUMMARY.components if row.name == "alpha")
    for text in ("alpha", "Alpha"):
        (one,) = of(text)
        assert (one.kind, one.subject, one.known) == ("component", "Alpha", True)
        assert f"its newest tested release is {row.newest}" in one.lines
        assert any("Beta 2.4.1" in line for line in one.lines)
        assert one.lines[-1].endswith(": component/alpha.html")
    (one,) = explain("alpha", SUMMARY, ADVISORIES, "https://sound.example")
    assert one.lines[-1] == "page: https://sound.example/latest/component/alpha.html"


@pytest.mark.parametrize("text", ["up to interop", "Works up to interop", "at interop", "broken at interop"])
def test_how_deep_a_result_goes(text: str) -> None:
    (one,) = of(text)
    assert one.kind == "word"
    assert one.lines[0].endswith(f"; interop: {LEVEL_MEANINGS['interop']}")


def test_a_part_of_the_headline() -> None:
    part = SUMMARY.headline.partition("Tested together on ")[2].partition(",")[0]
    (one,) = of(f"Tested together on {part}")
    assert one.kind == "headline"
    assert all(any(row.cell in line for line in one.lines) for row in SUMMARY.today)


def test_every_word_of_the_glossary_is_explained_as_it_is_there() -> None:
    text = (Path(__file__).parents[3] / "docs" / "glossary.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", text.partition("## From a test to a verdict")[0], re.MULTILINE)
    found: dict[str, list[str]] = {}
    for names, means in rows:
        for name in names.split(", ") if names not in ("word", "---") else ():
            found.setdefault(name, []).append(re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", means).replace("`", ""))
    assert {name: tuple(means) for name, means in found.items()} == WORDS
    assert {name for name, means in WORDS.items() if len(means) > 1} == set()  # one word for one thing
    assert len(WORDS) > 80
    assert [name for name in WORDS if not of(name) or not of(name)[0].lines] == []


def test_words_and_marks() -> None:
    assert of("held back")[0].lines == (f"held back: {GLOSSARY['held back']}",) or of("held back")[0].lines == (
        GLOSSARY["held back"],
    )
    assert "modules load" in text_of("import")
    assert "declared bounds exclude each other" in text_of("⊘")


def test_a_bound_in_a_sentence() -> None:
    bound = next(held.bound for cell in SUMMARY.cells for held in cell.held_back)
    (one, *_) = of(bound)
    assert one.kind == "bound"
    assert GLOSSARY["held back"] in one.lines


@pytest.mark.parametrize("text", ["", "x", "nothing of that kind stands in any report", "gamble 1.0", "ffffffffffff"])
def test_what_the_table_does_not_have_is_not_explained(text: str) -> None:
    assert of(text) == ()


def test_two_components_that_only_a_frontier_tried_together() -> None:
    table = table_with(failing_frontier(GONE))
    table = table.model_copy(update={"pairs": ()})
    known = SetKnowledge(table, "3.12")
    (frontier,) = table.frontiers
    facts = [
        known.fact(frontier.first, version_key(one.version), frontier.second, version_key(two.version))
        for one in frontier.first_releases
        for two in frontier.second_releases
    ]
    seen = [fact for fact in facts if fact.state == "seen"]
    assert any(fact.broken for fact in seen)
    (one,) = explain(f"{frontier.first} with {frontier.second}", table, advisories(table))
    (line,) = (line for line in one.lines if line.startswith("Python 3.12"))
    broken = sum(fact.broken for fact in seen)
    assert line.startswith(f"Python 3.12: {len(seen)} pairs of releases were tried together, {broken} are broken")
    assert any(line.startswith("SC-") for line in one.lines)


def test_where_a_third_component_can_be_at_fault_two_releases_are_not_called_broken() -> None:
    table = table_with(failing_frontier("AttributeError: gone [beta]", doubt="gamma moved, too"))
    table = table.model_copy(update={"pairs": ()})
    known = SetKnowledge(table, "3.12")
    first, its, second, other = next(
        (first, its, second, other)
        for first, its, second, other in (
            (table.frontiers[0].first, one.version, table.frontiers[0].second, two.version)
            for one in table.frontiers[0].first_releases
            for two in table.frontiers[0].second_releases
        )
        if known.fact(first, version_key(its), second, version_key(other)).doubt
        and known.fact(first, version_key(its), second, version_key(other)).state == "seen"
    )
    (one,) = explain(f"{first} {its} with {second} {other}", table, ())
    assert any(line.startswith("Python 3.12: tested together, likely broken at ") for line in one.lines)
    (one,) = explain(f"{first} with {second}", table, ())
    assert any(
        ", none is broken, " in line and " likely (a third component can be at fault)" in line for line in one.lines
    )
