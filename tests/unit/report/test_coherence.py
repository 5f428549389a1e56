"""Badges, headline, COMPATIBILITY.md, ADVICE.md and the page say the same of each set of the newest releases."""

from __future__ import annotations

import html as entities
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from stackcompat.advice.advice import collect_advice
from stackcompat.advice.advisories import advisories
from stackcompat.report.advice import advice_files, derived_advice
from stackcompat.report.badges import badge_pictures, badges
from stackcompat.report.html import html
from stackcompat.report.markdown import markdown
from stackcompat.report.site.model import Published, Site
from stackcompat.resolve.lock import HeldBack
from stackcompat.table.build import summarise
from stackcompat.table.summary import Summary
from support.made_up import COMPONENTS, NEWEST, NOW, History, failed, make_cell, passed, planned, unresolved
from support.world import World

REPORTS = Path(__file__).parents[3] / "reports"
HELD = HeldBack(name="alpha", newest="1.3.0", got="1.2.0", by="Python 3.11", bound="requires-python >=3.12")
ASKED = dict.fromkeys(NEWEST, "")

#: What is said of the newest releases on each Python: ``works``, ``held back``, ``red`` or ``unknown``.
Claims = dict[str, str]

_PYTHONS = r"Python ((?:\d\.\d+(?:, | and )?)+)"
_SENTENCES = {
    "works": re.compile(
        rf"Install on {_PYTHONS}: [^.]*?(?:\.(?! )[^.]*?)*\. Tested together(?: on [\d-]+)?: works[^.(]*+(?!\(held)"
    ),
    "held back": re.compile(
        rf"Install on {_PYTHONS}: [^.]*?(?:\.(?! )[^.]*?)*\. Tested together(?: on [\d-]+)?: works[^.(]*\(held"
    ),
    "red": re.compile(rf"The newest releases do not all work together on {_PYTHONS}"),
    "unknown": re.compile(rf"It is not known whether the newest releases work together on {_PYTHONS}"),
}
_WORDS = {"broken": "red", "unresolvable": "red", "uninstallable": "red", "works": "works", "held back": "held back"}


def of_text(text: str) -> Claims:
    """The claims of a text, from its sentences about the newest releases."""
    claims: Claims = {}
    for state, pattern in _SENTENCES.items():
        for match in pattern.finditer(text):
            claims |= dict.fromkeys(re.findall(r"\d\.\d+", match[1]), state)
    return claims


def of_badge(message: str) -> Claims:
    """The claims of the badge: ``✓ works up to interop on Python 3.13 and 3.12; 3.11: held back``."""
    first, *others = message.split("; ")
    found = re.fullmatch(rf"\S+ (.+?) on {_PYTHONS}", first)
    assert found, message
    claims = dict.fromkeys(re.findall(r"\d\.\d+", found[2]), found[1])
    claims |= {python: state for python, _, state in (other.partition(": ") for other in others)}
    return {python: _state(state) for python, state in claims.items()}


def _state(words: str) -> str:
    """The state in words such as ``works up to interop`` or ``works up to interop, held back``."""
    if words.endswith(", held back"):
        return "held back"
    return _WORDS.get(words.partition(" up to ")[0], "unknown")


def of_page_table(page: str) -> Claims:
    """The claims of the page's table of the newest releases."""
    table = page.split('aria-label="The newest releases on each Python"')[1].split("</table>", maxsplit=1)[0]
    rows = re.findall(
        r'<th scope="row">Python (\d\.\d+)<small><a [^>]*><span [^>]*><b [^>]*>.</b> ([^<]+)</span>', table
    )
    return {python: _state(state) for python, state in rows}


def claims_of(summary: Summary, advice: str) -> dict[str, Claims]:
    """What each output says, by the name of the output."""
    page = html(summary)
    heading = entities.unescape(page.split('<p class="claim">')[1].split("</p>")[0])
    return {
        "headline": of_text(summary.headline),
        "COMPATIBILITY.md": of_text(markdown(summary).split("\n\n")[1].replace("\\", "")),
        "ADVICE.md": of_text(advice.split("\n")[1]),
        "page, first line": of_text(heading),
        "page, table": of_page_table(page),
        "badge": of_badge(json.loads(badges(summary)["newest.json"])["message"]),
    }


def advice_of(summary: Summary) -> str:
    collected = collect_advice(summary, COMPONENTS, World({}), (), ())
    return advice_files(summary, collected)["ADVICE.md"]


def works(made: History, python: str) -> None:
    made.add(make_cell(ASKED, python, "newest"), NEWEST)


def held_back(made: History, python: str) -> None:
    made.add(make_cell(ASKED, python, "newest"), NEWEST | {"alpha": "1.2.0"}, (HELD,))


def broken(made: History, python: str) -> None:
    made.add(make_cell(ASKED, python, "newest"), NEWEST | {"beta": "2.1.3"})


def not_run(made: History, python: str) -> None:
    made.cells.append(planned(make_cell(ASKED, python, "newest"), NEWEST))


def excluded(made: History, python: str) -> None:
    made.cells.append(unresolved(make_cell(ASKED, python, "newest"), "beta 2.4.1 requires alpha<1.3"))


def own_tests_fail(made: History, python: str) -> None:
    own = failed("upstream/beta/test_x.py::test_x", "beta", packages=("beta",), level="upstream")
    joint = passed("test_beta.py::test_apply", "alpha", "beta")
    made.add(make_cell(ASKED, python, "newest"), NEWEST, tests=(joint, own))


Newest = Callable[[History, str], None]


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        ((works, works), ("works", "works")),
        ((works, held_back), ("works", "held back")),
        ((held_back,), ("held back",)),
        ((works, broken), ("works", "red")),
        ((broken, held_back), ("red", "held back")),
        ((not_run, works), ("unknown", "works")),
        ((excluded, held_back, works), ("red", "held back", "works")),
        ((own_tests_fail, works), ("works", "works")),
    ],
)
def test_all_outputs_say_the_same_of_a_set(sets: tuple[Newest, ...], expected: tuple[str, ...]) -> None:
    made = History()
    pythons = ("3.13", "3.12", "3.11")[: len(sets)]
    for newest, python in zip(sets, pythons, strict=True):
        newest(made, python)
    summary = summarise(COMPONENTS, (made.record(),), made.evidence, NOW)
    wanted = dict(zip(pythons, expected, strict=True))
    for name, claims in claims_of(summary, advice_of(summary)).items():
        assert claims == wanted, name


def test_the_published_outputs_say_the_same_of_a_set() -> None:
    """Of the committed files as they are, not as they would be written now."""
    summary = Summary.model_validate_json((REPORTS / "compat.json").read_text(encoding="utf-8"))
    published = {
        "headline": of_text(summary.headline),
        "COMPATIBILITY.md": of_text((REPORTS / "COMPATIBILITY.md").read_text(encoding="utf-8")),
        "ADVICE.md": of_text((REPORTS / "ADVICE.md").read_text(encoding="utf-8")),
    }
    wanted = {row.python: {"works": "works", "held back": "held back"}.get(row.state, "red") for row in summary.today}
    for name, claims in published.items():
        assert claims == wanted, name


def test_the_repository_keeps_nothing_that_follows_from_its_table() -> None:
    summary = Summary.model_validate_json((REPORTS / "compat.json").read_text(encoding="utf-8"))
    site = Site(Published("Published", summary, advisories(summary)))
    derived = derived_advice(summary, site.advisories, site.osv_records)
    made = {*derived, "index.html", "junit.xml", *(f"badges/{name}" for name in badge_pictures(summary))}
    assert {"feed.atom", "badges/newest.svg"} <= made
    assert sorted(name for name in made if (REPORTS / name).exists()) == []


def test_the_published_texts_lead_to_files_that_are_there() -> None:
    for path in (*REPORTS.glob("*.md"), REPORTS.parent / "README.md"):
        targets = [
            target.partition("#")[0] for target in re.findall(r"\]\(([^)]+)\)", path.read_text(encoding="utf-8"))
        ]
        local = [target for target in targets if target and not target.startswith(("https://", "http://"))]
        assert [target for target in local if not (path.parent / target).exists()] == [], path
