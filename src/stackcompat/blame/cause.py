"""Which side of a break moved: what the failure, the edges of the culprits and the metadata say of how it came about.

Pure. One side dropped an interface that the other still used, or does not have it yet (the bound on it is missing);
or a dependency is declared by nobody; or a behaviour changed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Literal, NamedTuple

from packaging.version import Version

from stackcompat.blame.culprit import Culprit, SearchResult
from stackcompat.blame.probe import RedCell
from stackcompat.core.record import Record
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.releases import Catalog, needs
from stackcompat.evidence.results import WarningSeen
from stackcompat.resolve.conflict import Conflict
from stackcompat.verdict.signature import api_of, owner_of

__all__ = ["Moved", "which_side_moved"]


class Moved(Record):
    """How a break came about.

    Attributes:
        kind: ``removed``: `release` of `side` dropped `api`, which `user` still used. ``missing bound``: `side` needs
            `api` of another culprit and does not declare the release that has it. ``undeclared``: `side` needs the
            module `api` and does not declare it. ``changed``: `release` of `side` behaves differently from the one
            before. ``never passed``: no release before was seen to pass. ``metadata``: the resolver's own reason.
        side: The distribution that moved, or that is at fault.
        release: Its release that did.
        api: The interface in question.
        user: The distribution that uses it.
        warned: Whether the last good release warned that `api` goes; None where that is not known.
        bound: What `user` might declare.
        sentence: All that in words.
    """

    kind: Literal["removed", "missing bound", "undeclared", "changed", "never passed", "metadata"]
    side: str
    release: str = ""
    api: str = ""
    user: str = ""
    warned: bool | None = None
    bound: str = ""
    sentence: str


class _Break(NamedTuple):
    """What a failure misses, and which of the culprits lacks and uses it.

    Attributes:
        red: The red cell.
        culprits: The members of the culprit, by name.
        catalog: Where releases and their metadata are looked up.
        module: The module, class or function in which something is missing; empty where the failure misses nothing.
        name: What is missing in it; empty where the module itself is.
        lacks: The culprit that lacks it; None where that is not known.
        user: The culprit that uses it; empty where that is not known.
    """

    red: RedCell
    culprits: dict[str, Culprit]
    catalog: Catalog
    module: str
    name: str
    lacks: Culprit | None
    user: str

    @property
    def api(self) -> str:
        """What is missing, with the module that it is missing in."""
        return ".".join(part for part in (self.module, self.name) if part)

    def using(self) -> str:
        """The user with its version."""
        return f"{self.user} {self.red.versions[self.user]}"


def which_side_moved(
    red: RedCell, result: SearchResult, catalog: Catalog, components: Components, conflict: Conflict | None = None
) -> Moved | None:
    """How the break of a red cell came about; None where no culprit was found.

    Args:
        red: The red cell.
        result: What the search found.
        catalog: Where releases and their metadata are looked up.
        components: Who owns which module, and who moves with whom.
        conflict: Why the cell does not resolve, if it does not.
    """
    if not result.culprits:
        return None
    if conflict is not None:
        refused = _last_to_break(result.culprits, catalog) or result.culprits[0]
        return Moved(kind="metadata", side=refused.name, sentence=conflict.sentence)
    seen = _read_failure(red, {culprit.name: culprit for culprit in result.culprits}, catalog, components)
    if red.failure.type.endswith("ModuleNotFoundError") and seen.lacks is None and seen.module:
        return _undeclared(seen)
    if seen.lacks is not None and seen.lacks.last_good is not None and seen.api:
        return _removed(seen, seen.lacks, _has_warned(seen.lacks, seen.name or seen.module, result))
    if seen.lacks is not None and seen.lacks.fixed_in is not None and seen.user:
        return _missing_bound(seen, seen.lacks)
    broke_last = _last_to_break(result.culprits, catalog)
    if broke_last is not None:
        return _changed(seen, broke_last)
    return _never_passed(seen)


def _read_failure(red: RedCell, culprits: dict[str, Culprit], catalog: Catalog, components: Components) -> _Break:
    module, name = api_of(red.failure)
    lacks = _who_lacks(red, culprits, module, components)
    suspects = (red.failure.package, *reversed(red.failure.packages), *culprits)
    user = next((suspect for suspect in suspects if suspect in culprits and suspect != lacks), "")
    return _Break(red, culprits, catalog, module, name, culprits.get(lacks or ""), user)


def _who_lacks(red: RedCell, culprits: Mapping[str, Culprit], module: str, components: Components) -> str | None:
    """The culprit that lacks what the failure misses: the owner of `module`, if it has one.

    Nobody is known to own a class or a function. Python fails in the code that reaches for it, so the deepest package
    of the traceback is its user, and the other culprit lacks it, if there is just one. Where the failure misses
    nothing, the deepest package itself is meant.
    """
    owner = owner_of(module, red.versions, components) if module else None
    if owner is not None:
        return _culprit_for(owner, culprits, components)
    if red.failure.type.endswith(("ModuleNotFoundError", "ImportError")):
        return None
    traced = (_culprit_for(package, culprits, components) for package in reversed(red.failure.packages))
    deepest = next(filter(None, traced), None)
    if not module or deepest is None:
        return deepest
    others = [name for name in culprits if name != deepest]
    return others[0] if len(others) == 1 else None


def _culprit_for(name: str, culprits: Mapping[str, Culprit], components: Components) -> str | None:
    """The culprit that the distribution `name` is, or moves with."""
    component = components.of_distribution(name)
    leader = components[component.moves_with].distribution if component and component.moves_with else name
    return next((candidate for candidate in (name, leader) if candidate in culprits), None)


def _last_to_break(culprits: Collection[Culprit], catalog: Catalog) -> Culprit | None:
    """The culprit whose first bad release was uploaded last: it moved while the others stood."""

    def uploaded(culprit: Culprit) -> float:
        release = catalog.project(culprit.name).find(culprit.first_bad or culprit.version)
        return release.uploaded.timestamp() if release else 0.0

    return max((culprit for culprit in culprits if culprit.last_good is not None), key=uploaded, default=None)


def _has_warned(side: Culprit, name: str, result: SearchResult) -> bool | None:
    """Whether `side` warned that `name` goes.

    None where its last good release was not run, or where a later release that could not be judged may have warned.
    """
    warnings: Collection[WarningSeen] | None = result.warnings.get(side.name)
    if warnings is None:
        return None
    warned = any(
        seen.raised_by == side.name and "Deprecat" in seen.category and name in seen.message for seen in warnings
    )
    return None if side.unjudged and not warned else warned


#: The release that a message itself names as the one that dropped something.
_REMOVED_IN = re.compile(r"\bremoved\s+(?:in|from|as\s+of|since)\s+(?:[A-Za-z][\w-]*\s+)*?v?(?P<release>\d+(?:\.\d+)*)")


def _dropped_in(red: RedCell, side: Culprit) -> str:
    """The release that dropped it: the one that the failure names, if it is after the last good; else the first bad."""
    named, bad = _REMOVED_IN.search(red.failure.message), side.first_bad or side.version
    if named and Version(side.last_good or "0") < Version(named["release"]) <= Version(bad):
        return named["release"]
    return bad


def _declared(seen: _Break, side: str) -> str:
    """What the user declares to need of `side`, in words."""
    bound = needs(seen.catalog, seen.user, seen.red.versions[seen.user], seen.red.python).get(side)
    return "no bound at all" if bound is None or not str(bound) else f"{side}{bound}"


def _removed(seen: _Break, side: Culprit, warned: bool | None) -> Moved:
    release = _dropped_in(seen.red, side)
    sentence = f"{side.name} {release} no longer has {seen.api}"
    if seen.user:
        sentence += f", which {seen.using()} uses while it declares {_declared(seen, side.name)}"
    if warned is not None:
        sentence += f"; {side.name} {side.last_good} had {'' if warned else 'not '}warned of it"
    return Moved(
        kind="removed",
        side=side.name,
        release=release,
        api=seen.api,
        user=seen.user,
        warned=warned,
        bound=f"{side.name}<{release}" if seen.user else "",
        sentence=sentence,
    )


def _missing_bound(seen: _Break, side: Culprit) -> Moved:
    needed = f"{side.name} {side.fixed_in}"
    if seen.api:
        needed = f"{seen.api}, which {side.name} has from {side.fixed_in} on"
    return Moved(
        kind="missing bound",
        side=seen.user,
        release=seen.red.versions[seen.user],
        api=seen.api,
        user=seen.user,
        bound=f"{side.name}>={side.fixed_in}",
        sentence=f"{seen.using()} needs {needed}, and declares {_declared(seen, side.name)}",
    )


def _undeclared(seen: _Break) -> Moved:
    red, module = seen.red, seen.module.partition(".")[0]
    importer = seen.culprits.get(red.failure.package) or next(iter(seen.culprits.values()))
    is_declared = module in needs(seen.catalog, importer.name, red.versions[importer.name], red.python)
    how = "declares it, yet it is not installed" if is_declared else "does not declare it"
    return Moved(
        kind="undeclared",
        side=importer.name,
        release=importer.first_bad or "",
        api=module,
        user=importer.name,
        sentence=f"{importer.name} {importer.version} imports {module} and {how}",
    )


def _changed(seen: _Break, side: Culprit) -> Moved:
    other = next((name for name in seen.culprits if name != side.name), "")
    beside = f" beside {other} {seen.red.versions[other]}" if other else ""
    return Moved(
        kind="changed",
        side=side.name,
        release=side.first_bad or "",
        user=other,
        sentence=f"{side.name} {side.first_bad} behaves differently from {side.last_good}{beside}",
    )


def _never_passed(seen: _Break) -> Moved:
    side = seen.lacks or next(iter(seen.culprits.values()))
    fixed = f"; fixed in {side.fixed_in}" if side.fixed_in else ""
    return Moved(
        kind="never passed",
        side=side.name,
        release=side.first_bad or "",
        user=seen.user,
        sentence=f"no release of {side.name} before {side.version} was seen to pass{fixed}",
    )
