"""The pages about the whole: what to install, tonight, the selector, lists, how it was measured, words. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from stackcompat.advice.limits import limits_of
from stackcompat.advice.set_knowledge import parsed
from stackcompat.core.requirements import name_of
from stackcompat.core.text import and_list
from stackcompat.core.vocabulary import LEVELS
from stackcompat.nightly.changes import Night
from stackcompat.report.island_text import island_exclusions, island_guide
from stackcompat.report.nightly import break_markdown
from stackcompat.report.site.latest import LatestSet, constraints_name, constraints_text, install_lines
from stackcompat.report.site.model import Site
from stackcompat.report.site.packages import package_name, package_version
from stackcompat.report.site.page import Page, parts
from stackcompat.report.timeline_svg import outage_words, timeline_words
from stackcompat.report.words import GLOSSARY, LEVEL_MEANINGS
from stackcompat.resolve.island_rows import number_islands
from stackcompat.table.accelerators import shown_components
from stackcompat.table.components import ComponentRow
from stackcompat.table.exchange import squares_by_label
from stackcompat.table.failures import FailureGroup
from stackcompat.table.features import FeatureRow
from stackcompat.table.islands import names_on_islands
from stackcompat.table.vocabulary import SIGNS, Sign

__all__ = ["overviews"]

#: The most known problems, and the most changes, on the first page. The rest is one link away.
_MOST_PROBLEMS = 6
_MOST_CHANGES = 8

#: How many failures that were seen last stand on the page about tonight, where no report of a night is known.
_MOST_FAILURES = 20

#: The number of newest releases of each component that the selector lists without a script.
_MOST_RELEASES = 8


class _Install(NamedTuple):
    """A set to install, once for all Pythons that have the same.

    Attributes:
        pythons: These Pythons.
        latest: The set.
        lines: The command that installs it, by installer.
        files: The constraints of each Python, by the name of their file.
        besides: The distributions that are installed with it and that no component requires.
    """

    pythons: list[str]
    latest: LatestSet
    lines: dict[str, str]
    files: dict[str, str]
    besides: list[str]


def overviews(site: Site) -> Iterator[Page]:
    """The pages about the whole."""
    whole: list[tuple[str, str, Callable[[Site], Mapping[str, object]]]] = [
        ("home", f"{site.name}: what to install", _home),
        ("tonight", "Tonight: what broke, and by whose release", _tonight),
        ("selector", "What goes with the versions I have", _selector),
        ("components", "Components", _components),
        ("artifacts", "Artifacts across versions", _artifacts),
        ("accelerators", "Accelerators, level by level", _accelerators),
        ("islands", "Which newest releases can be installed together", _islands),
        ("days", "Days on which the newest releases did not work together", _days),
        ("measured", "How it was measured", _nothing),
        ("glossary", "What the words and marks mean", _glossary),
        ("data", "The same for programs", _packages),
    ]
    for name, title, data in whole:
        yield Page("index.html" if name == "home" else f"{name}.html", name, title, partial(data, site))
    summary = site.summary
    yield from _list("pairs", "Pairs of components", summary.pairs)
    yield from _list("advisories", "Known incompatibilities", site.advisories)
    yield from _list("failures", "Failures", summary.failures)
    in_newest = partial(_in_newest, site=site)
    yield from _list("features", "What works except for one feature", summary.features, in_newest=in_newest)
    yield from _list("cells", "Every combination that was tried", summary.cells)
    yield from _list("frontiers", "Release by release", summary.frontiers)


def _list(name: str, title: str, items: Sequence[object], **more: object) -> Iterator[Page]:
    """A long list, on as many pages as it needs. Their template takes `more`, too."""
    for part in parts(f"{name}.html", items):
        numbered = title if part.number == 1 else f"{title}, page {part.number}"
        yield Page(part.path, name, numbered, partial(dict, part=part, **more))


def _nothing(_: Site) -> Mapping[str, object]:
    return {}


def _home(site: Site) -> dict[str, object]:
    features = [row for row in site.summary.features if row.today]
    return {
        "installs": _installs(site),
        "problems": site.today[:_MOST_PROBLEMS],
        "more_problems": len(site.today) - _MOST_PROBLEMS,
        "features": features[:_MOST_PROBLEMS],
        "limits": _limits(site, {row.feature for row in features}),
        "changes": site.changes,
        "most": _MOST_CHANGES,
    }


def _limits(site: Site, known: Collection[str]) -> list[str]:
    """The further features that do not work in a newest set, as `check` finds them, each in a few words.

    Args:
        site: The site.
        known: The names of the features that are told already.
    """
    found: dict[str, list[str]] = {}
    for row in site.summary.today:
        for limit in limits_of(parsed(row.versions), site.summary):
            if limit.feature not in known:
                found.setdefault(limit.words, []).append(row.python)
    everywhere = len(site.summary.today)
    return [
        words if len(pythons) == everywhere else f"{words} (newest set on Python {and_list(pythons)})"
        for words, pythons in found.items()
    ]


def _in_newest(row: FeatureRow, site: Site) -> str:
    """Whether a feature does not work in the newest sets, as the first page tells it, and on which Pythons."""
    found: dict[bool, list[str]] = {}
    for today in site.summary.today:
        for limit in limits_of(parsed(today.versions), site.summary, (row,)):
            found.setdefault(limit.words == row.words, []).append(today.python)
    words = [
        f"{start} on Python {and_list(found[sure])}"
        for sure, start in ((True, "yes,"), (False, "likely"))
        if sure in found
    ]
    return "; ".join(words) or ("yes" if row.today else "no")


def _installs(site: Site) -> list[_Install]:
    groups: dict[tuple[object, ...], list[LatestSet]] = {}
    for latest in site.latest:
        key = (
            *latest.components.items(),
            *latest.besides,
            latest.newest,
            latest.problem,
            latest.level,
            *latest.held_back,
        )
        groups.setdefault(key, []).append(latest)
    return [
        _Install(
            [latest.python for latest in alike],
            alike[0],
            install_lines(alike[0].pins, alike[0].besides),
            {constraints_name(latest.python): constraints_text(latest) for latest in alike if latest.cell},
            [name_of(requirement) for requirement in alike[0].besides],
        )
        for alike in groups.values()
    ]


def _tonight(site: Site) -> dict[str, object]:
    night = site.published.night
    return {
        "night": night,
        "issues": _issues(night),
        "recent": [] if night else _recent(site),
        "changes": site.changes,
    }


def _issues(night: Night | None) -> list[str]:
    """The text of an issue about each new break, in the order of the breaks."""
    return [break_markdown(broken) for broken in night.new_breaks] if night else []


def _recent(site: Site) -> list[FailureGroup]:
    """The failures of the newest releases, then the others; those first that were seen last."""
    red = [group for group in site.summary.failures if group.verdict == "broken" and group.level != "upstream"]

    def order(group: FailureGroup) -> tuple[bool, float]:
        return group.today, group.last_seen.timestamp() if group.last_seen else 0.0

    return sorted(red, key=order, reverse=True)[:_MOST_FAILURES]


def _selector(site: Site) -> dict[str, object]:
    rows = [
        (row, [*reversed(site.releases[row.name])][:_MOST_RELEASES])
        for row in site.summary.components
        if site.releases.get(row.name)
    ]
    return {"rows": rows, "pythons": site.pythons}


def _packages(site: Site) -> dict[str, object]:
    return {"package": package_name(site), "version": package_version(site)}


def _components(site: Site) -> dict[str, object]:
    groups: dict[str, list[ComponentRow]] = {}
    for row in site.summary.components:
        groups.setdefault(row.group, []).append(row)
    return {"groups": groups}


def _artifacts(site: Site) -> dict[str, object]:
    """The squares by their label, those first that do not work."""
    return {"squares": squares_by_label(sorted(site.summary.exchanges, key=lambda square: square.verdict == "works"))}


def _accelerators(site: Site) -> dict[str, object]:
    rows = site.summary.accelerators
    return {"columns": shown_components(site.summary.components, rows), "rows": rows}


def _islands(site: Site) -> dict[str, object]:
    islands = number_islands(site.summary.islands)
    return {
        "islands": islands,
        "names": names_on_islands(islands, site.titles),
        "guide": island_guide(islands, site.titles),
        "exclusions": island_exclusions(islands, site.titles),
    }


def _days(site: Site) -> dict[str, object]:
    return {
        "timelines": site.published.timelines,
        "timeline_words": timeline_words,
        "outage_words": lambda outage: outage_words(outage, site.titles),
    }


def _glossary(_: Site) -> dict[str, object]:
    marks: dict[str, tuple[Sign, list[str]]] = {}
    for mark in SIGNS.values():
        marks.setdefault(mark.glyph, (mark, []))[1].append(mark.means)
    return {
        "marks": [(mark, "; or ".join(means)) for mark, means in marks.values()],
        "levels": [(level, LEVEL_MEANINGS[level]) for level in LEVELS],
        "words": GLOSSARY,
    }
