"""What a report holds: the records of ``compat.json``.

The docstrings and descriptions here are those of the published JSON Schema (``compat.schema.json``).
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SerializerFunctionWrapHandler, model_serializer
from pydantic.json_schema import SkipJsonSchema

from stackcompat.culprit import Culprit
from stackcompat.history import Past
from stackcompat.islands import Archipelago
from stackcompat.lock import HeldBack
from stackcompat.matrix import Level
from stackcompat.record import Record
from stackcompat.verdict import Verdict

__all__ = [
    "SCHEMA_VERSION",
    "AcceleratorRow",
    "Blamed",
    "CellCulprit",
    "CellRow",
    "ComponentHere",
    "ComponentRow",
    "CrossingCell",
    "CrossingCulprit",
    "CrossingEnd",
    "DatedRelease",
    "ExchangeSquare",
    "FailureGroup",
    "FrontierCheck",
    "FrontierEdge",
    "FrontierPair",
    "FrontierRange",
    "FrontierReason",
    "FrontierRow",
    "Interval",
    "LevelSeen",
    "Measured",
    "MovedPin",
    "PairRelease",
    "PairRow",
    "PinAnswer",
    "PinnedSet",
    "Ranges",
    "RunRow",
    "Summary",
    "Today",
    "WarningRow",
]

#: Grows when a field changes its meaning or goes away; new fields alone do not change it.
SCHEMA_VERSION = 1


#: To the second: what is finer tells nobody anything, and there are thousands.
Seen = Annotated[dt.datetime, AfterValidator(lambda moment: moment.replace(microsecond=0))]


class Today(Record):
    """What the newest releases of everything do together on one Python."""

    python: str
    verdict: Verdict
    cell: Annotated[str, Field(description="Id of the cell that shows it.")]
    sentence: str
    versions: Annotated[dict[str, str], Field(description="Component to the version that was installed.")]
    held_back: Annotated[tuple[HeldBack, ...], Field(description="Who is not at their newest, and by whose bound.")]
    instead: Annotated[
        str,
        Field(description="Id of the cell nearest to the newest releases that works, where they do not; empty: none."),
    ]


class RunRow(Record):
    """One execution of a matrix: where the cells come from."""

    matrix: str
    title: str
    started: dt.datetime
    cells: int
    crossings: Annotated[int, Field(description="Environments that write, times those that read it.")] = 0
    pythons: tuple[str, ...]
    missing_pythons: Annotated[tuple[str, ...], Field(description="Asked for, but not on the machine: not tried.")]
    coverage: Annotated[
        dict[str, float],
        Field(description="Per covering array, percent of the allowed combinations that some cell holds."),
    ]
    answered: Annotated[
        dict[str, float],
        Field(description="Per covering array, percent of the allowed combinations that have a verdict."),
    ] = {}
    unanswered: Annotated[
        tuple[str, ...], Field(description="Why combinations have no verdict, with an example each.")
    ] = ()
    rounds: Annotated[
        tuple[int, ...], Field(description="Cells that each round added after the first covering array.")
    ] = ()


class Measured(Record):
    """How the cells of one Python were run."""

    python: str
    interpreters: tuple[str, ...]
    platforms: tuple[str, ...]
    networks: Annotated[tuple[str, ...], Field(description="What the tests could reach while they ran.")]
    memory_limits_mb: tuple[int, ...]
    time_limits_s: tuple[float, ...]
    runs: Annotated[int, Field(description="Fresh environments that were made.")]
    seconds: Annotated[float, Field(description="Wall clock of these runs, added up.")]
    first_seen: dt.datetime
    last_seen: dt.datetime


class Sparse(Record):
    """A record of which there are thousands: the JSON leaves out what is as its default says."""

    # Untyped since the type of what it returns would take the place of the fields in the schema.
    @model_serializer(mode="wrap")
    def _without_defaults(self, plain: SerializerFunctionWrapHandler):  # type: ignore[no-untyped-def]  # noqa: ANN202
        fields = type(self).model_fields
        return {name: value for name, value in plain(self).items() if getattr(self, name) != fields[name].default}


class ComponentHere(Sparse):
    """A component in one cell."""

    version: str
    verdict: Annotated[Verdict, Field(description="Of the tests that use it, or of the failures that point at it.")]
    level: Level = "interop"


class CellCulprit(Record):
    """Who is to blame for a red cell."""

    versions: Annotated[dict[str, str], Field(description="Distribution to version (or bounds): the culprit set.")]
    inferred: Annotated[
        bool, Field(description="Whether a search in another cell with the same failure says so, or one with a doubt.")
    ]


class CellRow(Record):
    """One combination that was asked for, and what came of it."""

    id: str
    policy: Annotated[str, Field(description="Why the cell is there.")]
    label: str
    also: Annotated[tuple[str, ...], Field(description="Other policies that ask for the very same.")]
    python: str
    platform: str
    verdict: Verdict
    level: Annotated[Level, Field(description="The first level that is red, or the deepest that passed.")]
    sentence: str
    components: dict[str, ComponentHere]
    requirements: tuple[str, ...]
    pins: Annotated[dict[str, str], Field(description="Component to the exact version that was asked for.")]
    thorough: Annotated[bool, Field(description="Whether every test was to run, not the essential ones only.")]
    forced: Annotated[tuple[str, ...], Field(description="Overrides: what declared metadata would forbid.")]
    exclude_newer: dt.datetime | None
    held_back: tuple[HeldBack, ...]
    failures: Annotated[tuple[str, ...], Field(description="Ids of the failures seen here.")]
    culprit: Annotated[
        CellCulprit | None, Field(description="Null: not red, or nobody has searched for the culprit yet.")
    ] = None
    limits: Annotated[
        dict[str, str], Field(description="Features that do not work though the rest may, each with its signature.")
    ] = {}
    passed: int
    not_applicable: int
    blocked: int
    distributions: Annotated[int, Field(description="How many the lock holds, transitive ones too.")]
    lock: Annotated[str, Field(description="Path of the published lock beside this file; empty: none is published.")]
    lock_id: str
    reproduce: Annotated[str, Field(description="The command that shows it again, from the root of the project.")]
    seconds: Annotated[float, Field(description="Wall clock of all its runs.")]
    seen: Seen | None
    evidence: Annotated[tuple[str, ...], Field(description="Ids of the runs that the verdict rests on.")]
    history: Annotated[tuple[Past, ...], Field(description="What each of the last runs saw, oldest first.")] = ()
    first_red: Annotated[
        dt.datetime | None, Field(description="When the latest stretch of red began; null: never red in that time.")
    ] = None
    last_green: Annotated[dt.datetime | None, Field(description="When it last worked; null: not in that time.")] = None


class Blamed(Record):
    """What a search for the culprit of a failure has found, in the cell with the id `cell`."""

    culprits: Annotated[
        tuple[Culprit, ...], Field(description="The smallest set of releases without which it would not fail.")
    ]
    cell: str
    moved: Annotated[str, Field(description="Which side moved, in a sentence; empty: unknown.")]
    doubt: Annotated[
        str, Field(description="Why the set may be incomplete; empty: each member was shown to be needed.")
    ]
    probes: Annotated[int, Field(description="Environments that the search tried.")]
    linear: Annotated[int, Field(description="How many it would have been release by release.")]
    works_with: Annotated[
        dict[str, str], Field(description="The culprits' versions in the nearest set that was seen to pass.")
    ]

    def versions(self) -> dict[str, str]:
        """Distribution to version, of the culprits."""
        return {culprit.name: culprit.version for culprit in self.culprits}


class FailureGroup(Record):
    """One distinct reason why cells are not green, with everywhere it was seen."""

    id: str
    verdict: Annotated[Verdict, Field(description="What it makes of the cells that have it.")]
    level: Level
    signature: Annotated[str, Field(description="Equal for two failures exactly when they are the same failure.")]
    type: str
    message: str
    package: Annotated[str, Field(description="The distribution that the error came out of.")]
    where: str
    tests: tuple[str, ...]
    suspects: Annotated[tuple[str, ...], Field(description="Components that it points at.")]
    inferred: Annotated[bool, Field(description="Whether the suspects are inferred, not seen.")]
    versions: Annotated[dict[str, tuple[str, ...]], Field(description="Suspects' versions where it was seen.")]
    pythons: tuple[str, ...]
    cells: Annotated[tuple[str, ...], Field(description="Ids of the cells where it was seen, those of today first.")]
    today: Annotated[bool, Field(description="Whether the newest releases have it.")]
    first_seen: dt.datetime | None
    last_seen: dt.datetime | None
    details: Annotated[str, Field(description="End of the traceback, or the chain of bounds.")]
    blamed: Annotated[Blamed | None, Field(description="Null: nobody has searched for the culprit yet.")] = None


class ComponentRow(Record):
    """One component of the ecosystem, as it stands together with the newest releases of the others."""

    name: str
    title: str
    summary: str
    group: str
    distribution: str
    published: str
    documentation: str
    hardware: tuple[str, ...]
    moves_with: Annotated[str, Field(description="The component whose release decides this one's; empty: none.")]
    part_of: Annotated[
        str, Field(description="The component whose distribution it is a part of; empty: it has one of its own.")
    ] = ""
    newest: Annotated[str, Field(description="The newest release that was installed in some cell; empty: none was.")]
    newest_known: Annotated[str, Field(description="A newer release that was asked for, but that no cell could hold.")]
    verdict: Verdict
    level: Level
    deepest_level: Annotated[Level | None, Field(description="The deepest level that passed at the newest release.")]
    pythons: dict[str, Verdict]
    blocker: Annotated[str, Field(description="Why it is not green, not at its newest, or not tried deeper.")]
    untested: Annotated[str, Field(description="Why no test exercises it; empty: some do.")]
    releases: Annotated[tuple[str, ...], Field(description="Releases that were installed in some cell, lowest first.")]
    cell: Annotated[str, Field(description="Id of the cell that shows the verdict; empty: none.")]
    evidence: Annotated[tuple[str, ...], Field(description="Ids of the runs of that cell.")]
    seen: dt.datetime | None
    age: Annotated[int | None, Field(description="Days since it was seen.")]


class PairRelease(Sparse):
    """Two releases together."""

    first_version: str
    second_version: str
    verdict: Verdict
    level: Level = "interop"
    inferred: bool = False
    pythons: dict[str, Verdict]
    cell: Annotated[str, Field(description="Id of the cell that shows it.")]
    failure: Annotated[str, Field(description="Id of the failure; empty: none.")] = ""


class Interval(Sparse):
    """Releases with the same verdict. `tested` ones were seen; `inferred` ones lie between, or follow from others."""

    verdict: Verdict
    first: str
    last: str
    tested: tuple[str, ...] = ()
    inferred: tuple[str, ...] = ()


class Ranges(Record):
    """What the releases of `other` do with one of `component`. A release in no interval is untested with it."""

    component: str
    version: str
    other: str
    intervals: tuple[Interval, ...]


class PairRow(Record):
    """Two components: at the newest releases of both, at every combination that was tried, and as ranges."""

    first: str
    first_version: str
    second: str
    second_version: str
    verdict: Annotated[Verdict, Field(description="At the newest releases of both; worst over the Pythons.")]
    level: Level
    inferred: Annotated[bool, Field(description="Whether the evidence leaves another explanation.")]
    doubt: Annotated[str, Field(description="That explanation.")]
    pythons: dict[str, Verdict]
    cell: str
    tests: tuple[str, ...]
    failure: str
    seen: Seen | None
    age: Annotated[int | None, Field(description="Days since it was seen.")]
    together: Annotated[
        tuple[str, str] | None,
        Field(description="The newest releases that work together, where the newest of both do not."),
    ]
    releases: tuple[PairRelease, ...]
    ranges: tuple[Ranges, ...]
    history: Annotated[
        tuple[Past, ...],
        Field(description="What each of the last runs saw of the two, at what an installer gave then."),
    ] = ()
    first_red: Annotated[
        dt.datetime | None, Field(description="When the latest stretch of red began; null: never red in that time.")
    ] = None
    last_green: Annotated[dt.datetime | None, Field(description="When it last worked; null: not in that time.")] = None


class WarningRow(Record):
    """A warning, counted over every run."""

    category: str
    raised_by: str
    raised_since: Annotated[str, Field(description="The lowest release of `raised_by` in whose cells it was seen.")]
    triggered_by: str
    triggered_version: Annotated[str, Field(description="The newest release of `triggered_by` that triggers it.")]
    message: str
    count: int
    cells: int
    today: Annotated[bool, Field(description="Whether the newest releases raise it.")]


class LimitRow(Record):
    """A feature that does not work in some cells, though the rest of them may: it decides no verdict."""

    feature: str
    signature: str
    tests: tuple[str, ...]
    components: Annotated[
        dict[str, tuple[str, ...]],
        Field(description="Components that its tests use, each with its versions in these cells, lowest first."),
    ]
    cells: Annotated[tuple[str, ...], Field(description="Ids of the cells.")]
    today: Annotated[bool, Field(description="Whether it is so with the newest releases.")]


class CrossingEnd(Record):
    """One environment that writes and reads."""

    cell: str
    label: str
    python: str
    components: Annotated[dict[str, str], Field(description="Component to the version that was installed.")]
    evidence: Annotated[tuple[str, ...], Field(description="Ids of the runs that wrote.")]


class CrossingCulprit(Record):
    """A release of one side that keeps an artifact from being read, all else held, and those around it that do not."""

    side: Literal["writer", "reader"]
    name: str
    version: str
    last_good: Annotated[str | None, Field(description="Null: none was seen to be good before.")]
    fixed_in: Annotated[str | None, Field(description="The first later one that is good; null: none was seen.")]
    inferred: Annotated[
        bool, Field(description="Whether a search in another crossing with the same failure says so, or has a doubt.")
    ]


class CrossingCell(Sparse):
    """One artifact, written by one environment and read by another."""

    writer: str
    reader: str
    verdict: Verdict
    side: Annotated[
        Literal["", "writer", "reader"], Field(description="Who could not do its part by itself; empty: neither.")
    ] = ""
    sentence: str = "is read"
    promised: Annotated[
        bool | None, Field(description="Whether the component promises that it can be read; null: it promises nothing.")
    ] = None
    reproduce: Annotated[
        str, Field(description="The command that shows again what is not green, from the root of the project.")
    ] = ""
    seen: Seen | None
    evidence: Annotated[tuple[str, ...], Field(description="Ids of the runs that read; what wrote is with the ends.")]
    culprits: Annotated[
        tuple[CrossingCulprit, ...], Field(description="Empty: it is read, or nobody has found the culprits yet.")
    ] = ()


class ExchangeSquare(Record):
    """One artifact, written and read by each of some environments."""

    square: Annotated[str, Field(description="Which environments, in words.")]
    artifact: str
    verdict: Annotated[Verdict, Field(description="The worst of its crossings.")]
    ends: tuple[CrossingEnd, ...]
    crossings: tuple[CrossingCell, ...]


class PinAnswer(Record):
    """What a metapackage's set does on one Python, whole or with one of its pins moved."""

    python: str
    version: Annotated[str, Field(description="What the pin moved to; empty: none moved, or there is no lock.")]
    verdict: Verdict
    level: Level
    sentence: str
    held_back: Annotated[str, Field(description="Whose bound keeps the pin from its newest; empty: it is there.")]
    cell: Annotated[str, Field(description="Id of the cell that shows it.")]


class MovedPin(Record):
    """One pin of a metapackage moved to the newest release, the others as they are."""

    distribution: Annotated[str, Field(description="Empty: none moved, the set as it is pinned.")]
    answers: tuple[PinAnswer, ...]


class PinnedSet(Record):
    """The exact pins of a release of a metapackage."""

    name: Annotated[str, Field(description="The metapackage and its release.")]
    pins: Annotated[dict[str, str], Field(description="Distribution to version.")]
    moved: tuple[MovedPin, ...]


class LevelSeen(Record):
    """What was seen at one level."""

    verdict: Verdict
    sentence: Annotated[str, Field(description="Why it is not green, or what did not apply; empty: nothing to say.")]


class AcceleratorRow(Record):
    """Releases of what drives accelerators and of what they are driven for, together on one Python."""

    python: str
    versions: Annotated[dict[str, str], Field(description="Component to version.")]
    levels: dict[Level, LevelSeen]
    cell: Annotated[str, Field(description="Id of the first cell that shows it.")]


class DatedRelease(Record):
    """One release of one side of a frontier."""

    version: str
    uploaded: dt.date


class FrontierPair(Sparse):
    """Two releases, each one of its side. Tried as of the day on which the later of the two was uploaded."""

    versions: Annotated[dict[str, str], Field(description="Component to version, the two of the pair.")]
    verdict: Verdict
    level: Annotated[Level, Field(description="The first that is red, or else the deepest that was reached.")] = (
        "interop"
    )
    inferred: Annotated[bool, Field(description="Whether it follows from other pairs; then it was not tried.")] = True
    evidence: Annotated[str, Field(description="Id of one run that shows it; empty: inferred, or bounds say it.")] = ""
    reason: Annotated[
        int | None,
        Field(description="Place in `reasons`; of an inferred break, that of the nearest break that was seen."),
    ] = None


class FrontierRange(Record):
    """Releases from one to another of the first side with releases from one to another of the second."""

    first: tuple[str, str]
    second: tuple[str, str]


class FrontierReason(Record):
    """What pairs that do not work say for themselves, once."""

    verdict: Verdict
    level: Level
    sentence: str
    signature: Annotated[str, Field(description="That of the failure; empty: none was met.")]
    doubt: Annotated[str, Field(description="Why the failure may be another's; empty: it is surely of these two.")]
    alone: Annotated[
        str, Field(description="The component that it points at and nobody else; empty: both, or others too.")
    ] = ""
    seen: Annotated[int, Field(description="Pairs that were seen to have it.")]
    inferred: Annotated[int, Field(description="Pairs that are inferred to be broken, of which this is the nearest.")]
    ranges: Annotated[tuple[FrontierRange, ...], Field(description="Where it is, inferred pairs included.")]


class FrontierEdge(Record):
    """The releases of the second side that work with one of the first, as intervals: first and last release of each."""

    version: str
    works: tuple[tuple[str, str], ...]


class FrontierCheck(Record):
    """An inferred pair that was tried after all."""

    versions: dict[str, str]
    inferred: Verdict
    observed: Verdict


class FrontierRow(Record):
    """Every release of one component against every release of another, as far as `level`, on one Python.

    The partners of each pair are those of the day on which the later of the two was uploaded, not those of today.
    """

    first: str
    second: str
    python: str
    platform: str
    level: Annotated[Level, Field(description="How far a pair has to work.")]
    seen: dt.datetime
    complete: Annotated[bool, Field(description="Whether each pair has a verdict and the last checks agreed.")]
    runs: Annotated[int, Field(description="Fresh environments that were made for it, or that there were before.")]
    pairs_answered: Annotated[int, Field(description="Pairs that work or are broken.")]
    pairs_inferred: int
    checks: Annotated[tuple[FrontierCheck, ...], Field(description="Inferences that were checked.")]
    disagreement: Annotated[float | None, Field(description="The share of these that were wrong; null: no checks.")]
    precision: Annotated[float | None, Field(description="Of the forecast from source, against what was tried.")]
    recall: Annotated[float | None, Field(description="Of the forecast from source, against what was tried.")]
    first_releases: tuple[DatedRelease, ...]
    second_releases: tuple[DatedRelease, ...]
    edges: tuple[FrontierEdge, ...]
    second_edges: Annotated[tuple[FrontierEdge, ...], Field(description="The same, seen from the second side.")]
    reasons: tuple[FrontierReason, ...]
    pairs: Annotated[
        tuple[FrontierPair, ...], Field(description="What is not there cannot be had together: `reasons` tell why.")
    ]

    def told(self) -> tuple[FrontierPair, ...]:
        """The pairs that work or are broken, inferred ones too."""
        return tuple(pair for pair in self.pairs if pair.verdict in ("works", "broken"))

    def observed(self) -> tuple[FrontierPair, ...]:
        """The pairs that were seen to work or to be broken."""
        return tuple(pair for pair in self.told() if not pair.inferred)


class Summary(Record):
    """What was tried, and what was seen: everything that the reports show."""

    schema_version: int
    generated: dt.datetime
    headline: Annotated[str, Field(description="What works today, in one sentence.")]
    claim: Annotated[str, Field(description="The headline without versions and numbers.")]
    today: tuple[Today, ...]
    counts: Annotated[dict[Verdict, int], Field(description="Cells by verdict.")]
    could_not_tell: Annotated[int, Field(description="Cells of the verdicts invalid and infra-error.")]
    runs: tuple[RunRow, ...]
    measured: tuple[Measured, ...]
    components: tuple[ComponentRow, ...]
    pairs: tuple[PairRow, ...]
    failures: tuple[FailureGroup, ...]
    limits: Annotated[
        tuple[LimitRow, ...], Field(description="Features that do not work in some cells, those of today first.")
    ] = ()
    cells: tuple[CellRow, ...]
    exchanges: Annotated[
        tuple[ExchangeSquare, ...],
        Field(description="Artifacts across versions, a square of writers and readers each."),
    ] = ()
    pinned: Annotated[
        tuple[PinnedSet, ...],
        Field(description="The exact sets of metapackages, and what if one pin moved to the newest release."),
    ] = ()
    accelerators: Annotated[
        tuple[AcceleratorRow, ...],
        Field(description="Releases that only an accelerator runs, level by level as far as goes without one."),
    ] = ()
    warnings: Annotated[tuple[WarningRow, ...], Field(description="The most frequent, those of today first.")]
    islands: Annotated[
        tuple[Archipelago, ...],
        Field(description="Which newest releases can be installed together, for each Python that was asked about."),
    ] = ()
    frontiers: Annotated[
        tuple[FrontierRow, ...],
        Field(description="Which releases of one component work with which of another, release by release."),
    ] = ()
    locks: SkipJsonSchema[dict[str, str]] = Field(default={}, exclude=True)
    installed: SkipJsonSchema[dict[str, dict[str, str]]] = Field(default={}, exclude=True)

    def titles(self) -> dict[str, str]:
        """Component name to title."""
        return {component.name: component.title for component in self.components}

    def tested(self) -> tuple[ComponentRow, ...]:
        """Components that have a verdict of their own, or one together with some other."""
        paired = {name for pair in self.pairs if pair.releases for name in (pair.first, pair.second)}
        return tuple(row for row in self.components if row.verdict != "untested" or row.name in paired)

    def square(self) -> tuple[ComponentRow, ...]:
        """The tested components that move on their own: what the table of pairs sets against each other.

        One that no test uses together with another says nothing there, and is left out where others do.
        """
        tested = self.tested()
        names = {row.name for row in tested}
        told = {
            name
            for pair in self.pairs
            if any(release.verdict != "untested" for release in pair.releases)
            for name in (pair.first, pair.second)
        }
        return tuple(row for row in tested if row.moves_with not in names and (row.name in told or not told))
