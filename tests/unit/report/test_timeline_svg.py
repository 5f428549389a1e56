"""Days as a picture and as words: every span is there, what is red is high, inference is said."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from xml.etree import ElementTree as ET

from stackcompat.advice.pair_lookup import KnownVerdict
from stackcompat.advice.timeline import Timeline, timeline
from stackcompat.report.html import html
from stackcompat.report.timeline_svg import outage_words, timeline_svg, timeline_words
from stackcompat.report.write import write
from stackcompat.table.build import summarise
from support.made_up import COMPONENTS, NOW, history
from support.page import Page
from support.world import World, day

WORLD = World(
    {
        "alpha": {"1.0": "2026-01-01", "1.1": "2026-03-01"},
        "beta": {"1.0": "2026-01-01", "1.1": "2026-03-11", "1.2": "2026-04-01"},
    }
)
TITLES = {"alpha": "Alpha <1>"}


def line(*, inferred: bool = False) -> Timeline:
    rules = {("1.1", "1.0"): KnownVerdict("broken", "import", inferred), ("1.1", "1.2"): KnownVerdict("untested")}
    return timeline(
        {name: WORLD.project(name) for name in ("alpha", "beta")},
        lambda one, version, other, its: rules.get((version, its), KnownVerdict("works")),
        python="3.12",
        since=day("2026-02-01"),
        until=day("2026-04-12"),
    )


def rects(made: Timeline) -> list[dict[str, str]]:
    root = ET.fromstring(timeline_svg(made, TITLES))
    assert root.get("role") == "img"
    assert root.get("aria-label") == f"Python 3.12: {timeline_words(made)}"
    space = "{http://www.w3.org/2000/svg}"
    return [dict(one.attrib) | {"title": one.findtext(f"{space}title", "")} for one in root.iter(f"{space}rect")]


def test_every_span_is_as_wide_as_it_is_long_and_as_high_as_it_is_bad() -> None:
    found = rects(line())
    assert [round(float(one["width"]) / 960 * 70) for one in found] == [28, 10, 21, 11]
    heights = [float(one["height"]) for one in found]
    assert heights[1] > heights[0] == heights[2] > heights[3]
    assert [one["title"] for one in found][:2] == [
        "2026-02-01 12:00, 28 days: works to interop",
        "2026-03-01 12:00, 10 days: broken at import Alpha <1> 1.1 with beta 1.0",
    ]
    assert not any("stroke-dasharray" in one for one in found)
    assert ["stroke-dasharray" in one for one in rects(line(inferred=True))] == [False, True, False, False]


def test_days_and_breaks_in_words() -> None:
    assert timeline_words(line()) == (
        "on 10 of 70 days a plain install gave a broken stack; on 49 days it worked; 11 days are not known "
        "(no verdict on up to 1 of 1 pairs)"
    )
    assert "gave a broken stack (10 of them inferred); " in timeline_words(line(inferred=True))
    (outage,) = line().breaks
    assert outage_words(outage, {"alpha": "Alpha"}) == (
        "2026-03-01 12:00: Alpha 1.1 broke beta 1.0 (59 days old); beta 1.1 fixed it 10 days later"
    )
    still = outage.model_copy(update={"broke": "", "fixed": (), "inferred": True})
    assert outage_words(still, {}) == (
        "2026-03-01 12:00: alpha 1.1 and beta 1.0 failed together from the first day on; not fixed after 10 days "
        "(inferred)"
    )
    brief = outage.model_copy(update={"broke": "gamma 1 and delta 2", "until": outage.since + dt.timedelta(hours=5)})
    assert outage_words(brief, {}) == (
        "2026-03-01 12:00: alpha 1.1 and beta 1.0 failed together since the upload of gamma 1 and delta 2; "
        "beta 1.1 fixed it 5 hours later"
    )


def test_the_page_has_the_strip_and_who_broke() -> None:
    made = history()
    summary = summarise(COMPONENTS, (made.record(),), made.evidence, NOW)
    page = Page(html(summary, [line()]))
    assert page.unmatched == []
    assert "days-3.12" in page.all("id")
    assert sum(tag == "rect" for tag, _ in page.elements) == 4
    assert "Beta 1.1 fixed it 10 days later" in page.text
    assert "days" not in Page(html(summary)).all("id")


def test_pictures_of_an_earlier_report_go(tmp_path: Path) -> None:
    made = history()
    summary = summarise(COMPONENTS, (made.record(),), made.evidence, NOW)
    write(tmp_path, summary, {"timeline-3.12.svg": timeline_svg(line(), TITLES) + "\n"})
    assert re.match("<svg ", (tmp_path / "timeline-3.12.svg").read_text())
    write(tmp_path, summary, {})
    assert not (tmp_path / "timeline-3.12.svg").exists()
