"""Days on which the newest releases did not work together, from upload times and pairs."""

from __future__ import annotations

from made_up import COMPONENTS, NOW, history
from stackcompat.report import summarise
from stackcompat.timeline import pair_verdicts, timeline
from stackcompat.verdict import Verdict
from world import World, day

WORLD = World(
    {
        "alpha": {
            "1.0": "2026-01-01",
            "1.1": "2026-03-01",
            "1.2": {"uploaded": "2026-03-05", "yanked": True},
            "2.0rc1": "2026-03-06",
            "3.0": {"uploaded": "2026-03-07", "python": ">=3.13"},
        },
        "beta": {"1.0": "2026-01-01", "1.1": "2026-03-11", "1.2": "2026-04-01", "1.3": "2026-04-02"},
    }
)
PROJECTS = {name: WORLD.project(name) for name in ("alpha", "beta")}
RULES: dict[tuple[str, str], Verdict] = {
    ("1.1", "1.0"): "broken",
    ("1.1", "1.2"): "unresolvable",
    ("1.1", "1.3"): "untested",
}


def verdict(one: str, version: str, other: str, its: str) -> Verdict:
    assert (one, other) == ("alpha", "beta")
    return RULES.get((version, its), "works")


def test_breaks_begin_and_end_with_an_upload() -> None:
    line = timeline(PROJECTS, verdict, python="3.12", since=day("2026-02-01"), until=day("2026-04-12"))
    assert [(span.state, round(span.days)) for span in line.spans] == [
        ("works", 28),
        ("broken", 10),
        ("works", 22),
        ("unknown", 10),
    ]
    broken = line.spans[1]
    assert broken.pairs == (("alpha", "1.1", "beta", "1.0"),)
    assert (broken.began_with, broken.ended_with) == (("alpha 1.1",), ("beta 1.1",))
    assert line.days("broken") == 10
    assert line.spans[0].since == day("2026-02-01")
    assert line.spans[-1].until == day("2026-04-12")


def test_the_spans_join_without_gaps_whenever_one_looks() -> None:
    for since in ("2025-12-01", "2026-03-01", "2026-04-11"):
        line = timeline(PROJECTS, verdict, python="3.13", since=day(since), until=day("2026-04-12"))
        ends = [span.until for span in line.spans]
        assert [span.since for span in line.spans] == [day(since), *ends[:-1]]


def test_verdicts_come_from_the_table() -> None:
    made = history()
    summary = summarise(COMPONENTS, (made.record(),), made.evidence, NOW)
    lookup = pair_verdicts(summary, "3.12")
    row = next(row for row in summary.pairs if {one.verdict for one in row.releases} >= {"works", "broken"})
    for release in row.releases:
        wanted = release.pythons.get("3.12", release.verdict)
        if wanted == "broken" and release.inferred:
            wanted = "untested"
        assert lookup(row.first, release.first_version, row.second, release.second_version) == wanted
        assert lookup(row.second, release.second_version, row.first, release.first_version) == wanted
    assert lookup(row.first, "99", row.second, "99") == "untested"
    stranger = next(row for row in summary.pairs if not row.releases)
    assert lookup(stranger.first, "1", stranger.second, "1") == "not-applicable"
