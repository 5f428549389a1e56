"""Days on which the newest releases did not work together, from upload times and pairs."""

from __future__ import annotations

from stackcompat.advice.pair_lookup import KnownVerdict
from stackcompat.advice.timeline import timeline
from stackcompat.core.vocabulary import Verdict
from support.world import World, day

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


def verdict(one: str, version: str, other: str, its: str) -> KnownVerdict:
    assert (one, other) == ("alpha", "beta")
    return KnownVerdict(RULES.get((version, its), "works"))


def test_breaks_begin_and_end_with_an_upload() -> None:
    line = timeline(PROJECTS, verdict, python="3.12", since=day("2026-02-01"), until=day("2026-04-12"))
    assert [(span.state, round(span.days)) for span in line.spans] == [
        ("works", 28),
        ("broken", 10),
        ("works", 21),
        ("unknown", 11),  # what does not resolve is nothing that works
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


def test_who_broke_and_who_fixed() -> None:
    line = timeline(PROJECTS, verdict, python="3.12", since=day("2026-02-01"), until=day("2026-04-12"))
    (one,) = line.breaks
    assert (one.first, one.first_version, one.second, one.second_version) == ("alpha", "1.1", "beta", "1.0")
    assert (one.broke, one.fixed) == ("alpha 1.1", ("beta 1.1",))
    assert (one.days, one.after) == (10, 59)  # beta 1.0 was 59 days old
    assert not one.inferred


def test_a_break_goes_on_while_the_versions_change_and_to_this_day() -> None:
    rules = {("1.1", "1.0"), ("1.1", "1.1")}
    line = timeline(
        PROJECTS,
        lambda one, version, other, its: KnownVerdict("broken" if (version, its) in rules else "works"),
        python="3.12",
        since=day("2026-03-02"),
        until=day("2026-03-20"),
    )
    (one,) = line.breaks
    assert (one.second_version, one.since, one.until) == ("1.0", day("2026-03-02"), day("2026-03-20"))
    assert (one.broke, one.fixed) == ("", ())
    assert len(line.spans) == 2


def test_a_span_says_that_it_rests_on_an_inferred_pair() -> None:
    def lookup(one: str, version: str, other: str, its: str) -> KnownVerdict:
        return KnownVerdict(RULES.get((version, its), "works"), "import", inferred=its != "1.1")

    line = timeline(PROJECTS, lookup, python="3.12", since=day("2026-02-01"), until=day("2026-04-12"))
    assert [(span.state, span.inferred, span.level, span.unknown, span.of) for span in line.spans] == [
        ("works", True, "import", 0, 1),
        ("broken", True, "import", 0, 1),
        ("works", False, "import", 0, 1),
        ("unknown", False, None, 1, 1),
    ]
    assert line.days("broken", inferred=True) == 10
    assert line.days("broken", inferred=False) == 0
    assert line.breaks[0].inferred
