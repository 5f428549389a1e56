"""A forecast, from source alone: the names that one release takes from another, against those that the other offers.

Nothing is run: modules are read with :mod:`ast`. A release of one component is read once and compared with every
release of the other, so n + m readings tell something about n x m pairs. The forecast is a prediction and never a
verdict. It does not see names that are made at run time, and it sees no breaks but missing names.

Imports and attribute chains count as taken, in the modules that importing the component reaches. What stands outside of
functions is needed at once, and so are annotations of functions. What stands inside is needed once the function is
called. Where the source has two ways to go on (a ``try`` that catches the failure, a condition on a version or on
``hasattr``), something is missing only if each of the ways misses something. What stands under ``TYPE_CHECKING`` is not
executed.

These count as offered: what a module binds at its top level, by star too; its submodules; the names that a table of
deprecations behind the ``__getattr__`` of a module still serves; and the attributes of an object that a module makes of
a class of its own, as far as the module shows them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from stackcompat.frontier.static.names import NameTable, Take
from stackcompat.frontier.static.offers import attributes, first_missing

__all__ = ["Missing", "Wanted", "missing", "wanted", "without_unseen_attributes"]

Key = TypeVar("Key")


class Missing(NamedTuple):
    """A name that the other release does not offer, and the module and line that take it."""

    name: str
    module: str
    line: int

    def __str__(self) -> str:
        return f"{self.module}:{self.line} takes {self.name}, which is not there"


class Wanted(NamedTuple):
    """What the module `module` of one release takes from another."""

    module: str
    take: Take


def wanted(taker: NameTable, roots: Collection[str], packages: Collection[str]) -> tuple[Wanted, ...]:
    """What one release takes from another.

    Args:
        taker: The names of the release that takes.
        roots: Those of its modules that are imported. What these modules import counts, too.
        packages: The top-level packages of the other release.
    """
    wants = []
    for module in _reached(taker, roots):
        for take in taker.module(module).takes:
            kept = _of_packages(take, taker, packages)
            if kept is not None:
                wants.append(Wanted(module, kept))
    return tuple(dict.fromkeys(wants))


def missing(wants: Iterable[Wanted], giver: NameTable, *, late: bool = False) -> tuple[Missing, ...]:
    """What of `wants` the release `giver` does not offer.

    Args:
        wants: What another release takes from it.
        giver: The names of the release.
        late: Whether to count what is taken only once functions are called.
    """
    found = [Missing(name, module, line) for module, take in wants for name, line in _missing([take], giver, late=late)]
    return tuple(dict.fromkeys(found))


def without_unseen_attributes(
    found: Mapping[Key, Iterable[Missing]], givers: Iterable[NameTable]
) -> dict[Key, tuple[Missing, ...]]:
    """Leave out the missing attributes of objects that no release shows.

    Such an attribute is set from outside of the module that makes the object, so its absence says nothing of a release.

    Args:
        found: What is missing.
        givers: The releases. At least one of them has to show an attribute.
    """
    shown = [entry for giver in givers for entry in attributes(giver).items()]
    objects = {name for name, _ in shown}
    known = {f"{name}.{attribute}" for name, names in shown for attribute in names}
    return {
        key: tuple(entry for entry in entries if entry.name in known or entry.name.rpartition(".")[0] not in objects)
        for key, entries in found.items()
    }


def _reached(table: NameTable, roots: Collection[str]) -> list[str]:
    """The modules that importing `roots` brings in, including the packages that they lie in."""
    reached: dict[str, None] = {}
    pending = [root for root in roots if table.has(root)]
    while pending:
        name = pending.pop()
        if name in reached:
            continue
        reached[name] = None
        if "." in name:
            pending.append(name.rpartition(".")[0])
        pending += [
            module
            for take in table.module(name).takes
            if not take.late and (module := _longest_module(table, take.name))
        ]
    return [name for name in reached if name in table.modules]


def _longest_module(table: NameTable, name: str) -> str:
    """The longest beginning of a dotted name that is a module of the release; empty if there is none."""
    while name and not table.has(name):
        name = name.rpartition(".")[0]
    return name


def _of_packages(take: Take, taker: NameTable, packages: Collection[str]) -> Take | None:
    """`take` without the names outside of `packages` and those that the taker has itself; None if nothing is left."""
    if not take.ways:
        parent = take.name.rpartition(".")[0]
        is_own = taker.has(take.name) or (parent and taker.has(parent))
        return take if take.name.split(".")[0] in packages and not is_own else None
    ways = [[_of_packages(other, taker, packages) for other in way] for way in take.ways]
    kept = tuple(tuple(other for other in way if other is not None) for way in ways)
    return take.model_copy(update={"ways": kept}) if any(kept) else None


def _missing(takes: Sequence[Take], giver: NameTable, *, late: bool) -> Iterator[tuple[str, int]]:
    """The names among `takes` that the release does not offer, each with its line."""
    for take in takes:
        if take.late and not late:
            continue
        if take.ways:
            ways = [list(_missing(way, giver, late=late)) for way in take.ways]
            if all(ways):
                yield ways[-1][0]
            continue
        name = first_missing(giver, take.name, take.keyword, take.text)
        if name:
            yield name, take.line
