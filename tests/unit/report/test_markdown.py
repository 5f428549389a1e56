from __future__ import annotations

import re

from islands_world import Islands
from made_up import COMPONENTS, NEWEST, NOW, History, history, make_cell
from stackcompat.matrix import Components
from stackcompat.report import summarise
from stackcompat.report.markdown import markdown

MADE = history()
SUMMARY = summarise(COMPONENTS, (MADE.record(),), MADE.evidence, NOW)


def test_the_headline_and_the_links() -> None:
    text = markdown(SUMMARY)
    assert SUMMARY.headline in text
    assert "(index.html)" in text
    assert "(compat.json)" in text


def test_the_square_is_a_table_of_the_tested_components() -> None:
    rows = [line for line in markdown(SUMMARY).splitlines() if line.startswith("|")]
    assert len({row.count("|") for row in rows}) == 1
    assert len(rows) == 2 + len(SUMMARY.tested()) - 1 == 8  # one moves with another
    beta = next(row for row in rows if row.startswith("| **Beta** 2.4.1"))
    assert beta.count("✓ interop") == 4
    assert beta.count("?") == 1  # with epsilon, which no test uses together with it


def test_islands_and_who_keeps_the_others_out() -> None:
    assert "installed together" not in markdown(SUMMARY)
    found = Islands(("alpha", "beta", "gamma"), [("alpha", "gamma")]).find()
    text = markdown(SUMMARY.model_copy(update={"islands": (found,)}))
    assert "- **Python 3.12**: Alpha 1, Beta 1\n    - without Gamma 1: alpha, gamma exclude each other\n" in text
    assert "- **Python 3.12**: Beta 1, Gamma 1\n    - without Alpha 1: alpha, gamma exclude each other\n" in text


def test_red_in_the_square_says_where() -> None:
    pairs = [
        pair.model_copy(update={"verdict": "broken", "level": "import", "pythons": {"3.12": "works", "3.13": "broken"}})
        if (pair.first, pair.second) == ("alpha", "beta")
        else pair
        for pair in SUMMARY.pairs
    ]
    text = markdown(SUMMARY.model_copy(update={"pairs": tuple(pairs)}))
    assert text.count("✗ import, on Python 3.13") == 2


def test_the_breaks_are_few_and_lead_to_the_page() -> None:
    text = markdown(SUMMARY)
    broken = [line for line in text.splitlines() if line.startswith("- ✗")]
    assert re.search(r"Alpha 1\.2\.0 . 1\.3\.0 with Beta 2\.0\.0 . 2\.1\.3", broken[0])
    assert re.search(r"\[9 cells\]\(index\.html#failure-[0-9a-f]{8}\)", broken[0])
    many = [SUMMARY.failures[0].model_copy(update={"id": f"{n:08x}"}) for n in range(20)]
    text = markdown(SUMMARY.model_copy(update={"failures": tuple(many)}))
    assert text.count("- ✗") == 15
    assert "[and 5 more](index.html#broken)" in text


def test_breaks_of_today_come_first() -> None:
    last = SUMMARY.failures[2].model_copy(update={"today": True})
    failures = (*SUMMARY.failures[:2], last, *SUMMARY.failures[3:])
    text = markdown(SUMMARY.model_copy(update={"failures": failures}))
    first = next(line for line in text.splitlines() if line.startswith("- ✗"))
    assert last.id in first
    assert "**in the newest releases**" in first


def test_what_is_untested_says_why() -> None:
    assert "- Theta: is on no index" in markdown(SUMMARY)


def test_nothing_was_run() -> None:
    text = markdown(summarise(COMPONENTS, (History().record(),), {}, NOW))
    assert "What is broken" not in text
    assert "no cell with the newest releases was run" in text


def test_markup_in_data_stays_text() -> None:
    nasty = SUMMARY.failures[0].model_copy(update={"signature": "ValueError: `a` | b\nc [x]", "suspects": ()})
    text = markdown(SUMMARY.model_copy(update={"failures": (nasty,), "headline": "a *b* <c>"}))
    assert "`ValueError: 'a' | b c [x]`" in text
    assert r"**a \*b\* \<c\>**" in text


def test_components_that_never_met_are_untested_together() -> None:
    made = History()
    for name in ("beta", "gamma"):
        versions = {"alpha": "1.3.0", name: NEWEST[name]}
        made.add(make_cell(versions, policy="pins"), versions)
    known = Components(components=tuple(COMPONENTS[name] for name in ("alpha", "beta", "gamma")))
    text = markdown(summarise(known, (made.record(),), made.evidence, NOW))
    assert "| **Gamma** 1.0.2 | ✓ interop | ? |  |" in text
    assert "What is untested" not in text
