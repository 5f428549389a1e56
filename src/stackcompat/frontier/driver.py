"""Two components surveyed for real: their releases and bounds from the index, the answers of pairs from cells.

The search itself is pure (:mod:`stackcompat.frontier.search`); this is what it asks. A question becomes a cell that
pins both releases and leaves the rest to the resolver, as on the day on which the later of the two was uploaded:
partners of the same age are the likeliest to work with both, so that a failure is one of the two. Where that fails
all the same because of a third distribution, or does not resolve, the same is tried with partners of today.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from stackcompat.core.record import UsageError
from stackcompat.core.requirements import exactly, parse_requirement
from stackcompat.core.vocabulary import LEVELS, Level
from stackcompat.ecosystem.components import Component, Components, versions_of
from stackcompat.ecosystem.interpreters import this_platform
from stackcompat.ecosystem.releases import Bound, IndexUnreachable, Release, bounds_on, needs
from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.evidence.runs import PlannedCell
from stackcompat.frontier.answers import PairAnswer, PairQuestion, Predictions
from stackcompat.frontier.inference import Pair
from stackcompat.frontier.space import PairSpace, Side
from stackcompat.frontier.static.usage import Missing, NameTable, lost, missing, wanted
from stackcompat.pipeline.cells import plan_cell, run_cells
from stackcompat.pipeline.locking import lock_cells
from stackcompat.pipeline.progress import Reporter
from stackcompat.pipeline.runner import BulkCatalog, Runner
from stackcompat.plan.cell import Cell
from stackcompat.verdict.attribution import attribute_failure
from stackcompat.verdict.outcomes import classify, why
from stackcompat.verdict.verdict import judge

__all__ = ["Foreseen", "Survey"]


class Foreseen(NamedTuple):
    """What pairs of releases want for once they are imported, and once they are used."""

    imported: dict[Pair, tuple[Missing, ...]]
    used: dict[Pair, tuple[Missing, ...]]

    def at(self, level: Level) -> dict[Pair, tuple[Missing, ...]]:
        """What is wanted for at `level`."""
        return self.imported if level == "import" else self.used

    def names(self, levels: Iterable[Level]) -> Predictions:
        """The names alone, as the search takes them."""
        return {
            level: {p: frozenset(m.name for m in lacking) for p, lacking in self.at(level).items()} for level in levels
        }


class Survey:
    """The releases of two components that were uploaded from `since` until `until`, for one Python.

    `names` are components, or distributions that are none. Raises UsageError for one that has no releases to survey.
    Yanked releases and pre-releases are left out.
    """

    def __init__(
        self,
        names: tuple[str, str],
        components: Components,
        catalog: BulkCatalog,
        *,
        python: str,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
    ) -> None:
        self._catalog = catalog
        self._python = python
        rows = [_component(name, option, components) for name, option in zip(names, ("FIRST", "SECOND"), strict=True)]
        if rows[0].distribution == rows[1].distribution:
            raise UsageError(f"SECOND: {names[1]} has the same distribution as {names[0]}; give two that differ")
        more = tuple(row for row in rows if row.name not in components.names())
        #: Every component, those made up for plain distributions included.
        self.components = components.model_copy(update={"components": (*components.components, *more)})
        self.rows = rows
        #: How the documentation of each side installs it itself: its name, with extras if it needs them.
        self._asked = {
            row.distribution: next((text for text in row.install if _name(text) == row.distribution), row.distribution)
            for row in rows
        }
        catalog.prefetch([row.distribution for row in rows])
        self._found = [
            self._releases(row, option, since, until) for row, option in zip(rows, ("FIRST", "SECOND"), strict=True)
        ]
        first, second = (
            Side(name=row.name, versions=tuple(r.version for r in some), uploaded=tuple(r.uploaded for r in some))
            for row, some in zip(rows, self._found, strict=True)
        )
        self.space = PairSpace(first=first, second=second, forbidden=self._forbidden())

    def _releases(
        self, row: Component, option: str, since: dt.datetime | None, until: dt.datetime | None
    ) -> list[Release]:
        project = self._catalog.project(row.distribution)
        if not project.releases:
            raise UsageError(f'{option}: the index has no "{row.distribution}"; give the name that an installer takes')
        found = [
            release
            for release in project.releases
            if not release.yanked
            and not release.parsed.is_prerelease
            and (since is None or release.uploaded >= since)
            and (until is None or release.uploaded <= until)
        ]
        if not found:
            last = max(release.uploaded for release in project.releases)
            span = f"since {since:%Y-%m-%d}" if since else ""
            span += f" until {until:%Y-%m-%d}" if until else ""
            sentence = f"{row.distribution} has no final release {span.strip()}; its last is of {last:%Y-%m-%d}"
            raise UsageError(f"--since: {sentence}")
        return found

    def _needs(self, name: str, version: str) -> dict[str, SpecifierSet]:
        """The bounds that a release of one side declares, those of the extras included with which it is installed."""
        return needs(self._catalog, name, version, self._python, Requirement(self._asked[name]).extras)

    def _forbidden(self) -> dict[Pair, str]:
        """The pairs that metadata excludes: bounds of either side on the other, or a Python."""
        names = [row.distribution for row in self.rows]
        bounds = [
            [self._bounds_on(other, name, release.version) for release in some]
            for name, other, some in zip(names, names[::-1], self._found, strict=True)
        ]
        found = {}
        for number, first in enumerate(self._found[0]):
            for other, second in enumerate(self._found[1]):
                said = _objection(names[0], first, bounds[0][number], names[1], second, self._python) or _objection(
                    names[1], second, bounds[1][other], names[0], first, self._python
                )
                if said:
                    found[number, other] = said
        return found

    def _bounds_on(self, other: str, name: str, version: str) -> list[Bound]:
        """The bounds on the one side that come with a release of the other, as it is installed."""
        return bounds_on(other, self._catalog, name, version, self._python, Requirement(self._asked[name]).extras)

    def forecast(self, names_of: Callable[[str, str], NameTable], reporter: Reporter) -> Foreseen:
        """What importing, and what using, one side takes from the other in vain, for each pair that metadata permits.

        Only a side that declares to need the other is read; a release whose wheel cannot be had is left out.
        """
        reporter.stage("forecast", sum(map(len, self._found)))
        names: list[list[NameTable]] = []
        for row, releases in zip(self.rows, self._found, strict=True):
            names.append([])
            for release in releases:
                try:
                    names[-1].append(names_of(row.distribution, release.version))
                except IndexUnreachable:
                    names[-1].append(NameTable({}))
                reporter.step(f"{row.name} {release.version}")
        found = Foreseen({}, {})
        for taker, giver in ((0, 1), (1, 0)):
            packages = {package for given in names[giver] for package in given.packages()}
            other = self.rows[giver].distribution
            for number, release in enumerate(self._found[taker]):
                name, taking = self.rows[taker].distribution, names[taker][number]
                if other not in self._needs(name, release.version):
                    continue
                listed = self.components.imports({name: release.version}, (name,))
                with contextlib.suppress(IndexUnreachable):  # what cannot be read is not foreseen
                    wants = wanted(taking, [module for _, module in listed] or sorted(taking.packages()), packages)
                    for late, kept in enumerate(found):
                        lacking = {
                            place: missing(wants, giving, late=bool(late))
                            for place, giving in enumerate(names[giver])
                            if giving.modules
                        }
                        for place, some in lost(lacking, names[giver]).items():
                            pair = (number, place) if taker == 0 else (place, number)
                            if pair not in self.space.forbidden:
                                kept[pair] = (*kept.get(pair, ()), *some)
        return found

    def cell(self, pair: Pair, *, today: bool = False) -> Cell:
        """The cell that pins both releases of `pair`, its partners as of the later one's day, or as of `today`.

        What the documentation of either installs beside it is there as well.
        """
        chosen = [releases[number] for releases, number in zip(self._found, pair, strict=True)]
        pins = {row.distribution: release.version for row, release in zip(self.rows, chosen, strict=True)}
        moments = [release.uploaded for release in chosen]
        for row, release in zip(self.rows, chosen, strict=True):
            declared = self._needs(row.distribution, release.version)
            for follower in self.components.components:
                if follower.moves_with != row.name or not follower.distribution or follower.distribution in pins:
                    continue
                twin = self._catalog.project(follower.distribution).find(release.version)
                if twin is not None:
                    moments.append(twin.uploaded)
                    # Where the leader bounds its follower the resolver finds the right one; else nobody would bring it.
                    if follower.distribution not in declared:
                        pins[follower.distribution] = twin.version
        installed = dict.fromkeys(text for row in self.rows for text in row.install)
        beside = [text for text in installed if _name(text) not in pins]
        exact = [exactly(self._asked.get(name, name), version) for name, version in pins.items()]
        end = max(moments).astimezone(dt.UTC).replace(hour=23, minute=59, second=59, microsecond=0)
        return Cell(
            python=self._python,
            platform=this_platform(),
            requirements=tuple(sorted([*exact, *beside])),
            exclude_newer=None if today else end,
            thorough=False,
            policy="frontier",
            label=self.label(pair),
        )

    def label(self, pair: Pair) -> str:
        """Both names and versions of a pair."""
        sides = (self.space.first, self.space.second)
        return ", ".join(f"{side.name} {side.versions[number]}" for side, number in zip(sides, pair, strict=True))

    def ask(self, questions: Sequence[PairQuestion], bench: Runner, reporter: Reporter) -> list[PairAnswer]:
        """Answers from cells, several at once where the executor can; runs are kept in the store and reused from it."""
        cells = [self.cell(question.pair, today=question.again) for question in questions]
        resolutions = lock_cells(cells, bench.quiet())
        planned = [
            plan_cell(cell, resolutions[cell.id], bench, question.level)
            for cell, question in zip(cells, questions, strict=True)
        ]
        keys = [cell.key for cell in planned if cell.key]
        before = {key: len(runs) for key, runs in bench.store.of_keys(keys).items()}
        for level in dict.fromkeys(question.level for question in questions):
            some = [cell for cell, question in zip(planned, questions, strict=True) if question.level == level]
            run_cells(some, bench.quiet(), level)
        evidence = bench.store.of_keys(keys)
        answers = [
            self._answer(cell, question.level, evidence.get(cell.key, ()), before.get(cell.key, 0))
            for cell, question in zip(planned, questions, strict=True)
        ]
        for question, answer in zip(questions, answers, strict=True):
            reporter.step(f"{self.label(question.pair)} to {question.level}: {answer.verdict}")
        return answers

    def _answer(self, planned: PlannedCell, level: Level, evidence: tuple[Evidence, ...], before: int) -> PairAnswer:
        """What a cell says of the two that it pins, asked up to `level`.

        Nothing, where no test of theirs ran, or where only others failed: unless tests that use both pass there, and
        none of those was kept from it.
        A failure is theirs unless it surely is between others, or between one of them and another. One that points at a
        single one of them keeps the two from working all the same, but is not of the two together.
        """
        verdict = judge(planned, evidence)
        answer = PairAnswer(
            verdict=verdict.verdict,
            level=verdict.level,
            sentence=verdict.sentence,
            runs=len(evidence) - before,
            reused=before,
            evidence=verdict.evidence,
        )
        sides = {row.name for row in self.rows}
        statuses = classify(evidence)
        if verdict.verdict == "broken":
            present = versions_of(verdict.installed, self.components)
            theirs: list[tuple[TestResult, str, str]] = []
            others = set[str]()
            for status in statuses:
                if status.state == "confirmed":
                    suspicion = attribute_failure(status.result, present, self.components)
                    suspects = suspicion.components
                    if suspects & sides and (not suspicion.sure or suspects <= sides):
                        alone = min(suspects) if suspicion.sure and len(suspects) == 1 else ""
                        doubt = f"it points at {alone} and nobody else" if alone else suspicion.doubt
                        theirs.append((status.result, doubt, alone))
                    else:
                        others |= suspects - sides
            if not theirs:
                both = {row.distribution for row in self.rows}
                shared = [status for status in statuses if both <= set(status.result.components)]
                passed = sum(one.state == "passed" and one.result.level == level for one in shared)
                if passed and all(one.state in ("passed", "feature-broken", "not-applicable") for one in shared):
                    sentence = f"{passed} of their tests passed; of others, {verdict.sentence}"
                    return answer.model_copy(update={"verdict": "works", "level": level, "sentence": sentence})
                sentence = f"hidden by a failure of {', '.join(sorted(others))}: {verdict.sentence}"
                return answer.model_copy(update={"verdict": "untested", "sentence": sentence})
            first, doubt, alone = min(theirs, key=lambda one: (LEVELS.index(one[0].level), bool(one[1])))
            told = {"level": first.level, "sentence": f"{first.test}: {why(first)}", "signature": why(first)}
            return answer.model_copy(update=told | {"doubt": doubt, "alone": alone})
        if verdict.verdict == "works":
            used = {name for status in statuses if status.state == "passed" for name in status.result.components}
            silent = [row.name for row in self.rows if row.distribution not in used]
            if silent:
                sentence = f"no test of {' or '.join(silent)} applies"
                return answer.model_copy(update={"verdict": "untested", "sentence": sentence})
        return answer


def _name(text: str) -> str:
    return canonicalize_name(Requirement(text).name)


def _component(name: str, option: str, components: Components) -> Component:
    """The component called `name`, or one made up for a distribution that is no component."""
    if name in components.names():
        row = components[name]
        if not row.distribution:
            raise UsageError(f"{option}: {name} is published: {row.published}; allowed is what the index has")
        leader = components.of_distribution(row.distribution)
        return leader if leader is not None else row
    try:
        requirement = parse_requirement(name)
    except ValueError:
        requirement = None
    if requirement is None or str(requirement) != requirement.name:
        raise UsageError(f'{option}: "{name}" is neither a component nor the plain name of a distribution')
    known = components.of_distribution(requirement.name)
    if known is not None and known.distribution == requirement.name:
        return known
    return Component(
        name=requirement.name,
        title=requirement.name,
        summary="a distribution that is no component",
        group="infrastructure",
        distributions=(requirement.name,),
        documentation="",
    )


def _objection(name: str, release: Release, bounds: Sequence[Bound], other: str, partner: Release, python: str) -> str:
    """Why metadata of the release excludes the partner, or the Python; empty if it does not."""
    if not release.supports(python):
        return f"{name} {release.version} does not support Python {python} (it requires {release.requires_python})"
    for bound in bounds:
        if not bound.specifier.contains(partner.version, prereleases=True):
            by = "" if bound.name == name else f" exactly {bound.name} {bound.version}, which depends on"
            return f"{name} {release.version} depends on{by} {other}{bound.specifier}"
    return ""
