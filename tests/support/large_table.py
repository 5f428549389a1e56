"""A made-up table as large as a site has to bear: 40 components, 5,000 cells, 200 advisories, 780 pairs, frontiers."""

from __future__ import annotations

import datetime as dt
from itertools import combinations

from stackcompat.advice.advisory import Advisory, AffectedSide
from stackcompat.core.record import digest
from stackcompat.core.vocabulary import Verdict
from stackcompat.table.cells import CellRow
from stackcompat.table.components import ComponentRow
from stackcompat.table.failures import FailureGroup
from stackcompat.table.frontiers import DatedRelease, FrontierPair, FrontierReason, FrontierRow
from stackcompat.table.judged import ComponentInCell
from stackcompat.table.pairs import Interval, PairRelease, PairRow, Ranges
from stackcompat.table.summary import SCHEMA_VERSION, Summary
from stackcompat.table.today import Today
from stackcompat.verdict.depth import Depth

__all__ = ["large_advisories", "large_table"]

NOW = dt.datetime(2026, 11, 22, 6, 0, tzinfo=dt.UTC)
PYTHONS = ("3.13", "3.12", "3.11")
#: How many components a cell has.
_HELD = 9
_SIGNATURE = (
    "test_interop.py::test_train: AttributeError: module 'component_a.experimental.boxes' has no attribute 'Mutable' "
)


def _version(number: int) -> str:
    return f"1.{number}.0"


def large_table(components: int = 40, cells: int = 5000, releases: int = 30, failures: int = 200) -> Summary:
    """The table."""
    names = [f"component-{number:02}" for number in range(components)]
    versions = tuple(_version(number) for number in range(releases))
    groups = tuple(_failure(number, names, cells) for number in range(failures))
    rows = tuple(_cell(number, names, releases, failures) for number in range(cells))
    newest = dict.fromkeys(names[:_HELD], versions[-1])
    return Summary(
        schema_version=SCHEMA_VERSION,
        generated=NOW,
        headline="",
        claim="",
        today=tuple(_today(python, newest, rows[0].id) for python in PYTHONS),
        counts={"works": sum(row.verdict == "works" for row in rows)},
        could_not_tell=0,
        runs=(),
        measured=(),
        components=tuple(_component(name, versions) for name in names),
        pairs=tuple(_pair(first, second, versions, rows) for first, second in combinations(names, 2)),
        failures=groups,
        cells=rows,
        warnings=(),
        frontiers=(_frontier(names[0], names[1], releases),),
        installed={row.id: {f"distribution-{number:03}": "1.0" for number in range(150)} for row in rows[:60]},
    )


def large_advisories(summary: Summary, number: int = 200) -> tuple[Advisory, ...]:
    """Advisories on two components each."""
    names = [row.name for row in summary.components]
    versions = summary.components[0].releases
    return tuple(
        Advisory(
            id=f"SC-{digest('advisory', place, length=10)}",
            summary=f"{first} 1.20.0 fails with {second} 1.1.0 – 1.19.0 because {_SIGNATURE}",
            sides=tuple(
                AffectedSide(component=name, title=name, distribution=name, versions=versions[:20], known=versions)
                for name in (first, second)
            ),
            together=tuple((one, other) for one in versions[:10] for other in versions[:10]),
            level="interop",
            signature=_SIGNATURE,
            package=first,
            tests=tuple(f"test_interop.py::test_{test}" for test in range(30)),
            pythons=PYTHONS,
            cells=tuple(row.id for row in summary.cells[place : place + 200]),
            first_seen=NOW,
            last_seen=NOW,
            workaround=f"use {first} 1.21.0 with {second} 1.19.0",
        )
        for place in range(number)
        for first, second in [(names[place % len(names)], names[(place + 1) % len(names)])]
    )


def _component(name: str, versions: tuple[str, ...]) -> ComponentRow:
    return ComponentRow(
        name=name,
        title=name.capitalize(),
        summary=f"does what {name} does",
        group="core",
        distribution=name,
        published="index",
        documentation=f"https://{name}.example/",
        hardware=("any",),
        moves_with="",
        newest=versions[-1],
        newest_known="",
        verdict="works",
        level="interop",
        deepest_level="interop",
        pythons=dict.fromkeys(PYTHONS, "works"),
        blocker="held back by a bound of another component " * 4,
        untested="",
        releases=versions,
        cell="",
        evidence=(),
        seen=NOW,
        age=0,
    )


def _verdict(number: int) -> Verdict:
    return "broken" if number % 3 == 2 else "works"


def _cell_id(number: int) -> str:
    return digest("cell", number, length=12)


def _held(number: int, names: list[str]) -> list[str]:
    """The components of a cell."""
    return [names[(number * 7 + place * 3) % len(names)] for place in range(_HELD)]


def _cell(number: int, names: list[str], releases: int, failures: int) -> CellRow:
    held = _held(number, names)
    verdict = _verdict(number)
    versions = {
        name: ComponentInCell(version=_version((number + place) % releases), verdict=verdict)
        for place, name in enumerate(held)
    }
    return CellRow(
        id=_cell_id(number),
        policy="pairs",
        label=f"pairs row {number}",
        also=(),
        python=PYTHONS[number % 3],
        platform="linux-x86_64",
        verdict=verdict,
        level="interop",
        sentence="223 tests passed" if verdict == "works" else _SIGNATURE,
        asked=tuple(held),
        depths={name: Depth(level="interop", tests=20, together_with=tuple(held)) for name in held},
        components=versions,
        requirements=tuple(f"{name}=={held.version}" for name, held in versions.items()),
        pins={name: held.version for name, held in versions.items()},
        thorough=False,
        forced=(),
        exclude_newer=None,
        held_back=(),
        failures=()
        if verdict == "works"
        else tuple(digest("failure", (number + more) % failures) for more in range(3)),
        passed=223,
        not_applicable=37,
        blocked=0,
        distributions=150,
        lock="",
        lock_id="",
        reproduce=" ".join(f"{name}=={held.version}" for name, held in versions.items()),
        plain=tuple(f"python -m pytest tests/interop -k {name}" for name in held),
        seconds=113.8,
        seen=NOW,
        evidence=(digest("run", number),),
    )


def _failure(number: int, names: list[str], cells: int) -> FailureGroup:
    first, second = _held(number, names)[:2]
    return FailureGroup(
        id=digest("failure", number),
        verdict="broken",
        level="interop",
        signature=f"{_SIGNATURE} ({number})",
        type="AttributeError",
        message=_SIGNATURE,
        package=first,
        where="",
        tests=tuple(f"test_interop.py::test_{test}" for test in range(40)),
        suspects=(first, second),
        inferred=False,
        versions={},
        pythons=PYTHONS,
        cells=tuple(_cell_id(place) for place in range(number, cells, 40)),
        today=number < 20,
        first_seen=NOW,
        last_seen=NOW,
        details="Traceback (most recent call last):\n" + '  File "core.py", line 10, in go\n' * 30,
    )


def _pair(first: str, second: str, versions: tuple[str, ...], cells: tuple[CellRow, ...]) -> PairRow:
    known = tuple(
        PairRelease(
            first_version=one,
            second_version=versions[(place * 2 + more) % len(versions)],
            verdict=_verdict(place + more),
            pythons={"3.12": _verdict(place + more)},
            cell=cells[place].id,
        )
        for place, one in enumerate(versions)
        for more in range(3)
    )
    ranges = tuple(
        Ranges(
            component=component,
            version=version,
            other=other,
            intervals=(Interval(verdict="works", first=versions[0], last=versions[-1], tested=versions[:3]),) * 3,
        )
        for component, other in ((first, second), (second, first))
        for version in versions
    )
    return PairRow(
        first=first,
        first_version=versions[-1],
        second=second,
        second_version=versions[-1],
        verdict="works",
        level="interop",
        inferred=False,
        doubt="",
        pythons=dict.fromkeys(PYTHONS, "works"),
        cell=cells[0].id,
        tests=(),
        failure="",
        seen=NOW,
        age=0,
        together=None,
        releases=known,
        ranges=ranges,
    )


def _today(python: str, versions: dict[str, str], cell: str) -> Today:
    return Today(
        python=python,
        verdict="works",
        cell=cell,
        sentence="223 tests passed",
        level="interop",
        versions=versions,
        held_back=(),
        instead="",
        seen=NOW,
    )


def _frontier(first: str, second: str, releases: int) -> FrontierRow:
    """A frontier with twice as many releases on its first side."""
    rows = tuple(_version(number) for number in range(2 * releases))
    columns = tuple(_version(number) for number in range(releases))
    reasons = tuple(
        FrontierReason(
            verdict="broken",
            level="interop",
            sentence=f"{_SIGNATURE} ({number})",
            signature=_SIGNATURE,
            doubt="",
            seen=3,
            inferred=20,
            ranges=(),
        )
        for number in range(40)
    )
    return FrontierRow(
        first=first,
        second=second,
        python="3.12",
        platform="linux-x86_64",
        level="interop",
        seen=NOW,
        complete=True,
        runs=120,
        pairs_answered=len(rows) * len(columns),
        pairs_inferred=len(rows) * len(columns) - 120,
        checks=(),
        disagreement=None,
        precision=None,
        recall=None,
        first_releases=tuple(DatedRelease(version=version, uploaded=NOW.date()) for version in rows),
        second_releases=tuple(DatedRelease(version=version, uploaded=NOW.date()) for version in columns),
        edges=(),
        second_edges=(),
        reasons=reasons,
        pairs=tuple(
            FrontierPair(
                versions={first: row, second: column},
                verdict=_verdict(number),
                inferred=number % 15 != 0,
                reason=number % 40 if _verdict(number) == "broken" else None,
            )
            for number, (row, column) in enumerate((row, column) for row in rows for column in columns)
        ),
    )
