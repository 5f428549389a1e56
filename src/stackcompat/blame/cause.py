"""Which side moved: what a failure, the traces of the members and the metadata say of how a break came about. Pure.

An interface that one distribution dropped and another still used, one that is not there yet (a bound that is missing),
a dependency that nobody declares, or a behaviour that changed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from packaging.version import Version

from stackcompat.blame.culprit import Culprit, SearchResult
from stackcompat.blame.probe import RedCell
from stackcompat.core.record import Record
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.releases import Catalog, needs
from stackcompat.evidence.results import WarningSeen
from stackcompat.resolve.conflict import Conflict
from stackcompat.verdict.signature import api_of, owner_of

__all__ = ["Moved", "moved_by"]


class Moved(Record):
    """How the break came about, with a `sentence` that says it.

    `kind`: ``removed``: `release` of `side` dropped `api`, which `user` still used; `warned` says whether the last good
    release warned of it (None: nobody could have seen, or a release after it, which could not be judged, may have).
    ``missing bound``: `user` needs what `release` of `side` first has. ``undeclared``: `side` needs `api` (a module)
    and does not declare it. ``changed``: `release` of `side` behaves otherwise than the one before. ``born red``: no
    release was seen to pass. ``metadata``: the resolver's own reason.
    """

    kind: Literal["removed", "missing bound", "undeclared", "changed", "born red", "metadata"]
    side: str
    release: str = ""
    api: str = ""
    user: str = ""
    warned: bool | None = None
    bound: str = ""
    sentence: str


#: The release that a message itself names as the one that dropped something.
_REMOVED_IN = re.compile(r"\bremoved\s+(?:in|from|as\s+of|since)\s+(?:[A-Za-z][\w-]*\s+)*?v?(?P<release>\d+(?:\.\d+)*)")


def moved_by(
    red: RedCell, found: SearchResult, catalog: Catalog, components: Components, conflict: Conflict | None = None
) -> Moved | None:
    """How the break of `red` came about; None when no culprit was found."""
    members = {culprit.name: culprit for culprit in found.culprits}
    if not members:
        return None
    if conflict is not None:
        refused = _newest_break(found.culprits, catalog) or found.culprits[0]
        return Moved(kind="metadata", side=refused.name, sentence=conflict.sentence)
    module, name = api_of(red.failure)
    api = ".".join(part for part in (module, name) if part)
    lacks = _side(red, members, module, components)
    user = next(
        (
            other
            for other in (red.failure.package, *reversed(red.failure.packages), *members)
            if other in members and other != lacks
        ),
        "",
    )
    top = module.partition(".")[0]
    if red.failure.type.endswith("ModuleNotFoundError") and lacks is None and top:
        asks = members.get(red.failure.package) or found.culprits[0]
        return _undeclared(red, asks, top, catalog)
    side = members.get(lacks or "")
    if side is not None and side.last_good is not None and api:
        warned = _warned(found.warnings.get(side.name), side.name, name or module)
        if side.unjudged and not warned:  # one of the releases between may have
            warned = None
        return _removed(red, side, api, user, warned, catalog)
    if side is not None and side.fixed_in is not None and user:
        return _missing_bound(red, side, api, user, catalog)
    latest = _newest_break(found.culprits, catalog)
    if latest is not None:
        used = next((other for other in members if other != latest.name), "")
        beside = f" beside {used} {red.versions[used]}" if used else ""
        sentence = f"{latest.name} {latest.first_bad} behaves otherwise than {latest.last_good}{beside}"
        return Moved(kind="changed", side=latest.name, release=latest.first_bad or "", user=used, sentence=sentence)
    first = side or found.culprits[0]
    fixed = f"; fixed in {first.fixed_in}" if first.fixed_in else ""
    sentence = f"no release of {first.name} before {first.version} was seen to pass{fixed}"
    return Moved(kind="born red", side=first.name, release=first.first_bad or "", user=user, sentence=sentence)


def _side(red: RedCell, members: Mapping[str, Culprit], module: str, components: Components) -> str | None:
    """The member that lacks what the failure misses: who has the module, else by whom the error came out of whom.

    Of a class or a function that nobody is known to have, the deepest package is the user: Python fails in the code
    that reaches for it. It is the other member's then, if there is just one.
    """

    def member(name: str) -> str | None:
        leader = components.of_distribution(name)
        led = components[leader.moves_with].distribution if leader and leader.moves_with else name
        return next((other for other in (name, led) if other in members), None)

    owner = owner_of(module, red.versions, components) if module else None
    if owner is not None:
        return member(owner)
    if red.failure.type.endswith(("ModuleNotFoundError", "ImportError")):
        return None
    deepest = next(filter(None, map(member, reversed(red.failure.packages))), None)
    if not module or deepest is None:
        return deepest
    others = [name for name in members if name != deepest]
    return others[0] if len(others) == 1 else None


def _newest_break(culprits: Sequence[Culprit], catalog: Catalog) -> Culprit | None:
    """The member whose first bad release came last: it moved while the others stood."""

    def uploaded(culprit: Culprit) -> float:
        release = catalog.project(culprit.name).find(culprit.first_bad or culprit.version)
        return release.uploaded.timestamp() if release else 0.0

    broke = [culprit for culprit in culprits if culprit.last_good is not None]
    return max(broke, key=uploaded, default=None)


def _warned(warnings: Collection[WarningSeen] | None, side: str, name: str) -> bool | None:
    """Whether `side` warned that `name` goes; None where nobody could have seen it."""
    if warnings is None:
        return None
    return any(seen.raised_by == side and "Deprecat" in seen.category and name in seen.message for seen in warnings)


def _declares(red: RedCell, user: str, side: str, catalog: Catalog) -> str:
    """What `user` declares to need of `side`, as a text."""
    bound = needs(catalog, user, red.versions[user], red.python).get(side)
    return "no bound at all" if bound is None or not str(bound) else f"{side}{bound}"


def _dropped_in(red: RedCell, side: Culprit) -> str:
    """The release that dropped it: as the failure says, if that is after the last good; else the first bad."""
    said, bad = _REMOVED_IN.search(red.failure.message), side.first_bad or side.version
    if said and Version(side.last_good or "0") < Version(said["release"]) <= Version(bad):
        return said["release"]
    return bad


def _removed(red: RedCell, side: Culprit, api: str, user: str, warned: bool | None, catalog: Catalog) -> Moved:
    release = _dropped_in(red, side)
    sentence = f"{side.name} {release} no longer has {api}"
    bound = ""
    if user:
        bound = f"{side.name}<{release}"
        sentence += (
            f", which {user} {red.versions[user]} uses while it declares {_declares(red, user, side.name, catalog)}"
        )
    if warned is not None:
        sentence += f"; {side.name} {side.last_good} had {'' if warned else 'not '}warned of it"
    return Moved(
        kind="removed",
        side=side.name,
        release=release,
        api=api,
        user=user,
        warned=warned,
        bound=bound,
        sentence=sentence,
    )


def _missing_bound(red: RedCell, side: Culprit, api: str, user: str, catalog: Catalog) -> Moved:
    what = f"{api}, which {side.name} has from {side.fixed_in} on" if api else f"{side.name} {side.fixed_in}"
    sentence = f"{user} {red.versions[user]} needs {what}, and declares {_declares(red, user, side.name, catalog)}"
    return Moved(
        kind="missing bound",
        side=user,
        release=red.versions[user],
        api=api,
        user=user,
        bound=f"{side.name}>={side.fixed_in}",
        sentence=sentence,
    )


def _undeclared(red: RedCell, asks: Culprit, module: str, catalog: Catalog) -> Moved:
    declared = module in needs(catalog, asks.name, red.versions[asks.name], red.python)
    how = "declares it, yet it is not installed" if declared else "does not declare it"
    sentence = f"{asks.name} {asks.version} imports {module} and {how}"
    return Moved(
        kind="undeclared", side=asks.name, release=asks.first_bad or "", api=module, user=asks.name, sentence=sentence
    )
