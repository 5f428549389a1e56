"""How a break came about, as the failure, the edges of the culprits and the metadata show it.

Pure. One side dropped an interface that the other side still uses. Or one side needs an interface that the other side
does not have yet, and declares no bound that says so. Or a dependency is not declared. Or a behaviour changed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal, NamedTuple

from packaging.version import Version

from stackcompat.blame.probe import RedCell
from stackcompat.blame.result import Culprit, SearchResult
from stackcompat.core.record import Record
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.declared import needs
from stackcompat.ecosystem.releases import Catalog
from stackcompat.evidence.results import WarningSeen
from stackcompat.resolve.conflict import Conflict
from stackcompat.verdict.missing import missing_in
from stackcompat.verdict.ownership import owner_of

__all__ = ["Moved", "which_side_moved"]


class Moved(Record):
    """How a break came about.

    Attributes:
        kind: ``removed``: `release` of `side` dropped `api`, which `user` still used. ``missing bound``: `side` needs
            `api` of another culprit and does not declare the release that has it. ``undeclared``: `side` needs the
            module `api` and does not declare it. ``changed``: `release` of `side` behaves differently from the one
            before. ``never passed``: no release of `side` is known to have passed before. ``metadata``: the cell does
            not resolve.
        side: The distribution that changed, or that lacks a declaration.
        release: The release of `side` that changed, or that lacks the declaration; empty if it is not known.
        api: The missing interface, or the module that is not declared; empty if nothing is missing.
        user: The distribution that uses `api`, or fails with `side`; empty if it is not known.
        warned: Whether the last good release warned that `api` would go; None if that is not known.
        bound: A bound that `user` could declare to prevent the break.
        sentence: The cause in words.
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
    """What a failure misses, the culprit that lacks it, and the culprit that uses it.

    Attributes:
        red: The red cell.
        culprits: The members of the culprit, by name.
        catalog: Where releases and their metadata are looked up.
        module: The module, class or function in which something is missing; empty where the failure misses nothing.
        name: What is missing in `module`; empty if the module itself is missing.
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
        components: Tells which distribution owns a module, and which distributions move together.
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
    if seen.lacks is not None and seen.lacks.passes_before is not None and seen.api:
        return _removed(seen, seen.lacks, _has_warned(seen.lacks, seen.name or seen.module, result))
    if seen.lacks is not None and seen.lacks.fixed_in is not None and seen.user:
        return _missing_bound(seen, seen.lacks)
    broke_last = _last_to_break(result.culprits, catalog)
    if broke_last is not None:
        return _changed(seen, broke_last)
    return _never_passed(seen)


def _read_failure(red: RedCell, culprits: dict[str, Culprit], catalog: Catalog, components: Components) -> _Break:
    missing = missing_in(red.failure.message)
    lacks = _who_lacks(red, culprits, missing.owner, components)
    suspects = (red.failure.package, *reversed(red.failure.packages), *culprits)
    user = next((suspect for suspect in suspects if suspect in culprits and suspect != lacks), "")
    return _Break(red, culprits, catalog, missing.owner, missing.name, culprits.get(lacks or ""), user)


def _who_lacks(red: RedCell, culprits: Mapping[str, Culprit], module: str, components: Components) -> str | None:
    """The culprit that lacks the missing name: the owner of `module`, if it has one.

    A class or a function has no known owner. Python fails in the code that asks for the name, so the deepest culprit on
    the traceback uses the name. The other culprit lacks it, if there is just one other. If the failure misses no name,
    the deepest culprit itself is taken.
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
    """The culprit that is the distribution `name`, or that `name` moves with."""
    component = components.of_distribution(name)
    leader = components[component.moves_with].distribution if component and component.moves_with else name
    return next((candidate for candidate in (name, leader) if candidate in culprits), None)


def _last_to_break(culprits: Collection[Culprit], catalog: Catalog) -> Culprit | None:
    """The culprit whose first bad release was uploaded last: it moved while the others stood."""

    def uploaded(culprit: Culprit) -> float:
        release = catalog.project(culprit.name).find(culprit.first_bad or culprit.version)
        return release.uploaded.timestamp() if release else 0.0

    return max((culprit for culprit in culprits if culprit.passes_before is not None), key=uploaded, default=None)


def _has_warned(side: Culprit, name: str, result: SearchResult) -> bool | None:
    """Whether `side` warned that `name` would go.

    None where its last good release was not run, or where a later release that could not be judged possibly warned.
    """
    warnings: Collection[WarningSeen] | None = result.warnings.get(side.name)
    if warnings is None:
        return None
    warned = any(
        seen.raised_by == side.name and "Deprecat" in seen.category and name in seen.message for seen in warnings
    )
    return None if side.unjudged and not warned else warned


def _dropped_in(red: RedCell, side: Culprit) -> str:
    """The release that dropped a name: the one in the message if it is between the edges, else the first bad."""
    named, bad = missing_in(red.failure.message).removed_in, side.first_bad or side.version
    if named and Version(side.passes_before or "0") < Version(named) <= Version(bad):
        return named
    return bad


def _declared(seen: _Break, side: str) -> str:
    """The bound that the user declares on `side`, in words."""
    bound = needs(seen.catalog, seen.user, seen.red.versions[seen.user], seen.red.python).get(side)
    return "no bound at all" if bound is None or not str(bound) else f"{side}{bound}"


def _removed(seen: _Break, side: Culprit, warned: bool | None) -> Moved:
    release = _dropped_in(seen.red, side)
    sentence = f"{side.name} {release} no longer has {seen.api}"
    if seen.user:
        sentence += f", which {seen.using()} uses while it declares {_declared(seen, side.name)}"
    if warned is not None:
        sentence += f"; {side.name} {side.passes_before} had {'' if warned else 'not '}warned of it"
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
        sentence=f"{side.name} {side.first_bad} behaves differently from {side.passes_before}{beside}",
    )


def _never_passed(seen: _Break) -> Moved:
    side = seen.lacks or next(iter(seen.culprits.values()))
    fixed = f"; fixed in {side.fixed_in}" if side.fixed_in else ""
    sentence = f"{side.name} {side.version} fails"
    if side.never_passed:
        sentence = f"no release of {side.name} before {side.version} was seen to pass"
    return Moved(
        kind="never passed",
        side=side.name,
        release=side.first_bad or "",
        user=seen.user,
        sentence=f"{sentence}{fixed}",
    )
