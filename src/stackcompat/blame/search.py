"""From a red cell to its culprit: the smallest set of (distribution, version) without which it would not be red.

Pure. A search is a generator that yields questions (:class:`Probe`) and is sent what came of them
(:class:`ProbeAnswer`); :mod:`stackcompat.blame.driver` answers from real cells, the tests from made-up worlds. The same
answers give the same questions, so a search that is stopped goes on where it was once its probes are evidence.

The steps, each of which asks as little as it can:

1. *Contrast*: a set of versions near the red one that passes; from evidence, else the newest releases, what the pins
   of the cell met on their own day, the newest as of days going back exponentially, and given sets.
2. *Minimise* the difference by delta debugging (Zeller, Hildebrandt: Simplifying and isolating failure-inducing input,
   IEEE Transactions on Software Engineering 28(2), 2002) over all distributions, whom the failure names first. A set
   that cannot be installed, or fails otherwise, is neither red nor green.
3. *Extend*: with the members found so far held and all else as new, and as old, as can be, it must still fail; where
   it does not, there are further members, and where neither tells, there is doubt. A partner that stands still in the
   contrast is found by moving it alone.
4. *Trace* each member along its releases in the order of their uploads: last good, first bad, fixed in. What another
   failure hides in the red cell is looked for beside the set that passes.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from stackcompat.blame.bisect import Edges, StepOutcome, edges
from stackcompat.blame.culprit import Culprit, OtherFailure, Probe, ProbeAnswer, RedCell, SearchResult
from stackcompat.blame.ddmin import ddmin
from stackcompat.core.record import digest
from stackcompat.core.text import and_list
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.releases import Catalog, needs
from stackcompat.verdict.signature import api_of, owner_of

__all__ = ["BUDGET", "Search", "Value", "search", "trace_refusal"]

Value = TypeVar("Value")


#: A part of a search: asks, is answered, and comes to a value.
Search = Generator[Probe, ProbeAnswer, Value]


#: Environments that a search may ask for unless told otherwise.
BUDGET = 60


#: A contrast from evidence is taken if it differs in no more than so many distributions: nearer than the newest is.
NEAR = 4


#: Dotted names that a message speaks of.
_DOTTED = re.compile(r"(?<![\w/.…-])[A-Za-z_]\w*(?:\.\w+)+|(?<=module ')\w+(?=')|(?<=from ')\w+(?=')")


class _Spent(Exception):
    """The budget is spent."""


class _Axis(NamedTuple):
    """The releases of a unit in the order of their uploads, and which of them the red cell has."""

    steps: tuple[dict[str, str], ...]
    versions: tuple[str, ...]
    here: int


class _Blame:
    """The state of one search."""

    def __init__(self, red: RedCell, catalog: Catalog, components: Components, budget: int) -> None:
        self.red = red
        self._catalog = catalog
        self._components = components
        self._budget = budget
        self._answers: dict[str, ProbeAnswer] = {}
        self._seen: list[tuple[dict[str, str], ProbeAnswer]] = []
        self._axes: dict[str, _Axis] = {}
        self._groups = self._followers()
        names = [canonicalize_name(Requirement(text).name) for text in red.requirements]
        self._roots = [name for name in dict.fromkeys(names) if name in red.versions]
        self._named = self._find_named()
        self._used = list(dict.fromkeys(self._unit(name) for name in red.test.components if name in red.versions))
        self._rank = {unit: n for n, unit in reversed([*enumerate([*self._named, *self._used, *self._roots])])}
        self._contexts: dict[str, tuple[dict[str, str], Edges]] = {}
        self.members: dict[str, Culprit] = {}
        self._doubtful: list[str] = []
        self._cleared: set[str] = set()
        self._enough = False
        self.doubt = ""
        self.probes = 0
        self.passing: dict[str, str] = {}

    # -- what there is ------------------------------------------------------------------------------------------------

    def _followers(self) -> dict[str, tuple[str, ...]]:
        """Unit to its distributions: a follower belongs to its leader while it has the leader's release."""
        versions = self.red.versions
        groups = {name: [name] for name in versions}
        for component in self._components.components:
            leads = component.moves_with and self._components[component.moves_with].distribution
            follower = component.distribution
            if not leads or leads not in versions or follower not in versions:
                continue
            twin = self._catalog.project(follower).find(versions[leads])
            if twin is None or Version(versions[follower]) == twin.parsed:
                groups[leads].append(follower)
                groups.pop(follower, None)
        return {name: tuple(names) for name, names in groups.items()}

    def _unit(self, name: str) -> str:
        return next((unit for unit, names in self._groups.items() if name in names), name)

    def _names(self, unit: str) -> tuple[str, ...]:
        return self._groups.get(unit, (unit,))

    def _axis(self, unit: str) -> _Axis:
        if unit in self._axes:
            return self._axes[unit]
        here = self.red.versions.get(unit, "")
        project = self._catalog.project(unit)
        now = project.find(here) if here else None
        usable = [
            release
            for release in project.releases
            if release is now
            or (
                not release.yanked
                and not (release.parsed.is_prerelease and not (now and now.parsed.is_prerelease))
                and release.supports(self.red.python)
                and (self.red.until is None or release.uploaded <= self.red.until)
            )
        ]
        usable.sort(key=lambda release: (release.uploaded, release.parsed))
        steps, versions = [], []
        for release in usable:
            step = {unit: release.version}
            for follower in self._names(unit)[1:]:
                others = self._catalog.project(follower).releases
                fit = [other for other in others if other.parsed <= release.parsed and not other.yanked]
                if fit:
                    step[follower] = fit[-1].version
            if release is now:
                step = {name: self.red.versions[name] for name in self._names(unit)}
            steps.append(step)
            versions.append(release.version)
        if now is None:  # from a file or another index: nothing is known to be older or newer than it
            steps, versions = [{name: self.red.versions.get(name, "") for name in self._names(unit)}], [here]
        index = versions.index(now.version) if now is not None else 0
        self._axes[unit] = _Axis(tuple(steps), tuple(versions), index)
        return self._axes[unit]

    def _find_named(self) -> list[str]:
        """Units that the failure itself names: up its traceback, then in its words."""
        failure = self.red.failure
        installed = self.red.versions
        words = [owner_of(m, installed, self._components) for m in _DOTTED.findall(failure.message)]
        mentioned = [
            d for d in installed if len(d) > 2 and re.search(rf"(?<![\w.-]){re.escape(d)}(?![\w-])", failure.message)
        ]
        traced = [name for name in reversed(failure.packages) if name in installed]
        return list(dict.fromkeys(self._unit(name) for name in (*traced, *words, *mentioned) if name))

    def _ordered(self, units: Iterable[str]) -> list[str]:
        """`units`, most suspect first."""
        return sorted(units, key=lambda unit: (self._rank.get(unit, len(self._rank)), unit))

    # -- asking -------------------------------------------------------------------------------------------------------

    def _ask(self, probe: Probe) -> Search[ProbeAnswer]:
        if probe.pins == self.red.versions and not (probe.free and not probe.resolves):
            return ProbeAnswer(outcome="same", versions=self.red.versions)
        key = digest(probe)
        if key not in self._answers:
            if self.probes >= self._budget or len(self._answers) >= 4 * self._budget:
                raise _Spent
            answer = yield probe
            self._answers[key] = answer
            self.probes += answer.ran
            self._seen.append((answer.versions or probe.pins, answer))
            if answer.versions:
                self._answers.setdefault(digest(Probe(pins=answer.versions)), answer)
        return self._answers[key]

    def _at(self, pins: Mapping[str, str]) -> Search[ProbeAnswer]:
        return (yield from self._ask(self._exactly(pins)))

    def _exactly(self, pins: Mapping[str, str]) -> Probe:
        return Probe(pins=dict(sorted(pins.items())))

    def _mixed(self, passing: Mapping[str, str], units: Iterable[str]) -> dict[str, str]:
        """`passing` with `units` as they are in the red cell."""
        mixed = dict(passing)
        for unit in units:
            for name in self._names(unit):
                mixed.pop(name, None)
                if name in self.red.versions:
                    mixed[name] = self.red.versions[name]
        return mixed

    def _differing(self, passing: Mapping[str, str]) -> list[str]:
        names = [n for n in {**passing, **self.red.versions} if passing.get(n) != self.red.versions.get(n)]
        return self._ordered({self._unit(name) for name in names})

    # -- 1. contrast --------------------------------------------------------------------------------------------------

    def _contrast(self) -> Search[dict[str, str] | None]:
        """The nearest set that passes."""
        known = sorted(self.red.passing, key=lambda versions: len(self._differing(versions)))
        if known and (self.red.near or len(self._differing(known[0])) <= NEAR):
            return known[0]
        for probe in self._worlds():
            answer = yield from self._ask(probe)
            if answer.outcome == "pass":
                return answer.versions
        return known[0] if known else None

    def _worlds(self) -> Iterable[Probe]:
        """Sets that an installer gives, nearest to what is usual first; none twice that must come out the same."""
        roots = tuple(self._roots)
        until = self.red.until
        yield Probe(free=roots, until=until)
        pinned = {name: self.red.versions[name] for name in self._pinned_roots()}
        if pinned:
            yield self._held(pinned, then=True)
        for chosen in self.red.sets:
            names = {canonicalize_name(Requirement(text).name) for text in chosen}
            yield Probe(free=(*chosen, *(root for root in roots if root not in names)), until=until)
        uploads = [release.uploaded for name in self.red.versions if (release := self.red.release(name, self._catalog))]
        before: dict[str, str | None] = {}
        for exponent in range(12):
            if not uploads:
                return
            day = max(uploads) - dt.timedelta(days=2**exponent)
            then = {}
            for root in self.red.versions:
                newest = self._catalog.project(root).newest(python=self.red.python, before=day)
                then[root] = newest.version if newest else None
            if then != before and all(then[root] for root in roots):
                yield Probe(free=roots, until=day)
            before = then

    def _pinned_roots(self) -> list[str]:
        exact: list[str] = []
        for requirement in map(Requirement, self.red.requirements):
            name = canonicalize_name(requirement.name)
            if name in self.red.versions and any(s.operator in ("==", "===") for s in requirement.specifier):
                exact.append(name)
        return exact

    def _held(self, pins: Mapping[str, str], *, then: bool) -> Probe:
        """The world with `pins` held and all other roots free: at its newest, or as it was when the pins were new."""
        held = {
            name: pins[name] for unit in {self._unit(n) for n in pins} for name in self._names(unit) if name in pins
        }
        until = self.red.until
        if then:
            uploads = [release.uploaded for name in held if (release := self.red.release(name, self._catalog))]
            newest = max(uploads, default=None)
            if newest is not None:
                until = min(filter(None, (until, newest + dt.timedelta(days=1))))
        free = tuple(root for root in self._roots if root not in held)
        return Probe(pins=dict(sorted(held.items())), free=free, until=until)

    # -- 2. minimise --------------------------------------------------------------------------------------------------

    def _minimise(self, passing: dict[str, str]) -> Search[None]:
        """Find members in what differs between `passing` and the red cell."""
        self.passing = self.passing or passing
        units = self._differing(passing)

        def fails(chosen: tuple[str, ...]) -> Search[bool]:
            return (yield from self._at(self._mixed(passing, chosen))).outcome == "same"

        for guess in self._guesses(passing, units):  # lazily: what has to move along is read from the index
            if len(guess) < len(units) and (yield from fails(guess)):
                units = list(guess)
                break
        found = yield from ddmin(units, fails)
        context = self._mixed(passing, found)
        unparted = []
        for unit in found:
            rest = [other for other in found if other != unit]
            back = yield from self._at(self._mixed(passing, rest))
            if back.outcome == "pass":
                yield from self._add(unit, context, passing)
            else:
                unparted.append(unit)
        yield from self._part(unparted, passing, alone=len(unparted) == len(found))

    def _guesses(self, passing: Mapping[str, str], units: Collection[str]) -> Iterator[tuple[str, ...]]:
        """Parts of `units` that are likely to fail: whom the failure names, then also what was asked for by version.

        Each first by itself, then with what has to move with it.
        """
        named = [unit for unit in self._named if unit in units]
        pinned = [unit for name in self._pinned_roots() if (unit := self._unit(name)) in units and unit not in named]
        for suspects in (named, [*named, *pinned]):
            if suspects:
                yield tuple(suspects)
                yield tuple(self._closure(passing, suspects))

    def _part(self, units: list[str], passing: Mapping[str, str], *, alone: bool) -> Search[None]:
        """Tell the members among units that did not come apart: which of them makes it pass when it moves alone.

        First in the red cell. If they are all there is (`alone`), then also where another of them has gone as far
        towards `passing` as the failure goes with it: what stands in the way of the one there may be gone.
        """
        if (yield from self._parted(units, self.red.versions)) or not alone:
            return
        for unit in units:
            farther = self._towards(unit, passing)
            if farther and (yield from self._parted([other for other in units if other != unit], farther)):
                return
        named = [unit for unit in units if unit in self._named and unit in self.red.versions]
        if not named:
            self.doubt = f"{and_list(units)} could not be moved apart, and the failure names none of them"
        for unit in named:
            here = self.red.versions.get(unit, "")
            self.members[unit] = Culprit(name=unit, version=here, first_bad=here or None, shown_by="contrast")

    def _parted(self, units: list[str], context: dict[str, str]) -> Search[bool]:
        """Whether one of `units` makes `context` pass when it moves alone; it is a member then."""
        for unit in units:
            if unit in self.red.versions:
                path = yield from self._trace(unit, context)
                if path.passes:
                    self._keep(unit, path, context)
                    # The others may be there only because this one could not go without them: extending will tell.
                    self._doubtful += [other for other in units if other not in (unit, *self._doubtful)]
                    return True
        return False

    def _towards(self, unit: str, passing: Mapping[str, str]) -> dict[str, str]:
        """The red cell with `unit` alone moved as far towards `passing` as it was seen to fail; empty if nowhere."""
        axis = self._axis(unit)
        goal = passing.get(unit)
        if goal not in axis.versions:
            return {}
        aim = axis.versions.index(goal) - axis.here
        same = [
            place
            for place, step in enumerate(axis.steps)
            if (place - axis.here) * aim > 0 and self._known({**self.red.versions, **step}) == "same"
        ]
        if not same:
            return {}
        return {**self.red.versions, **axis.steps[max(same, key=lambda place: abs(place - axis.here))]}

    def _known(self, pins: Mapping[str, str]) -> str:
        """What is known of a set that was asked for; empty if it was not."""
        answer = self._answers.get(digest(self._exactly(pins)))
        return answer.outcome if answer is not None else ""

    def _closure(self, passing: Mapping[str, str], units: Iterable[str]) -> list[str]:
        """`units` and what has to move with them, so that no declared bound is broken that the red cell keeps."""
        chosen = list(dict.fromkeys(units))
        while True:
            mixed = self._mixed(passing, chosen)
            more = []
            for name, version in mixed.items():
                for other, bound in needs(self._catalog, name, version, self.red.python).items():
                    if other in mixed and not bound.contains(mixed[other], prereleases=True):
                        more += [self._unit(n) for n in (other, name) if mixed[n] != self.red.versions.get(n)][:1]
            if set(more) <= set(chosen):
                return chosen
            chosen = list(dict.fromkeys([*chosen, *more]))

    def _add(self, unit: str, context: dict[str, str], passing: Mapping[str, str]) -> Search[None]:
        """Keep `unit` as a member: it makes `context` fail, and does not with its version in `passing`."""
        here = self.red.versions.get(unit, "")
        if not here or unit in self.members:
            return
        good = passing.get(unit)
        self.members[unit] = self._between(unit, good)  # for whoever is stopped here
        moved = self._mixed(self.red.versions, ()) | {n: passing[n] for n in self._names(unit) if n in passing}
        if good is not None and (yield from self._at(moved)).outcome == "pass":
            context = self.red.versions
        path = yield from self._trace(unit, context, good)
        self._keep(unit, path, context)

    def _between(self, unit: str, good: str | None) -> Culprit:
        """`unit` as a member of which no more is known than that it passes at `good`."""
        axis = self._axis(unit)
        here, place = axis.here, axis.versions.index(good) if good in axis.versions else axis.here
        older, newer = (place if place < here else None), (place if place > here else None)
        unresolved = tuple(range(place + 1, here))
        path = Edges(good=older, bad=here, fixed=newer, unresolved=unresolved, tried=0)
        return self._culprit(unit, path).model_copy(update={"never_passed": False})

    def _keep(self, unit: str, path: Edges, context: dict[str, str] | None = None) -> None:
        self._contexts[unit] = (context or self.red.versions, path)
        self.members[unit] = self._culprit(unit, path)

    def _culprit(self, unit: str, path: Edges) -> Culprit:
        """`unit` as a member, with the edges that were found along its releases."""
        axis, name = self._axis(unit), self._called(unit)

        def at(place: int | None) -> str | None:
            return None if place is None else axis.steps[place].get(name, axis.versions[place])

        parsed = [Version(version) for version in axis.versions]
        end = len(parsed) if path.fixed is None else path.fixed
        skipped = [
            place
            for place, version in enumerate(parsed)
            if not path.bad <= place < end
            and version > parsed[path.bad]
            and (path.fixed is None or version < parsed[path.fixed])
        ]
        return Culprit(
            name=name,
            version=at(axis.here) or "",
            last_good=at(path.good),
            first_bad=at(path.bad),
            fixed_in=at(path.fixed),
            never_passed=path.good is None and axis.here > 0,
            unresolved=tuple(filter(None, map(at, path.unresolved))),
            skipped=tuple(filter(None, map(at, skipped))),
        )

    def _called(self, unit: str) -> str:
        """The distribution of `unit` to name: its leader, unless the failure speaks of another one alone."""
        message = self.red.failure.message
        said = [name for name in self._names(unit) if re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", message)]
        return said[0] if said and unit not in said else unit

    # -- 3. extend ----------------------------------------------------------------------------------------------------

    def _extend(self) -> Search[None]:
        """With the members held and everything else moved, it must still fail; else there are further members.

        They were shown to be enough once it fails so at least at one end.
        """
        for _ in range(len(self.red.versions)):
            before = set(self.members)
            self._enough = False
            for then in (False, True):
                pins = {name: self.red.versions[name] for unit in self.members for name in self._names(unit)}
                answer = yield from self._ask(self._held(pins, then=then))
                self._enough = self._enough or answer.outcome == "same"
                if answer.outcome == "pass":
                    yield from self._minimise(answer.versions)
                    break
            if set(self.members) == before:
                return

    def _failing(self, unit: str) -> set[str]:
        """Versions of `unit` other than the red one beside which the other members fail the same way."""
        others = [member for member in self.members if member != unit]
        if not others:
            return set()
        held = {name: self.red.versions[name] for member in others for name in self._names(member)}
        return {
            versions[unit]
            for versions, answer in self._seen
            if answer.outcome == "same"
            and all(versions.get(name) == version for name, version in held.items())
            and versions.get(unit, self.red.versions[unit]) != self.red.versions[unit]
        }

    def _partners(self) -> Search[None]:
        """Find the partners that stand still in the contrast.

        Whom the failure names is followed along all its releases. The others that the test uses are moved as far as
        they go, all together; who cannot be judged so is followed alone, in few steps.
        """
        for unit in self._named:
            if unit not in self.members and unit not in self._cleared:
                self._cleared.add(unit)
                path = yield from self._trace(unit, self.red.versions)
                if path.passes:
                    self._keep(unit, path)
        for step in (-1, 1):
            yield from self._to_the_end(step)
        for unit in dict.fromkeys((*self._standing(-1), *self._standing(1))):
            path = yield from self._trace(unit, self.red.versions, growth=4)
            if path.passes:
                self._keep(unit, path)

    def _to_the_end(self, step: int) -> Search[None]:
        """Move who may be a partner to its oldest (newest) release, all together, as long as that finds some."""
        while units := self._standing(step):
            moved = dict(self.red.versions)
            for unit in units:
                moved |= self._axis(unit).steps[0 if step < 0 else -1]
            answer = yield from self._at(moved)
            before = len(self.members)
            if answer.outcome == "pass":
                yield from self._minimise(answer.versions)
            if len(self.members) == before:
                return

    def _standing(self, step: int) -> list[str]:
        """Who may be a partner, and has releases on one side beyond those that were seen to fail too."""
        return [unit for unit in dict.fromkeys((*self._doubtful, *self._used)) if self._stands(unit, step)]

    def _stands(self, unit: str, step: int) -> bool:
        if unit in self.members or unit in self._cleared or unit not in self.red.versions:
            return False
        axis = self._axis(unit)
        places = [axis.here, *(axis.versions.index(v) for v in self._failing(unit) if v in axis.versions)]
        return min(places) > 0 if step < 0 else max(places) < len(axis.versions) - 1

    def _caller(self) -> None:
        """Add who called the only member: who asked it for a name that it does not have, or who is known to use it.

        In the second case what failed is a call.
        """
        failure = self.red.failure
        (member,) = self.members
        names = self._names(member)
        module, name = api_of(failure)
        if name and owner_of(module, self.red.versions, self._components) in names:
            callers = [caller for caller in failure.packages if caller not in names][-1:]
        elif failure.where.endswith(":<module>"):
            return
        else:
            depths = [number for number, package in enumerate(failure.packages) if package in names]
            # A call that does not fit never enters what is called: then the deepest is who called.
            known = failure.packages[: depths[-1]] if depths else failure.packages[-1:]
            callers = [caller for caller in known if caller not in names and self._uses(caller, member)]
        for caller in reversed(callers):
            if version := self.red.versions.get(caller):
                self.members[caller] = Culprit(name=caller, version=version, shown_by="traceback")
                return

    def _uses(self, user: str, name: str) -> bool:
        """Whether `user` declares to need `name`."""
        version = self.red.versions.get(user)
        return version is not None and name in needs(self._catalog, user, version, self.red.python)

    # -- 4. trace -----------------------------------------------------------------------------------------------------

    def _trace(self, unit: str, context: Mapping[str, str], good: str | None = None, growth: int = 2) -> Search[Edges]:
        """Look along the releases of `unit`, all else as in `context`, which fails; `good` is known to pass.

        Each galloping step is `growth` times the one before.
        """
        axis = self._axis(unit)

        def at(place: int) -> Search[StepOutcome]:
            return (yield from self._at({**context, **axis.steps[place]})).outcome

        known = axis.versions.index(good) if good in axis.versions else None
        if known == axis.here:  # only a follower differs in the set that passes
            known = None
        presumed = [axis.versions.index(other) for other in self._failing(unit) if other in axis.versions]
        return (yield from edges(len(axis.versions), axis.here, at, known=known, growth=growth, presumed=presumed))

    def _uncover(self) -> Search[None]:
        """Trace again beside the set that passes, where the edge of a member is hidden by what fails otherwise.

        That other failure may not be there. What is next to the red stretch tells whether it is worth it.
        """
        context = self._mixed(self.passing, self.members)
        for unit, (_, path) in [*self._contexts.items()]:
            axis = self._axis(unit)
            before = [place for place in path.unresolved if (-1 if path.good is None else path.good) < place < path.bad]
            after = [place for place in path.unresolved if axis.here < place < (path.fixed or len(axis.steps))]
            for place in (*before[-1:], *after[:1]):
                if not self.passing or (yield from self._at(context)).outcome != "same":
                    return
                if not (yield from self._at({**context, **axis.steps[place]})).decides:
                    continue
                again = yield from self._trace(unit, context)
                if (again.good is not None or path.good is None) and (again.fixed is not None or path.fixed is None):
                    self._keep(unit, again, context)
                break

    # -- all of it ----------------------------------------------------------------------------------------------------

    def run(self) -> Search[SearchResult]:
        try:
            yield from self._run()
        except _Spent:
            self.doubt = f"the budget of {self._budget} probes was spent before all was tried"
        faults = self._faults()
        if faults and not self.doubt:
            self.doubt = f"probes were kept from an answer, {len(faults)} in all: {faults[0].detail}"
        if not self.members and not self.doubt:
            self.doubt = "no set of versions was found with which it passes"
        if not self._enough and not self.doubt:
            self.doubt = (
                "with these alone held, and all else as new or as old as can be, it was not seen to fail the same way"
            )
        return self._found()

    def _run(self) -> Search[None]:
        passing = yield from self._contrast()
        if passing is not None:
            yield from self._minimise(passing)
        else:
            for unit in dict.fromkeys((*self._named, *self._used)):
                path = yield from self._trace(unit, self.red.versions)
                self._cleared.add(unit)
                if path.passes:
                    self._keep(unit, path)
                    break
        if not self.members:
            return
        yield from self._extend()
        before = len(self.members)
        yield from self._partners()
        if len(self.members) > before:
            yield from self._extend()
        if len(self.members) == 1:
            self._caller()
        with contextlib.suppress(_Spent):  # the members stand, and what is unresolved is said
            yield from self._uncover()

    def _linear(self) -> int:
        """Probes of a search that moves each suspect alone, release by release, until it passes or there is no more."""
        total = 0
        for unit in dict.fromkeys((*self._named, *self._used, *self._roots, *self.members)):
            length = len(self._axis(unit).versions)
            path = self._contexts[unit][1] if unit in self._contexts else None
            first = path.good if path and path.good is not None else 0
            last = path.fixed if path and path.fixed is not None else length - 1
            total += last - first
        return total

    def _faults(self) -> list[ProbeAnswer]:
        return [answer for _, answer in self._seen if answer.outcome == "infra"]

    def _found(self) -> SearchResult:
        met: dict[str, OtherFailure] = {}
        for versions, met_on_the_way in self._seen:
            signature = met_on_the_way.signature
            if met_on_the_way.outcome == "other" and signature not in met:
                moved = {n: v for n, v in versions.items() if self.red.versions.get(n) != v}
                met[signature] = OtherFailure(moved=moved, signature=signature, evidence=met_on_the_way.evidence)
        said = {}
        for unit, (context, path) in self._contexts.items():
            if path.good is not None:
                step = {**context, **self._axis(unit).steps[path.good]}
                answer = self._answers.get(digest(self._exactly(step)))
                if answer is not None:
                    said[self._called(unit)] = answer.warnings
        passes = [versions for versions, answer in self._seen if answer.outcome == "pass"]
        nearest = min(passes, key=lambda versions: len(self._differing(versions)), default=self.passing)
        return SearchResult(
            culprits=tuple(self.members.values()),
            findings=tuple(met.values()),
            probes=self.probes,
            linear=self._linear(),
            forced=sum(answer.forced for _, answer in self._seen),
            infra=len(self._faults()),
            doubt=self.doubt,
            passing=nearest,
            warnings=said,
            evidence=tuple(dict.fromkeys(run for _, answer in self._seen for run in answer.evidence)),
        )


class _Refusal(_Blame):
    """The same for a cell that does not resolve: nothing is installed, and the resolver has named the members."""

    def __init__(
        self, red: RedCell, catalog: Catalog, components: Components, budget: int, free: tuple[str, ...]
    ) -> None:
        super().__init__(red, catalog, components, budget)
        self._free = free
        self._roots = []  # the resolver has said whom to suspect

    def _exactly(self, pins: Mapping[str, str]) -> Probe:
        return Probe(pins=dict(sorted(pins.items())), free=self._free, until=self.red.until, resolves=True)

    def named(self, names: Iterable[str]) -> Search[SearchResult]:
        for name in names:
            path = yield from self._trace(name, self.red.versions)
            self._keep(name, path)
            if not path.passes:
                self.members[name] = self.members[name].model_copy(update={"shown_by": "metadata"})
        return self._found()


def search(red: RedCell, catalog: Catalog, components: Components, budget: int = BUDGET) -> Search[SearchResult]:
    """Find the culprit of `red`, in at most `budget` environments. Releases and their metadata come from `catalog`."""
    return _Blame(red, catalog, components, budget).run()


def trace_refusal(
    red: RedCell, names: Iterable[str], free: tuple[str, ...], catalog: Catalog, components: Components
) -> Search[SearchResult]:
    """Trace the members `names` of pins (``red.versions``, with `free` requirements beside) that are refused."""
    return _Refusal(red, catalog, components, BUDGET, free).named(names)
