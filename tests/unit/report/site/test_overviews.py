"""The pages about the whole: what the last night changed, and what is not known."""

from __future__ import annotations

from pathlib import Path

from stackcompat.nightly.changes import Night, night
from stackcompat.report.site.model import Published, Site
from stackcompat.report.site.overviews import overviews
from stackcompat.report.site.render import Renderer
from stackcompat.table.build import summarise
from stackcompat.table.features import FeatureRow
from support.made_up import COMPONENTS, NOW
from support.nights import BREAKS, FIXED, NEW, OLD, PASSES, Nights
from support.page import Page
from support.world import World

WORLD = World({"alpha": {"1.2.0": "2026-11-01", "1.3.0": "2026-11-20"}, "beta": {"2.4.1": "2026-11-02"}})


def tonight(nights: Nights) -> tuple[Night, str]:
    """The last of these nights, and the text of the page about it."""
    found = night(COMPONENTS, nights.runs, nights.evidence, WORLD, NOW)
    return found, page("tonight.html", nights, found)


def page(path: str, nights: Nights, found: Night | None) -> str:
    summary = summarise(COMPONENTS, (nights.runs[-1],), nights.evidence, NOW, past=nights.runs)
    site = Site(Published("Sound", summary, night=found))
    (text,) = [Renderer(site).render(one) for one in overviews(site) if one.path == path]
    taken_apart = Page(text)
    assert taken_apart.unmatched == []
    return " ".join(taken_apart.text.split())


def test_a_new_break_with_its_culprit_and_the_versions_before_and_after() -> None:
    nights = Nights()
    nights.add(1, OLD, PASSES)
    nights.add(0, NEW, BREAKS)
    found, text = tonight(nights)
    (broken,) = found.new_breaks
    assert found.sentence in text
    assert f"{broken.subject}: alpha 1.3.0" in text
    assert "DistributionBeforeAfter" in text
    assert "alpha1.2.01.3.0" in text
    assert broken.signature in text
    assert broken.reproduce in text
    assert "Text for an issue#### ✗" in text


def test_what_works_again() -> None:
    nights = Nights()
    nights.add(2, OLD, PASSES)
    nights.add(1, NEW, BREAKS)
    nights.add(0, FIXED, PASSES)
    _, text = tonight(nights)
    assert "New breaks None." in text
    assert "✓ on Python 3.12, 1 cell:" in text


def test_a_night_that_nobody_reported_is_not_known() -> None:
    nights = Nights()
    nights.add(1, OLD, PASSES)
    nights.add(0, NEW, BREAKS)
    text = page("tonight.html", nights, None)
    assert "What the last night changed is not known" in text
    assert "module 'alpha' has no attribute 'boxes'" in text


def test_where_nothing_was_looked_for_that_is_said() -> None:
    nights = Nights()
    nights.add(0, OLD, PASSES)
    assert "Not known: they were not looked for." in page("islands.html", nights, None)
    assert "Not known: the past was not replayed" in page("days.html", nights, None)
    assert "None was tried." in page("artifacts.html", nights, None)


def test_the_templates_are_all_used() -> None:
    folder = Path(__file__).parents[4] / "src/stackcompat/report/site"
    sources = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    named = {path.name.removesuffix(".html.j2") for path in (folder / "templates").glob("*.j2")} - {"base", "macros"}
    assert named
    assert [name for name in named if f'"{name}"' not in sources] == []


def test_a_feature_is_told_of_the_newest_sets_as_on_the_first_page() -> None:
    nights = Nights()
    nights.add(0, OLD, PASSES)
    summary = summarise(COMPONENTS, (nights.runs[-1],), nights.evidence, NOW, past=nights.runs)
    today = summary.today[0]
    row = FeatureRow(
        feature="saving boxes",
        today=False,
        components={"beta": (today.versions["beta"],)},
        signature="E: no box",
        tests=(),
        cells=(today.cell,),
    )
    site = Site(Published("Sound", summary.model_copy(update={"features": (row,)})))
    texts = {one.path: Page(Renderer(site).render(one)).text for one in overviews(site)}
    assert "saving boxes does not work" in texts["index.html"]
    assert f"yes, on Python {today.python}" in texts["features.html"]
